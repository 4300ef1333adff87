"""What a registry's own API knows of an artifact, as it is stored. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from deadlight.registry.types.registry_type import ArtifactFacts
from deadlight.server.db.zero_bytes import without_zero_bytes


def write_facts(facts: ArtifactFacts) -> dict[str, Any]:
    """Facts as they are stored."""
    values: dict[str, Any] = without_zero_bytes(msgspec.to_builtins(facts))
    return values


def read_facts(stored: Mapping[str, Any] | None) -> ArtifactFacts:
    """Stored facts; empty where there are none or another version wrote them."""
    try:
        return msgspec.convert(stored or {}, ArtifactFacts)
    except msgspec.ValidationError:
        return ArtifactFacts()
