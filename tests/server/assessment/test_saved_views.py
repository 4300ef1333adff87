"""Saved views: one's own, shared ones, and what nobody may do to those of others."""

from typing import Any

import pytest
from tests.support.service import RunningService

from deadlight.server.auth.principals import Principal, Role
from deadlight.server.auth.sessions import create_api_token

VIEWS = "/api/v1/views"
VIEW = {"page": "images", "name": "Worst", "query": "risk=malicious&period=7+days"}


@pytest.fixture
async def viewer(service: RunningService) -> str:
    """The token of somebody else."""
    async with service.services.engine.begin() as connection:
        return await create_api_token(connection, Principal(1, "viewer", Role.VIEWER), "x", Role.VIEWER, None)


async def listed(service: RunningService, token: str | None = None, page: str = "images") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await service.request("GET", f"{VIEWS}?page={page}", token=token)
    return found


async def test_a_view_is_saved_renamed_shared_and_deleted(service: RunningService, viewer: str) -> None:
    added = await service.post(VIEWS, VIEW | {"name": "  Worst "}, expect=201)
    assert {key: added[key] for key in ("name", "query", "shared", "owner", "is_mine")} == {
        "name": "Worst",
        "query": VIEW["query"],
        "shared": False,
        "owner": "admin",
        "is_mine": True,
    }
    assert await listed(service) == [added]
    assert await listed(service, viewer) == []
    assert await listed(service, page="workloads") == []
    changed = await service.request("PUT", f"{VIEWS}/{added['id']}", VIEW | {"name": "Worst of all", "shared": True})
    assert (changed["name"], changed["shared"]) == ("Worst of all", True)
    (seen,) = await listed(service, viewer)
    assert (seen["owner"], seen["is_mine"]) == ("admin", False)
    await service.request("DELETE", f"{VIEWS}/{added['id']}", expect=204)
    assert await listed(service, viewer) == []


async def test_views_of_others_are_theirs(service: RunningService, viewer: str) -> None:
    mine = await service.post(VIEWS, VIEW)
    theirs = await service.post(VIEWS, VIEW | {"shared": True}, token=viewer)
    for method, body in (("PUT", VIEW), ("DELETE", None)):
        await service.request(method, f"{VIEWS}/{mine['id']}", body, token=viewer, expect=404)
    await service.request("PUT", f"{VIEWS}/{mine['id']}", VIEW | {"name": "Shared", "shared": True})
    for method, body in (("PUT", VIEW), ("DELETE", None)):
        await service.request(method, f"{VIEWS}/{mine['id']}", body, token=viewer, expect=403)
    await service.request("DELETE", f"{VIEWS}/{theirs['id']}", expect=204)


async def test_a_name_is_taken_once_for_each_person_and_page(service: RunningService, viewer: str) -> None:
    await service.post(VIEWS, VIEW)
    refused = await service.post(VIEWS, VIEW, expect=409)
    assert "choose another name" in refused["message"]
    await service.post(VIEWS, VIEW | {"page": "workloads"})
    await service.post(VIEWS, VIEW, token=viewer)
    for wrong in ({"name": " "}, {"name": "x" * 81}, {"query": "x" * 8001}, {"page": "moon"}, {"query": "\0"}):
        await service.post(VIEWS, VIEW | wrong, expect=400)


async def test_nobody_fills_the_table(service: RunningService) -> None:
    async with service.services.engine.begin() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO saved_view (user_id, page, name, query) "
            "SELECT 3, 'images', number, '' FROM generate_series(1, 200) AS number"
        )
    refused = await service.post(VIEWS, VIEW, expect=400)
    assert "at most 200 views" in refused["message"]
