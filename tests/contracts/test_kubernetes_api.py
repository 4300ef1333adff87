"""What our clients rely on in a Kubernetes API server, held against the stand-in and against a real one.

The real one is asked when KUBECONFIG_VERIFY names the kubeconfig of a cluster that may be written to: everything
happens in a namespace of its own, with suspended CronJobs, which no controller touches.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from deadlight.controller.sources.kubernetes.access import Access, Trust
from deadlight.controller.sources.kubernetes.kubeconfig import load_kubeconfig
from deadlight.controller.sources.kubernetes.lines import iter_lines
from deadlight.demo.kubernetes.kubeconfig import write_kubeconfig
from deadlight.demo.kubernetes.server import Standin
from deadlight.demo.kubernetes.store import Cluster

Json = dict[str, Any]


@dataclass
class Server:
    """An API server and a namespace in it to play in."""

    access: Access
    session: aiohttp.ClientSession
    standin: Cluster | None
    namespace: str = field(default_factory=lambda: f"contract-{uuid4().hex[:8]}")

    @property
    def path(self) -> str:
        return f"/apis/batch/v1/namespaces/{self.namespace}/cronjobs"

    async def ask(self, method: str, path: str, body: Json | None = None, **query: str) -> tuple[int, Json]:
        async with self._request(method, path, body, query) as answer:
            return answer.status, json.loads(await answer.read())

    @asynccontextmanager
    async def watch(self, **query: str) -> AsyncIterator[AsyncIterator[Json]]:
        async with self._request("GET", self.path, None, {"watch": "true", **query}) as answer:
            assert answer.status == 200
            yield (json.loads(line) async for line in iter_lines(answer.content.iter_any()))

    @asynccontextmanager
    async def _request(
        self, method: str, path: str, body: Json | None, query: Json, token: str | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        credential = await self.access.authenticator.credential()
        bearer = credential.token if token is None else token
        patch = {"Content-Type": "application/merge-patch+json"} if method == "PATCH" else {}
        async with self.session.request(
            method,
            self.access.server + path,
            json=body,
            params=query,
            ssl=Trust(self.access).context(credential),
            headers=patch | ({"Authorization": f"Bearer {bearer}"} if bearer else {}),
        ) as answer:
            yield answer

    async def create(self, name: str, **labels: str) -> Json:
        status, made = await self.ask("POST", self.path, cron_job(name, **labels))
        assert status == 201, made
        return made

    async def version(self) -> str:
        _, listed = await self.ask("GET", self.path)
        return str(listed["metadata"]["resourceVersion"])


def cron_job(name: str, **labels: str) -> Json:
    container = {"name": "c", "image": "registry.example/c:1"}
    template = {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}}
    spec = {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": template}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name, "labels": labels}, "spec": spec}


def after(page: Json) -> dict[str, str]:
    return {"continue": page["metadata"]["continue"]}


@pytest.fixture(params=["stand-in", "real"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Server]:
    if request.param == "real" and "KUBECONFIG_VERIFY" not in os.environ:
        pytest.skip("KUBECONFIG_VERIFY names no kubeconfig of a real cluster that may be written to")
    cluster = Cluster("contract", bookmark_seconds=0.05)
    async with Standin([cluster]) as standin, aiohttp.ClientSession() as session:
        write_kubeconfig(tmp_path / "kubeconfig", {standin.url(cluster): cluster})
        real = request.param == "real"
        access = load_kubeconfig([Path(os.environ["KUBECONFIG_VERIFY"]) if real else tmp_path / "kubeconfig"])
        asked = Server(access, session, None if real else cluster)
        await asked.ask("POST", "/api/v1/namespaces", {"metadata": {"name": asked.namespace}})
        yield asked
        await asked.ask("DELETE", f"/api/v1/namespaces/{asked.namespace}")


async def test_a_created_object_has_an_identity_and_a_version(server: Server) -> None:
    made = await server.create("a")

    assert made["kind"] == "CronJob"
    assert made["metadata"]["uid"]
    assert made["metadata"]["creationTimestamp"].endswith("Z")
    assert int(made["metadata"]["resourceVersion"]) > 0
    assert made["metadata"]["managedFields"][0]["operation"] == "Update"


async def test_versions_only_grow(server: Server) -> None:
    first = await server.create("a")
    second = await server.create("b")

    assert int(second["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])
    assert int(await server.version()) >= int(second["metadata"]["resourceVersion"])


async def test_creating_twice_is_409_already_exists(server: Server) -> None:
    await server.create("a")

    status, refused = await server.ask("POST", server.path, cron_job("a"))

    assert (status, refused["kind"], refused["reason"], refused["code"]) == (409, "Status", "AlreadyExists", 409)
    assert refused["details"]["name"] == "a"


async def test_writing_from_a_stale_version_is_409_conflict(server: Server) -> None:
    stale = (await server.create("a"))["metadata"]["resourceVersion"]
    await server.ask("PATCH", f"{server.path}/a", {"metadata": {"labels": {"x": "1"}}})

    patch = {"metadata": {"resourceVersion": stale, "labels": {"x": "2"}}}
    status, refused = await server.ask("PATCH", f"{server.path}/a", patch)

    assert (status, refused["reason"]) == (409, "Conflict")
    assert "the object has been modified" in refused["message"]


async def test_deleting_under_the_wrong_uid_is_409_conflict(server: Server) -> None:
    await server.create("a")

    status, refused = await server.ask("DELETE", f"{server.path}/a", {"preconditions": {"uid": "0"}})

    assert (status, refused["reason"]) == (409, "Conflict")
    assert "does not match the UID in record" in refused["message"]


async def test_a_merge_patch_changes_what_it_names_and_null_removes(server: Server) -> None:
    await server.create("a", keep="1", drop="1")

    await server.ask("PATCH", f"{server.path}/a", {"metadata": {"labels": {"drop": None, "add": "1"}}})
    _, found = await server.ask("GET", f"{server.path}/a")

    assert found["metadata"]["labels"] == {"keep": "1", "add": "1"}


async def test_a_patch_that_changes_nothing_makes_no_new_version(server: Server) -> None:
    made = await server.create("a", x="1")

    _, patched = await server.ask("PATCH", f"{server.path}/a", {"metadata": {"labels": {"x": "1"}}})

    assert patched["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


async def test_the_status_is_written_apart_from_the_rest(server: Server) -> None:
    await server.create("a")
    when = "2026-11-21T00:00:00Z"

    status, _ = await server.ask("PATCH", f"{server.path}/a/status", {"status": {"lastScheduleTime": when}})
    _, found = await server.ask("PATCH", f"{server.path}/a", {"status": {"lastScheduleTime": None}})

    assert status == 200
    assert found["status"]["lastScheduleTime"] == when
    assert any(entry.get("subresource") == "status" for entry in found["metadata"]["managedFields"])


async def test_what_is_not_there_is_404(server: Server) -> None:
    status, refused = await server.ask("GET", f"{server.path}/nobody")

    assert (status, refused["kind"], refused["reason"]) == (404, "Status", "NotFound")


async def test_lists_come_in_pages_that_fit_together(server: Server) -> None:
    for number in range(5):
        await server.create(f"a{number}")

    _, first = await server.ask("GET", server.path, limit="2")
    await server.create("a9")
    _, second = await server.ask("GET", server.path, None, limit="2", **after(first))
    _, third = await server.ask("GET", server.path, None, limit="2", **after(second))

    names = [item["metadata"]["name"] for page in (first, second, third) for item in page["items"]]
    assert names == ["a0", "a1", "a2", "a3", "a4"]
    assert first["metadata"]["remainingItemCount"] == 3
    assert not third["metadata"].get("continue")
    assert first["metadata"]["resourceVersion"] == third["metadata"]["resourceVersion"]


async def test_a_mangled_continue_token_is_400(server: Server) -> None:
    status, refused = await server.ask("GET", server.path, None, limit="2", **{"continue": "gibberish"})

    assert (status, refused["reason"]) == (400, "BadRequest")


async def test_selectors_choose_by_labels_and_names(server: Server) -> None:
    await server.create("a", app="x")
    await server.create("b", app="y")

    async def names(**query: str) -> list[str]:
        _, listed = await server.ask("GET", server.path, None, **query)
        return [item["metadata"]["name"] for item in listed["items"]]

    assert await names(labelSelector="app=x") == ["a"]
    assert await names(labelSelector="app!=x") == ["b"]
    assert await names(labelSelector="app in (x, y)") == ["a", "b"]
    assert await names(fieldSelector="metadata.name=b") == ["b"]


async def test_a_list_at_a_future_version_is_504(server: Server) -> None:
    status, refused = await server.ask("GET", server.path, resourceVersion="999999999999")

    assert (status, refused["reason"]) == (504, "Timeout")
    assert refused["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


async def test_a_watch_tells_every_change_after_its_version(server: Server) -> None:
    version = await server.version()
    await server.create("a")
    await server.ask("PATCH", f"{server.path}/a", {"metadata": {"labels": {"x": "1"}}})
    await server.ask("DELETE", f"{server.path}/a")

    async with server.watch(resourceVersion=version, timeoutSeconds="5") as events:
        told = [await anext(events) for _ in range(3)]

    assert [event["type"] for event in told] == ["ADDED", "MODIFIED", "DELETED"]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in told]
    assert versions == sorted(set(versions)), "a deletion has a version of its own"
    assert {event["object"]["metadata"]["name"] for event in told} == {"a"}


async def test_a_watch_ends_cleanly_after_its_time(server: Server) -> None:
    async with server.watch(resourceVersion=await server.version(), timeoutSeconds="1") as events:
        assert [event async for event in events if event["type"] != "BOOKMARK"] == []


async def test_a_watch_through_a_selector_sees_objects_enter_and_leave(server: Server) -> None:
    await server.create("a", app="x")
    version = await server.version()
    for value in ("y", "x"):
        await server.ask("PATCH", f"{server.path}/a", {"metadata": {"labels": {"app": value}}})

    async with server.watch(resourceVersion=version, labelSelector="app=x", timeoutSeconds="5") as events:
        assert [(await anext(events))["type"] for _ in range(2)] == ["DELETED", "ADDED"]


async def test_a_streaming_list_ends_with_a_marked_bookmark_and_goes_on_as_a_watch(server: Server) -> None:
    await server.create("a")
    await server.create("b")
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}

    async with server.watch(**query, timeoutSeconds="10") as events:
        listed = [await anext(events) for _ in range(3)]
        await server.create("c")
        while (event := await anext(events))["type"] == "BOOKMARK":
            pass

    assert [item["type"] for item in listed] == ["ADDED", "ADDED", "BOOKMARK"]
    assert listed[2]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "c")


async def test_a_watch_from_the_future_is_200_and_says_nothing(server: Server) -> None:
    async with server.watch(resourceVersion="999999999999", timeoutSeconds="1") as events:
        assert [event async for event in events] == []


async def test_a_wrong_token_is_401_and_no_token_403(server: Server) -> None:
    if not (await server.access.authenticator.credential()).token:
        pytest.skip("the kubeconfig logs in with a certificate")
    async with server._request("GET", server.path, None, {}, token="wrong") as answer:
        assert (answer.status, (await answer.json())["reason"]) == (401, "Unauthorized")
    if server.standin is None:
        return  # what anonymous users may do is a real cluster's own affair
    async with server._request("GET", server.path, None, {}, token="") as answer:
        refused = await answer.json()
        assert (answer.status, refused["reason"]) == (403, "Forbidden")
        assert 'User "system:anonymous" cannot list resource "cronjobs" in API group "batch"' in refused["message"]


async def test_the_version_names_what_answers(server: Server) -> None:
    status, version = await server.ask("GET", "/version")

    assert status == 200
    assert version["gitVersion"].startswith("v1.")
    assert version["gitVersion"].endswith("+deadlight-demonstration") is (server.standin is not None)
