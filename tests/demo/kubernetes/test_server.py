"""What the contract cannot ask of a real server: trouble on demand, several clusters, TLS, foreign paths."""

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme

from deadlight.demo.kubernetes.kubeconfig import write_kubeconfig
from deadlight.demo.kubernetes.server import Standin
from deadlight.demo.kubernetes.statuses import expired_watch
from deadlight.demo.kubernetes.store import Cluster

PODS = "/api/v1/pods"


class Client:
    def __init__(self, session: aiohttp.ClientSession, base: str, token: str) -> None:
        self._session = session
        self._base = base
        self._headers = {"Authorization": f"Bearer {token}"}

    async def ask(self, method: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
        url, headers = self._base + path, self._headers
        async with self._session.request(method, url, json=body, params=query, headers=headers) as answer:
            return answer.status, await answer.json()

    @asynccontextmanager
    async def watch(self, **query: str) -> AsyncIterator[AsyncIterator[Any]]:
        query = {"watch": "true", **query}
        async with self._session.get(self._base + PODS, params=query, headers=self._headers) as answer:
            assert answer.status == 200
            yield (json.loads(line) async for line in answer.content)


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster("east", bookmark_seconds=0.02)
    for number in range(3):
        made.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p{number}", "namespace": "shop"}})
    return made


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[Client]:
    async with Standin([cluster]) as standin, aiohttp.ClientSession() as session:
        yield Client(session, standin.url(cluster), cluster.token)


async def test_an_idle_watch_gets_bookmarks(cluster: Cluster, client: Client) -> None:
    async with client.watch(resourceVersion=str(cluster.version), allowWatchBookmarks="true") as events:
        event = await anext(events)

    assert event["type"] == "BOOKMARK"
    assert event["object"]["spec"] == {"containers": None}
    assert event["object"]["metadata"] == {"resourceVersion": str(cluster.version)}


async def test_after_compaction_an_older_watch_is_410_inside_a_200(cluster: Cluster, client: Client) -> None:
    cluster.compact()
    async with client.watch(resourceVersion="2") as events:
        told = [event async for event in events]

    assert [event["type"] for event in told] == ["ERROR"]
    assert told[0]["object"]["code"] == 410


async def test_after_compaction_a_continue_is_410_with_a_token_to_go_on_inconsistently(
    cluster: Cluster, client: Client
) -> None:
    _, first = await client.ask("GET", PODS, limit="2")
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p9", "namespace": "shop"}})
    cluster.compact()

    status, refused = await client.ask("GET", PODS, None, **{"continue": first["metadata"]["continue"]})
    _, rest = await client.ask("GET", PODS, None, **{"continue": refused["metadata"]["continue"]})

    assert (status, refused["reason"]) == (410, "Expired")
    assert [item["metadata"]["name"] for item in rest["items"]] == ["p2", "p9"]


async def test_a_watch_that_fell_behind_the_history_is_410() -> None:
    cluster = Cluster("east", history=5)
    version = cluster.version
    for number in range(50):
        cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p{number}", "namespace": "shop"}})
    async with Standin([cluster]) as standin, aiohttp.ClientSession() as session:
        client = Client(session, standin.url(cluster), cluster.token)
        async with client.watch(resourceVersion=str(version)) as events:
            assert (await anext(events))["object"]["reason"] == "Expired"


async def test_watches_end_on_demand_cleanly_or_with_an_error(cluster: Cluster, client: Client) -> None:
    async with client.watch() as clean, client.watch() as broken:
        for _ in range(3):
            await anext(clean)
            await anext(broken)
        cluster.end_watches()
        assert [event async for event in clean] == []
    async with client.watch() as broken:
        for _ in range(3):
            await anext(broken)
        cluster.end_watches(expired_watch(1, 2))
        assert [event["type"] async for event in broken] == ["ERROR"]


async def test_denied_and_throttled_requests_are_403_and_429(cluster: Cluster, client: Client) -> None:
    cluster.deny("pods")
    status, refused = await client.ask("GET", PODS)
    assert (status, refused["details"]) == (403, {"kind": "pods"})
    cluster.deny()
    cluster.throttle(1)
    assert (await client.ask("GET", PODS))[0] == 429
    assert (await client.ask("GET", PODS))[0] == 200


async def test_an_older_server_refuses_streaming_lists() -> None:
    cluster = Cluster("old", streams_lists=False)
    async with Standin([cluster]) as standin, aiohttp.ClientSession() as session:
        client = Client(session, standin.url(cluster), cluster.token)
        status, refused = await client.ask(
            "GET", PODS, watch="true", sendInitialEvents="true", resourceVersionMatch="NotOlderThan"
        )

    assert (status, refused["reason"]) == (422, "Invalid")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/v1/secrets", None, 404),
        ("GET", "/apis/apps/v2/deployments", None, 404),
        ("GET", "/api/v1/namespaces/shop/nodes", None, 404),
        ("GET", "/api/v1/pods/p0", None, 404),
        ("GET", "/", None, 404),
        ("POST", "/api/v1/namespaces/nowhere/pods", {"metadata": {"name": "p"}}, 404),
        ("POST", "/api/v1/namespaces/shop/pods", {"kind": "Node", "metadata": {"name": "p"}}, 400),
        ("POST", "/api/v1/namespaces/shop/pods", {"metadata": {"name": "p", "namespace": "other"}}, 400),
        ("POST", "/api/v1/namespaces/shop/pods", {"metadata": "p"}, 400),
        ("POST", "/api/v1/namespaces/shop/pods", [], 400),
        ("POST", "/api/v1/namespaces/shop/pods", {"metadata": {"name": "p"}, "spec": []}, 400),
        ("PUT", "/api/v1/namespaces/shop/pods/p0", {"metadata": {"labels": "x"}}, 400),
        ("PUT", "/api/v1/namespaces/shop/pods/p0", {"metadata": {"name": "p1"}}, 400),
        ("PATCH", "/api/v1/namespaces/shop/pods/p0", {}, 415),
        ("POST", "/api/v1/namespaces/shop/pods/p0", {}, 405),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused(
    method: str, path: str, body: Any, status: int, client: Client
) -> None:
    assert (await client.ask(method, path, body))[0] == status


async def test_several_clusters_share_a_port_and_one_kubeconfig_leads_to_all(tmp_path: Path) -> None:
    clusters = [Cluster("east"), Cluster("west", token="other")]
    async with Standin(clusters) as standin, aiohttp.ClientSession() as session:
        path = tmp_path / "kubeconfig"
        write_kubeconfig(path, {standin.url(cluster): cluster for cluster in clusters})
        config = json.loads(path.read_text())
        uids = set()
        for entry, user in zip(config["clusters"], config["users"], strict=True):
            client = Client(session, entry["cluster"]["server"], user["user"]["token"])
            _, namespace = await client.ask("GET", "/api/v1/namespaces/kube-system")
            uids.add(namespace["metadata"]["uid"])
        strayed = Client(session, standin.url(clusters[1]), clusters[0].token)
        assert (await strayed.ask("GET", PODS))[0] == 401

    assert len(uids) == 2
    assert config["current-context"] == "east"
    assert path.stat().st_mode & 0o077 == 0


async def test_it_serves_tls(tmp_path: Path) -> None:
    authority, cluster = trustme.CA(), Cluster("east")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with Standin([cluster], ssl_context=context) as standin, aiohttp.ClientSession() as session:
        assert standin.url(cluster).startswith("https://")
        async with session.get(f"{standin.url(cluster)}/version", ssl=trusting) as answer:
            assert answer.status == 200
