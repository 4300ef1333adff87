"""What a cluster says about itself: its identity and its version."""

from typing import TypeVar

import msgspec

from deadlight.controller.errors import ApiError, ConfigurationError, MalformedAnswerError
from deadlight.controller.sources.kubernetes.api import KubernetesApi
from deadlight.controller.sources.kubernetes.objects import Namespace

IDENTITY_NAMESPACES = ("kube-system", "default")
"""Namespaces that exist in every cluster and are never deleted; the UID of the first readable one is the cluster's."""


T = TypeVar("T")


class _Version(msgspec.Struct, rename="camel"):
    git_version: str


async def fetch_cluster_uid(api: KubernetesApi) -> str:
    """The one identity a cluster keeps for life.

    Raises:
        ConfigurationError: neither namespace may be read.
        ControllerError: the API server cannot be asked.
    """
    refusals = []
    for name in IDENTITY_NAMESPACES:
        try:
            return _decode(await api.get(f"/api/v1/namespaces/{name}"), Namespace).metadata.uid
        except ApiError as error:
            if error.status not in {403, 404}:
                raise
            refusals.append(f"{name}: {error}")
    raise ConfigurationError(
        "cannot tell which cluster this is: the UID of the namespace kube-system is its identity; grant get on "
        f"namespaces ({'; '.join(refusals)})"
    )


async def fetch_version(api: KubernetesApi) -> str:
    """The API server's version (`v1.36.3`); raises ControllerError."""
    return _decode(await api.get("/version"), _Version).git_version


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedAnswerError(f"not a {kind.__name__}: {error}") from error
