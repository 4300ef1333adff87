"""The marks that deployment tools leave on what they deploy, as the real ones do."""

from dataclasses import dataclass, field
from typing import assert_never

from deadlight.demo.world import Deployer, WorkloadPlan

_API = {
    "Deployment": "apps",
    "StatefulSet": "apps",
    "DaemonSet": "apps",
    "ReplicaSet": "apps",
    "Job": "batch",
    "CronJob": "batch",
}


@dataclass(frozen=True, slots=True)
class Marks:
    """What a tool writes on an object, and under which name it is its field manager."""

    manager: str
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)


def marks_of(plan: WorkloadPlan) -> Marks:
    """The marks on a workload."""
    marks = _tool_marks(plan)
    if plan.owner:
        marks.annotations["deadlight.io/deployed-by"] = plan.owner
    return marks


def _tool_marks(plan: WorkloadPlan) -> Marks:
    namespace, name = plan.namespace, plan.name
    match plan.deployer:
        case Deployer.HELM:
            release = {"meta.helm.sh/release-name": name, "meta.helm.sh/release-namespace": namespace}
            return Marks("helm", {"app.kubernetes.io/managed-by": "Helm"}, release)
        case Deployer.ARGO_CD:
            kind = plan.kind.value
            tracking = f"{namespace}:{_API.get(kind, 'argoproj.io')}/{kind}:{namespace}/{name}"
            return Marks("argocd-controller", annotations={"argocd.argoproj.io/tracking-id": tracking})
        case Deployer.FLUX:
            prefix = "kustomize.toolkit.fluxcd.io"
            labels = {f"{prefix}/name": namespace, f"{prefix}/namespace": "flux-system"}
            return Marks("kustomize-controller", labels)
        case Deployer.KUBECTL:
            return Marks("kubectl-client-side-apply")
        case _:
            assert_never(plan.deployer)
