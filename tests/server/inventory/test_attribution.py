"""Who deployed a workload, by whom the API server knew, by what tools wrote and by who wrote last."""

from typing import Any

import pytest

from deadlight.model.attribution import Attribution, Confidence, Party
from deadlight.server.inventory.attribution import DeploymentEvidence, find_deployed_by

TRACKING = {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}
LAST_WRITER = {"deadlight.io/last-writer": "argocd-controller"}


def deployer(user: str, **more: Any) -> dict[str, Any]:
    return {"user": user, "via": "admission", "at": "2026-11-01T12:00:00Z", "template": "t1"} | more


def found(**evidence: Any) -> Attribution:
    answer = find_deployed_by(DeploymentEvidence(**{"template": "t1", **evidence}))
    assert answer is not None
    return answer


@pytest.mark.req("F2")
def test_a_person_whom_the_api_server_authenticated_comes_first_with_what_they_changed() -> None:
    answer = found(
        annotations={"deadlight.io/deployed-by": "somebody else", **LAST_WRITER},
        deployer=deployer("grace@example.com", changed=["image of web: 1.0 -> 1.1"]),
    )
    assert (answer.value, answer.source, answer.confidence) == (
        "grace@example.com",
        "Kubernetes admission review",
        Confidence.PROVEN,
    )
    assert (answer.detail, answer.at is not None) == ("image of web: 1.0 -> 1.1", True)
    assert [item.value for item in answer.others] == ["somebody else", "last written by argocd-controller"]


@pytest.mark.req("F2", "F7")
def test_a_gitops_controllers_account_says_less_than_its_application_and_both_are_told() -> None:
    account = "system:serviceaccount:argocd:argocd-application-controller"
    answer = found(annotations={**TRACKING, **LAST_WRITER}, deployer=deployer(account, via="audit"))
    assert (answer.value, answer.party) == ("Argo CD application shop", Party.APPLICATION)
    assert [(item.value, item.source, item.confidence) for item in answer.others] == [
        (account, "Kubernetes audit log", Confidence.PROVEN),
        ("last written by argocd-controller", "managedFields of the workload", Confidence.RECORDED),
    ]


def test_whoever_deployed_something_else_before_says_nothing_of_what_is_there_now() -> None:
    assert find_deployed_by(DeploymentEvidence(template="t2", deployer=deployer("grace@example.com"))) is None


@pytest.mark.parametrize(
    ("place", "values", "expected"),
    [
        (
            "annotations",
            {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"},
            "Argo CD application shop",
        ),
        ("labels", {"argocd.argoproj.io/instance": "shop"}, "Argo CD application shop"),
        (
            "labels",
            {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"},
            "Flux kustomization flux-system/apps",
        ),
        ("labels", {"helm.toolkit.fluxcd.io/name": "web"}, "Flux Helm release web"),
        ("annotations", {"app.gitlab.com/app": "shop-web"}, "GitLab project shop-web"),
        (
            "annotations",
            {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"},
            "Helm release shop/web",
        ),
        ("annotations", {"deadlight.io/deployed-by": "Grace: on call"}, "Grace: on call"),
    ],
)
def test_what_deployment_tools_write_is_understood(place: str, values: dict[str, str], expected: str) -> None:
    answer = found(**{place: values})
    assert (answer.value, answer.confidence) == (expected, Confidence.STATED)


def test_the_helm_chart_is_the_revision_of_its_release() -> None:
    answer = found(annotations={"meta.helm.sh/release-name": "web"}, labels={"helm.sh/chart": "web-1.4.0"})
    assert answer.revision == "web-1.4.0"


def test_nothing_known_is_nobody() -> None:
    assert find_deployed_by(DeploymentEvidence(annotations={"deadlight.io/deployed-by": "  "})) is None
