"""Advisories are uploaded; what is wrong with one is said by name, and what is right with others is kept."""

import json
from typing import Any

import pytest
from tests.support.osv import osv
from tests.support.service import RunningService

ADVISORIES = "/api/v1/advisories"
GOOD, OTHER = osv("CVE-2026-0001", "openssl"), osv("CVE-2026-0002", "flask", ecosystem="PyPI")


def document(record: dict[str, Any] | str, origin: str = "a record") -> dict[str, str]:
    return {"origin": origin, "content": record if isinstance(record, str) else json.dumps(record)}


async def upload(service: RunningService, *documents: Any, **how: Any) -> Any:
    return await service.post(f"{ADVISORIES}/import", {"source": "test", "documents": documents}, **how)


async def status(service: RunningService) -> Any:
    return await service.get(ADVISORIES)


async def test_an_upload_is_counted_noted_and_summed_up(service: RunningService) -> None:
    assert await status(service) == {"advisories": 0, "vulnerabilities": 0, "last_imported_at": None, "ecosystems": {}}
    answer = await upload(service, document(GOOD), document(OTHER))
    assert (answer["added"], answer["rejected"], answer["rejections"]) == (2, 0, [])
    (noted,) = await service.get(f"{ADVISORIES}/imports")
    assert (noted["source"], noted["added"]) == ("test", 2)
    summed = await status(service)
    assert (summed["advisories"], summed["vulnerabilities"]) == (2, 2)
    assert summed["ecosystems"] == {"Debian": 1, "PyPI": 1}
    assert summed["last_imported_at"] == noted["imported_at"]


@pytest.mark.parametrize("content", ["<html>Sign in</html>", '{"id": "7"}', "[]", "", "[" * 100_000, "\0"])
async def test_what_is_not_osv_is_named_and_the_rest_is_taken(service: RunningService, content: str) -> None:
    answer = await upload(service, document(GOOD), document(content, "all.zip:b.json"), document(OTHER))
    assert (answer["added"], answer["rejected"]) == (2, 1)
    (reason,) = answer["rejections"]
    assert reason.startswith("all.zip:b.json: not OSV: ")
    assert (await status(service))["advisories"] == 2
    (noted,) = await service.get(f"{ADVISORIES}/imports")
    assert noted["rejections"] == [reason]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"documents": []}, "source"),
        ({"source": "", "documents": []}, "source"),
        ({"source": "a\0b", "documents": []}, "source"),
        ({"source": "test"}, "documents"),
        ({"source": "test", "documents": [{"origin": "one"}]}, "documents.0.content"),
        ({"source": "test", "documents": [{"origin": "one\0", "content": ""}]}, "documents.0.origin"),
        ({"source": "test", "documents": [{"origin": "one", "content": "\ud800"}]}, "documents.0.content"),
        ({"source": "test", "documents": [document(GOOD)] * 1001}, "documents"),
    ],
)
async def test_an_upload_that_is_no_batch_is_refused_whole_with_the_field(
    service: RunningService, body: dict[str, Any], field: str
) -> None:
    answer = await service.post(f"{ADVISORIES}/import", body, expect=400)
    assert answer["message"].startswith(field)
    assert (await status(service))["advisories"] == 0
    assert await service.get(f"{ADVISORIES}/imports") == []


async def test_only_operators_import_and_everybody_may_look(service: RunningService) -> None:
    viewer = (await service.post("/api/v1/tokens", {"name": "viewer", "role": "viewer"}))["token"]
    await upload(service, document(GOOD), token=viewer, expect=403)
    assert (await service.request("GET", ADVISORIES, token=viewer))["advisories"] == 0
