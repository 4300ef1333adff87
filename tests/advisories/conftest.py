import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.real_records import shared_file, write_share

from deadlight.advisories.advisory import Advisory
from deadlight.advisories.osv import parse_advisory
from deadlight.model.package import Package

LABELLED = ("PyPI", "AlmaLinux:8")
"""Ecosystems that the labels speak of."""


@pytest.fixture(scope="session")
def real_records_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_share(tmp_path_factory.mktemp("records") / "records.jsonl", *LABELLED)


@pytest.fixture(scope="session")
def match_labels_path() -> Path:
    return shared_file("match-labels-dev.jsonl")


@pytest.fixture(scope="session")
def record() -> Callable[..., bytes]:
    """Builds the bytes of an OSV record with the given fields."""

    def build(identifier: str = "GHSA-test-test-test", **fields: Any) -> bytes:
        return json.dumps({"id": identifier, "modified": "2024-01-01T00:00:00Z", **fields}).encode()

    return build


@pytest.fixture(scope="session")
def advisory(record: Callable[..., bytes]) -> Callable[..., Advisory]:
    """Parses a record with the given fields."""

    def build(identifier: str = "GHSA-test-test-test", **fields: Any) -> Advisory:
        return parse_advisory(record(identifier, **fields), "test")

    return build


@pytest.fixture(scope="session")
def affects() -> Callable[..., dict[str, Any]]:
    """Builds an entry of `affected`; each of `ranges` is a list of events such as `{"fixed": "1.2"}`."""

    def build(
        ecosystem: str, name: str, *ranges: list[dict[str, str]], versions: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        return {
            "package": {"ecosystem": ecosystem, "name": name},
            "ranges": [{"type": "ECOSYSTEM", "events": events} for events in ranges],
            "versions": list(versions),
        }

    return build


@pytest.fixture(scope="session")
def package() -> Callable[..., Package]:
    """Builds an installed package; without a source it is its own."""

    def build(ecosystem: str, name: str, version: str, source: str = "", source_version: str = "") -> Package:
        return Package(ecosystem, name, version, "", source or name, source_version or version)

    return build
