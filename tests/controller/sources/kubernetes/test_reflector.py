"""Every way a list or watch can end, against the stand-in where it can be brought to do it, else scripted."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from tests.client.waiting import until
from tests.controller.sources.kubernetes.scripted import Answer, Scripted, body, serving, stream

from deadlight.client.backoff import Backoff
from deadlight.controller.errors import ConfigurationError
from deadlight.controller.health import Health
from deadlight.controller.sources.kubernetes import objects
from deadlight.controller.sources.kubernetes.access import Access
from deadlight.controller.sources.kubernetes.api import KubernetesApi
from deadlight.controller.sources.kubernetes.authentication import Credential, Fixed
from deadlight.controller.sources.kubernetes.events import Gone, Seen
from deadlight.controller.sources.kubernetes.reflector import Pace, Reflector
from deadlight.controller.sources.kubernetes.resources import OWNERS, PODS, Resource
from deadlight.demo.kubernetes.server import Standin
from deadlight.demo.kubernetes.statuses import StatusError, expired_watch
from deadlight.demo.kubernetes.store import Cluster

HASTE = Pace(backoff=Backoff(base=0.001, cap=0.01))
[REPLICA_SETS] = [resource for resource in OWNERS if resource.kind is objects.ReplicaSet]


@dataclass
class Followed:
    """What a reflector has delivered: the names there are, by uid, and each delivery in turn."""

    health: Health = field(default_factory=Health)
    there: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    reflector: Reflector = field(init=False)

    @property
    def names(self) -> set[str]:
        return set(self.there.values())

    def deliver(self, event: Seen | Gone) -> None:
        if isinstance(event, Seen):
            metadata = event.object.metadata
            self.there[metadata.uid] = metadata.name
            self.told.append(f"+{metadata.name}")
        else:
            self.told.append(f"-{self.there.pop(event.uid, '?')}")


@asynccontextmanager
async def following(
    access: Access, resource: Resource = PODS, pace: Pace = HASTE, *, quiet: float = 5.0
) -> AsyncIterator[Followed]:
    followed = Followed()
    async with KubernetesApi(access, quiet_seconds=quiet) as api:
        followed.reflector = Reflector(api, resource, followed.deliver, followed.health, pace)
        running = asyncio.create_task(followed.reflector.run())
        try:
            yield followed
        finally:
            running.cancel()
            await asyncio.wait([running])
            if not running.cancelled():
                running.result()


def put(cluster: Cluster, *names: str, **annotations: str) -> None:
    for name in names:
        metadata = {"name": name, "namespace": "shop", "annotations": annotations}
        cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})


def remove(cluster: Cluster, name: str) -> None:
    cluster.delete("Pod", name, "shop")


# --- the usual ---


@pytest.mark.req("R6", "R23", "R24", "R27")
async def test_what_there_is_is_told_first_and_then_every_change(cluster: Cluster, access: Access) -> None:
    put(cluster, "a", "b")
    async with following(access) as followed:
        await followed.reflector.settled.wait()
        assert followed.told == ["+a", "+b"]
        put(cluster, "c")
        put(cluster, "a", note="changed")
        remove(cluster, "b")
        await until(lambda: len(followed.told) == 5)

    assert followed.told[2:] == ["+c", "+a", "-b"]
    assert followed.health.counts.streams == 1, "the streaming list goes on as the watch"


async def test_a_server_that_cannot_stream_lists_is_paged_through() -> None:
    cluster = Cluster("old", streams_lists=False, bookmark_seconds=0.05)
    names = {f"p{number}" for number in range(1234)}
    put(cluster, *names)
    async with Standin([cluster]) as standin:
        access = Access(server=standin.url(cluster), authenticator=Fixed(Credential(cluster.token)))
        async with following(access) as followed:
            await followed.reflector.settled.wait()
            assert followed.names == names
            put(cluster, "new")
            await until(lambda: "new" in followed.names)


async def test_an_object_of_a_megabyte_and_a_half_passes(cluster: Cluster, access: Access) -> None:
    put(cluster, "listed", big="x" * 1_500_000)
    async with following(access) as followed:
        await followed.reflector.settled.wait()
        put(cluster, "watched", big="x" * 1_500_000)
        await until(lambda: followed.names == {"listed", "watched"})


# --- clean ends ---


@pytest.mark.req("R6")
async def test_a_clean_end_means_resume_from_the_last_version_and_neither_done_nor_relist(
    cluster: Cluster, access: Access
) -> None:
    put(cluster, "a")
    async with following(access) as followed:
        await followed.reflector.settled.wait()
        for number in range(3):
            cluster.end_watches()
            put(cluster, f"meanwhile-{number}")
            await until(lambda number=number: f"meanwhile-{number}" in followed.names)  # type: ignore[misc]

    assert followed.told == ["+a", "+meanwhile-0", "+meanwhile-1", "+meanwhile-2"]
    assert followed.health.counts.relists == 0


async def test_a_bookmark_moves_the_version_so_that_an_idle_watch_survives_compaction(
    cluster: Cluster, access: Access
) -> None:
    put(cluster, "a")
    async with following(access) as followed:
        await followed.reflector.settled.wait()
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "elsewhere"}})
        await until(lambda: followed.reflector._version == str(cluster.version))
        cluster.compact()
        cluster.end_watches()
        put(cluster, "b")
        await until(lambda: "b" in followed.names)

    assert followed.health.counts.relists == 0
    assert followed.told == ["+a", "+b"]


async def test_a_server_that_always_closes_at_once_is_not_hammered() -> None:
    scripted = Scripted(stream(bookmark(7, initial_end=True)), stream())
    pace = Pace(backoff=Backoff(base=0.2, cap=1.0))
    async with serving(scripted) as access, following(access, pace=pace) as followed:
        await followed.reflector.settled.wait()
        await asyncio.sleep(0.5)

    assert len(scripted.asked) < 20
    assert {query.get("resourceVersion") for query in scripted.asked[1:]} == {"7"}


# --- 410 ---


@pytest.mark.req("R6", "R24")
async def test_a_410_inside_a_watch_leads_to_a_list_and_what_vanished_is_told_as_gone(
    cluster: Cluster, access: Access
) -> None:
    put(cluster, "stays", "goes")
    async with following(access) as followed:
        await followed.reflector.settled.wait()
        cluster.end_watches()
        remove(cluster, "goes")
        put(cluster, "comes")
        cluster.compact()
        await until(lambda: followed.names == {"stays", "comes"})

    assert "-goes" in followed.told
    assert followed.health.counts.relists == 1


async def test_an_error_event_in_an_open_watch_leads_to_a_list_too(cluster: Cluster, access: Access) -> None:
    put(cluster, "a")
    async with following(access) as followed:
        await followed.reflector.settled.wait()
        cluster.end_watches(expired_watch(1, 2))
        await until(lambda: followed.health.counts.relists == 1)

    assert followed.names == {"a"}


async def test_a_410_as_http_status_leads_to_a_list_and_a_diff() -> None:
    expired = json.dumps({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"})
    scripted = Scripted(
        stream(pod_event("ADDED", "a"), pod_event("ADDED", "b"), bookmark(7, initial_end=True)),
        body(expired, 410),
        stream(pod_event("ADDED", "b"), bookmark(9, initial_end=True), then=forever),
    )
    async with serving(scripted) as access, following(access) as followed:
        await until(lambda: followed.told == ["+a", "+b", "+b", "-a"])

    assert scripted.asked[1]["resourceVersion"] == "7"
    assert "resourceVersion" not in scripted.asked[2]


async def test_a_continue_token_that_expired_starts_the_list_again() -> None:
    expired = json.dumps({"kind": "Status", "code": 410, "reason": "Expired", "metadata": {"continue": "other"}})
    scripted = Scripted(
        body("{}", 422),
        page(5, "t1", "a"),
        body(expired, 410),
        page(6, "t2", "a"),
        page(6, "", "b"),
        stream(then=forever),
    )
    async with serving(scripted) as access, following(access) as followed:
        await followed.reflector.settled.wait()
        await until(lambda: len(scripted.asked) == 6)

    assert [query.get("continue", "") for query in scripted.asked[1:5]] == ["", "t1", "", "t2"]
    assert followed.names == {"a", "b"}
    assert scripted.asked[5]["resourceVersion"] == "6"


# --- silence ---


async def test_silence_beyond_the_bookmarks_means_a_dead_stream_and_is_resumed() -> None:
    scripted = Scripted(
        stream(pod_event("ADDED", "a"), bookmark(7, initial_end=True), then=forever),
        stream(pod_event("ADDED", "b", version=8), then=forever),
    )
    async with serving(scripted) as access, following(access, quiet=0.1) as followed:
        await until(lambda: followed.names == {"a", "b"})
        await until(lambda: len(scripted.asked) == 3)

    assert scripted.asked[1]["resourceVersion"] == "7"
    assert scripted.asked[2]["resourceVersion"] == "8"


async def test_two_silent_streams_from_one_version_lead_to_a_list_as_it_may_lie_in_the_future() -> None:
    scripted = Scripted(
        stream(pod_event("ADDED", "a"), bookmark(999, initial_end=True)),
        stream(then=forever),
        stream(then=forever),
        stream(pod_event("ADDED", "restored"), bookmark(3, initial_end=True), then=forever),
    )
    async with serving(scripted) as access, following(access, quiet=0.1) as followed:
        await until(lambda: followed.names == {"restored"})

    assert [query.get("resourceVersion") for query in scripted.asked[:4]] == [None, "999", "999", None]


async def test_a_stream_that_ends_before_its_list_does_is_replaced_by_pages() -> None:
    scripted = Scripted(stream(pod_event("ADDED", "a")), page(5, "", "a", "b"), stream(then=forever))
    async with serving(scripted) as access, following(access) as followed:
        await followed.reflector.settled.wait()

    assert followed.names == {"a", "b"}
    assert scripted.asked[1] == {"limit": "500"}


async def test_a_streaming_list_whose_end_never_comes_is_replaced_by_pages() -> None:
    scripted = Scripted(stream(pod_event("ADDED", "a"), then=forever), page(5, "", "a"), stream(then=forever))
    async with serving(scripted) as access, following(access, quiet=0.1) as followed:
        await followed.reflector.settled.wait()

    assert scripted.asked[1] == {"limit": "500"}


# --- refusals ---


@pytest.mark.req("R23")
async def test_a_missing_permission_is_named_and_noticed_when_it_is_granted(cluster: Cluster, access: Access) -> None:
    cluster.deny("replicasets")
    async with following(access, REPLICA_SETS) as followed:
        await followed.reflector.settled.wait()
        [problem] = followed.health.problems
        cluster.deny()
        await until(lambda: not followed.health.problems)

    assert problem.startswith("cannot list replicasets.apps: 403, add get, list and watch on replicasets")
    assert 'apiGroup "apps"' in problem


async def test_without_its_essential_kinds_an_inventory_is_never_complete(cluster: Cluster, access: Access) -> None:
    cluster.deny("pods")
    async with following(access) as followed:
        await until(lambda: bool(followed.health.problems))
        assert not followed.reflector.settled.is_set()
        cluster.deny()
        await followed.reflector.settled.wait()


async def test_a_kind_that_is_not_served_is_a_problem_that_holds_up_nothing() -> None:
    scripted = Scripted(body("404 page not found", 404))
    async with serving(scripted) as access, following(access, REPLICA_SETS) as followed:
        await followed.reflector.settled.wait()

    assert "does not serve /apis/apps/v1/replicasets" in followed.health.problems[0]


async def test_it_stays_away_as_long_as_the_server_asks() -> None:
    scripted = Scripted(body("{}", 429, **{"Retry-After": "1"}), stream(bookmark(7, initial_end=True), then=forever))
    began = time.monotonic()
    async with serving(scripted) as access, following(access) as followed:
        await followed.reflector.settled.wait()

    assert time.monotonic() - began >= 1.0


@pytest.mark.parametrize("status", [401, 429, 500, 503, 504])
async def test_a_watch_refused_for_now_goes_on_from_its_version(status: int) -> None:
    refusal = StatusError(status, "Whatever", "not now").body
    scripted = Scripted(
        stream(pod_event("ADDED", "a"), bookmark(7, initial_end=True)),
        body(json.dumps(refusal), status),
        stream(json.dumps({"type": "ERROR", "object": refusal})),
        stream(pod_event("ADDED", "b", version=8), then=forever),
    )
    async with serving(scripted) as access, following(access) as followed:
        await until(lambda: followed.names == {"a", "b"})

    assert [query.get("resourceVersion") for query in scripted.asked[:4]] == [None, "7", "7", "7"]
    assert followed.health.problems == ()


@pytest.mark.req("R23")
async def test_a_refused_credential_is_not_used_from_memory_again(cluster: Cluster, access: Access) -> None:
    class Rotating:
        def __init__(self) -> None:
            self.token = "outdated"

        async def credential(self) -> Credential:
            return Credential(self.token)

        def refused(self) -> None:
            self.token = cluster.token

    put(cluster, "a")
    async with following(replace(access, authenticator=Rotating())) as followed:
        await followed.reflector.settled.wait()

    assert followed.names == {"a"}


async def test_a_credential_that_cannot_be_had_is_a_problem_until_it_can(cluster: Cluster, access: Access) -> None:
    class Missing:
        def __init__(self) -> None:
            self.asked = 0

        async def credential(self) -> Credential:
            self.asked += 1
            if self.asked < 4:
                raise ConfigurationError("cannot read the token file")
            return Credential(cluster.token)

        def refused(self) -> None:
            raise AssertionError("nothing was refused")

    async with following(replace(access, authenticator=Missing())) as followed:
        await until(lambda: "token file" in "".join(followed.health.problems))
        await followed.reflector.settled.wait()


# --- garbage ---


async def test_an_object_we_cannot_read_is_counted_and_neither_stops_the_rest_nor_counts_as_gone() -> None:
    good, odd = pod_event("ADDED", "a"), pod_event("ADDED", "odd", spec={"containers": "not a list"})
    scripted = Scripted(
        stream(good, pod_event("ADDED", "odd"), bookmark(7, initial_end=True)),
        stream(json.dumps({"type": "ERROR", "object": {"code": 410}})),
        stream(good, odd, bookmark(9, initial_end=True), then=forever),
    )
    async with serving(scripted) as access, following(access) as followed:
        await until(lambda: followed.health.counts.relists == 1)

    assert followed.names == {"a", "odd"}
    assert followed.health.counts.undecodable == 1


@pytest.mark.parametrize(
    "garbage", ["not json", "[]", '{"type":"ADDED"}', '{"type":"?","object":{}}', "[" * 100_000, "\x00"]
)
async def test_a_server_that_talks_nonsense_is_a_problem_that_passes(garbage: str) -> None:
    scripted = Scripted(
        stream(pod_event("ADDED", "a"), bookmark(7, initial_end=True)),
        stream(garbage),
        body(garbage),
        stream(pod_event("ADDED", "b", version=8), then=forever),
    )
    async with serving(scripted) as access, following(access) as followed:
        await until(lambda: followed.names == {"a", "b"})

    assert followed.health.problems == ()


async def test_a_broken_connection_is_resumed() -> None:
    async def abort(request: object) -> None:
        request.transport.abort()  # type: ignore[attr-defined]  # the wire, cut

    scripted = Scripted(
        stream(pod_event("ADDED", "a"), bookmark(7, initial_end=True), then=abort),
        stream(pod_event("ADDED", "b", version=8), then=forever),
    )
    async with serving(scripted) as access, following(access) as followed:
        await until(lambda: followed.names == {"a", "b"})


# --- repair ---


@pytest.mark.req("R6")
async def test_after_an_hour_everything_is_listed_again_which_repairs_what_went_unnoticed() -> None:
    scripted = Scripted(
        stream(pod_event("ADDED", "a"), pod_event("ADDED", "missed"), bookmark(7, initial_end=True)),
        stream(pod_event("ADDED", "a"), bookmark(8, initial_end=True), then=forever),
    )
    async with serving(scripted) as access, following(access, pace=replace(HASTE, relist_seconds=0.0)) as followed:
        await until(lambda: followed.names == {"a"})

    assert followed.told[-1] == "-missed"


# --- parts ---


async def forever(request: object) -> None:
    await asyncio.Event().wait()


def pod_event(kind: str, name: str, version: int = 5, **more: object) -> str:
    metadata = {"name": name, "namespace": "shop", "uid": f"{name}-uid", "resourceVersion": str(version)}
    return json.dumps({"type": kind, "object": {"metadata": metadata, **more}})


def bookmark(version: int, *, initial_end: bool = False) -> str:
    metadata: dict[str, object] = {"resourceVersion": str(version)}
    if initial_end:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    return json.dumps({"type": "BOOKMARK", "object": {"metadata": metadata, "spec": {"containers": None}}})


def page(version: int, token: str, *names: str) -> Answer:
    items = [json.loads(pod_event("ADDED", name))["object"] for name in names]
    return body(json.dumps({"metadata": {"resourceVersion": str(version), "continue": token}, "items": items}))
