"""Packages that somebody asks about are matched as those of running images are, and nothing of them is kept."""

from typing import Any

import pytest
from tests.support.fleet import Fleet
from tests.support.osv import CRITICAL, LOW, import_records, osv
from tests.support.service import RunningService

from deadlight.server.findings import match_request
from deadlight.server.findings.match_schemas import MAX_PACKAGES

MATCH = "/api/v1/match"
OPENSSL = {"ecosystem": "Debian:12", "name": "libssl3", "version": "3.0.1-1", "source_name": "openssl"}
FLASK = {"ecosystem": "PyPI", "name": "flask", "version": "2.0.0"}


async def ask(service: RunningService, *packages: dict[str, str], **how: Any) -> Any:
    return await service.post(MATCH, {"packages": packages}, **how)


@pytest.mark.req("A8")
async def test_packages_are_matched_and_nothing_is_stored(service: RunningService, fleet: Fleet) -> None:
    await import_records(
        service.services.engine,
        osv("GHSA-1", "flask", ecosystem="PyPI", fixed="2.1.0", aliases=["CVE-2026-0001"], severity=CRITICAL),
        osv("PYSEC-1", "flask", ecosystem="PyPI", fixed="2.0.5", aliases=["CVE-2026-0001"], severity=""),
        osv("CVE-2026-0002", "openssl", fixed="3.0.2-1", severity=LOW),
        osv("CVE-2026-0003", "openssl", fixed="3.0.1-1"),
    )
    musl = {"ecosystem": "Alpine:v3.19", "name": "musl", "version": "1.2.4-r2"}
    answer = await ask(service, FLASK, musl, OPENSSL)
    assert answer["matches"] == [
        {
            "package": 0,
            "vulnerability": "CVE-2026-0001",
            "fix_version": "2.0.5, 2.1.0",
            "advisories": ["GHSA-1", "PYSEC-1"],
            "imports": {},
        },
        {
            "package": 2,
            "vulnerability": "CVE-2026-0002",
            "fix_version": "3.0.2-1",
            "advisories": ["CVE-2026-0002"],
            "imports": {},
        },
    ]
    known = {item["vulnerability"]: item for item in answer["vulnerabilities"]}
    assert (known["CVE-2026-0001"]["severity"], known["CVE-2026-0002"]["severity"]) == ("Critical", "Low")
    assert known["CVE-2026-0001"]["aliases"] == ["GHSA-1", "PYSEC-1"]
    assert answer["unknown_ecosystems"] == ["Alpine:v3.19"]
    for table in ("package", "vulnerability_match", "image"):
        assert await fleet.rows(f"SELECT * FROM {table}") == []


async def test_where_in_a_go_module_a_flaw_is_comes_with_it(service: RunningService) -> None:
    record = osv("GO-2026-0001", "example.com/html", ecosystem="Go", aliases=["CVE-2026-0001"])
    record["affected"][0]["ecosystem_specific"] = {"imports": [{"path": "example.com/html", "symbols": ["Parse"]}]}
    other = osv("GHSA-1", "example.com/html", ecosystem="Go", aliases=["CVE-2026-0001"])
    await import_records(service.services.engine, record, other)
    (match,) = (await ask(service, {"ecosystem": "Go", "name": "example.com/html", "version": "v0.3.0"}))["matches"]
    assert match["imports"] == {
        "GO-2026-0001": [{"path": "example.com/html", "symbols": ["Parse"], "goos": [], "goarch": []}]
    }


async def test_without_packages_there_is_nothing(service: RunningService) -> None:
    assert await ask(service) == {"vulnerabilities": [], "matches": [], "unknown_ecosystems": []}


@pytest.mark.parametrize(
    "package",
    [{}, {"ecosystem": "PyPI", "name": "", "version": "1"}, FLASK | {"name": "a\0"}, FLASK | {"version": "1" * 513}],
)
async def test_what_is_no_package_is_refused(service: RunningService, package: dict[str, str]) -> None:
    await ask(service, package, expect=400)


async def test_no_question_takes_longer_or_answers_more_than_the_bounds(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    await import_records(service.services.engine, osv("CVE-2026-0002", "openssl"), osv("CVE-2026-0003", "openssl"))
    await ask(service, *[{"ecosystem": "", "name": "a", "version": ""}] * (MAX_PACKAGES + 1), expect=400)
    monkeypatch.setattr(match_request, "MAX_MATCHES", 3)
    assert len((await ask(service, OPENSSL))["matches"]) == 2
    refused = await ask(service, OPENSSL, OPENSSL, expect=400)
    assert "more than 3 vulnerabilities: ask for fewer at once" in refused["message"]
    monkeypatch.setattr(match_request, "MAX_COMPARISONS", 3)
    refused = await ask(service, OPENSSL, OPENSSL, expect=400)
    assert "too many packages" in refused["message"]
