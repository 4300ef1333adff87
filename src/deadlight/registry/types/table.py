"""The table of registry types: one row each, in the order people choose from."""

from collections.abc import Mapping
from types import MappingProxyType

from deadlight.registry.types.amazon.ecr import ECR
from deadlight.registry.types.artifactory.api import ARTIFACTORY
from deadlight.registry.types.azure.container_registry import ACR
from deadlight.registry.types.docker_hub.hub import HUB
from deadlight.registry.types.generic import GENERIC
from deadlight.registry.types.github_packages import GHCR
from deadlight.registry.types.google.artifact_registry import GAR
from deadlight.registry.types.harbor.api import HARBOR
from deadlight.registry.types.registry_type import RegistryType

_ROWS = (GENERIC, ARTIFACTORY, HARBOR, ECR, GAR, ACR, GHCR, HUB)

TYPES: Mapping[str, RegistryType] = MappingProxyType({row.key: row for row in _ROWS})
"""By key."""


def suggest_type(host: str) -> RegistryType:
    """The type that a host's name gives away, or else the generic one, which is never wrong."""
    return next((row for row in _ROWS if row.recognises(host)), GENERIC)


def expected_digest_label(key: str) -> str:
    """What a violation calls the digest that a registry of this type has; an unknown type is as good as generic."""
    return TYPES.get(key, GENERIC).expected_digest_label
