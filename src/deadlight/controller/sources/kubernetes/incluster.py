"""The way to the API server for a pod, as every pod's service account gives it."""

from collections.abc import Mapping
from pathlib import Path

from deadlight.controller.errors import ConfigurationError
from deadlight.controller.sources.kubernetes.access import Access
from deadlight.controller.sources.kubernetes.authentication import TokenFile

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def is_in_cluster(environment: Mapping[str, str], directory: Path = SERVICE_ACCOUNT) -> bool:
    """Whether this process runs in a pod that may talk to the API server."""
    return "KUBERNETES_SERVICE_HOST" in environment and (directory / "token").exists()


def in_cluster(environment: Mapping[str, str], directory: Path = SERVICE_ACCOUNT) -> Access:
    """The pod's own way; token and authority are read again as they rotate.

    Raises:
        ConfigurationError: this is no pod, or its service account is not mounted.
    """
    host, port = environment.get("KUBERNETES_SERVICE_HOST", ""), environment.get("KUBERNETES_SERVICE_PORT", "443")
    if not host or not (directory / "token").exists():
        raise ConfigurationError(
            f"not inside a cluster: KUBERNETES_SERVICE_HOST or {directory}/token is missing (set "
            "automountServiceAccountToken: true, or pass --kubeconfig)"
        )
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return Access(
        server=f"https://{authority}",
        authenticator=TokenFile(directory / "token"),
        ca=directory / "ca.crt",
    )
