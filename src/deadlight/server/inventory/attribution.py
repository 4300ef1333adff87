"""Who deployed a workload, as far as the cluster says. Pure.

The first of these that is there answers: our own annotation, the GitOps tool that applied it, the Helm release, and
last the field manager that wrote the specification last.
"""

from collections.abc import Mapping

from deadlight.registry.provenance import MAX_VALUE_LENGTH, Attribution

_TEMPLATES = (
    ("deadlight.io/deployed-by", "{value}", ""),
    ("argocd.argoproj.io/tracking-id", "Argo CD application {value}", ""),
    ("kustomize.toolkit.fluxcd.io/name", "Flux kustomization {value}", "kustomize.toolkit.fluxcd.io/namespace"),
    ("helm.toolkit.fluxcd.io/name", "Flux Helm release {value}", "helm.toolkit.fluxcd.io/namespace"),
    ("meta.helm.sh/release-name", "Helm release {value}", "meta.helm.sh/release-namespace"),
    ("deadlight.io/last-writer", "last written by {value}", ""),
)


def find_deployed_by(annotations: Mapping[str, str]) -> Attribution | None:
    """Who deployed it, or None where nothing says."""
    for key, template, namespace_key in _TEMPLATES:
        value = annotations.get(key, "").partition(":")[0].strip()[:MAX_VALUE_LENGTH]
        if value:
            namespace = annotations.get(namespace_key, "")
            name = f"{namespace}/{value}" if namespace else value
            return Attribution(template.format(value=name), f"workload annotation {key}")
    return None
