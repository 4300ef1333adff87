"""Who deployed a workload, as far as the cluster says. Pure.

`SOURCES` is the order in which places are believed among equals (docs/adr/0025-attribution.md).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from deadlight.model.attribution import MAX_VALUE_LENGTH, Attribution, Confidence, Party, choose

LAST_WRITER = "deadlight.io/last-writer"
"""Derived by the controller from managedFields."""

_VIA = {"admission": "admission review", "audit": "audit log"}


@dataclass(frozen=True, slots=True)
class _Mark:
    """What a tool writes on what it deploys: the key, how its value is told, and where its namespace is."""

    key: str
    told: str
    namespace_key: str = ""
    revision_key: str = ""
    party: Party = Party.APPLICATION


_MARKS = (
    _Mark("deadlight.io/deployed-by", "{}", party=Party.PERSON),
    _Mark("argocd.argoproj.io/tracking-id", "Argo CD application {}"),
    _Mark("argocd.argoproj.io/instance", "Argo CD application {}"),
    _Mark("kustomize.toolkit.fluxcd.io/name", "Flux kustomization {}", "kustomize.toolkit.fluxcd.io/namespace"),
    _Mark("helm.toolkit.fluxcd.io/name", "Flux Helm release {}", "helm.toolkit.fluxcd.io/namespace"),
    _Mark("app.gitlab.com/app", "GitLab project {}"),
    _Mark("moniker.spinnaker.io/application", "Spinnaker application {}"),
    _Mark("meta.helm.sh/release-name", "Helm release {}", "meta.helm.sh/release-namespace", "helm.sh/chart"),
)


@dataclass(frozen=True, slots=True)
class DeploymentEvidence:
    """Everything there is to conclude Deployed By from."""

    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    template: str = ""
    """What the workload's pods are made from now, as a hash."""
    deployer: Mapping[str, Any] | None = None
    """Whom the API server authenticated for a change of it (`wire.Deployer` as JSON)."""

    @classmethod
    def of(cls, row: Row[Any]) -> "DeploymentEvidence":
        """What a row of the table `workload` holds."""
        return cls(row.annotations, row.labels, row.template, row.deployer)


def find_deployed_by(evidence: DeploymentEvidence) -> Attribution | None:
    """Who deployed it, with what other sources say; None where nothing does."""
    return choose(candidate for source in SOURCES for candidate in source(evidence))


def _authenticated(evidence: DeploymentEvidence) -> Iterator[Attribution]:
    """Whoever asked the API server for what the workload is now. For what it was before, they say nothing."""
    deployer = evidence.deployer
    if not deployer or deployer.get("template", "") != evidence.template:
        return
    user = deployer["user"]
    yield Attribution(
        user,
        f"Kubernetes {_VIA.get(deployer['via'], deployer['via'])}",
        Confidence.PROVEN,
        party_of(user),
        detail=", ".join(deployer.get("changed", ()))[:MAX_VALUE_LENGTH],
        at=datetime.fromisoformat(deployer["at"]),
    )


def _marked(evidence: DeploymentEvidence) -> Iterator[Attribution]:
    """What tools wrote on the workload. Argo CD's tracking id goes on after the application's name."""
    for place, values in (("annotation", evidence.annotations), ("label", evidence.labels)):
        for mark in _MARKS:
            value = values.get(mark.key, "")
            name = (value.partition(":")[0] if mark.key.startswith("argocd.") else value).strip()[:MAX_VALUE_LENGTH]
            if name:
                namespace = values.get(mark.namespace_key, "")
                told = mark.told.format(f"{namespace}/{name}" if namespace else name)
                revision = evidence.labels.get(mark.revision_key, "")
                yield Attribution(told, f"workload {place} {mark.key}", party=mark.party, revision=revision)


def _last_writer(evidence: DeploymentEvidence) -> Iterator[Attribution]:
    """The field manager that wrote the specification last: the name of a tool, as the tool gives it."""
    manager = evidence.annotations.get(LAST_WRITER, "").strip()[:MAX_VALUE_LENGTH]
    if manager:
        yield Attribution(
            f"last written by {manager}", "managedFields of the workload", Confidence.RECORDED, Party.MACHINE
        )


SOURCES: Sequence[Callable[[DeploymentEvidence], Iterator[Attribution]]] = (_authenticated, _marked, _last_writer)
"""THE order of the places that name who deployed."""


def party_of(user: str) -> Party:
    """Kubernetes names all that is no person with this prefix: service accounts, nodes, its own components."""
    return Party.MACHINE if user.startswith("system:") else Party.PERSON
