"""A small service that speaks the agent protocol over real HTTP: what agents' tests are held against.

It keeps just what the protocol obliges a service to keep, and can be told to misbehave as networks and databases do.
"""

import asyncio
import json
import ssl
from base64 import urlsafe_b64decode
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from deadlight.model import wire

REGISTRATION_TOKEN = "registration-token-for-tests"


class Fault(Enum):
    """What happens to one request instead of what should."""

    UNAVAILABLE = auto()
    """503, nothing committed."""
    BUSY = auto()
    """429, nothing committed."""
    LOST_ANSWER = auto()
    """Committed, but the connection breaks before the answer."""
    LOST_REQUEST = auto()
    """The connection breaks, nothing committed."""
    REFUSED = auto()
    """422, nothing committed."""
    GARBAGE = auto()
    """Committed, answered 200 with something that is no acknowledgement."""


Record = wire.NodeRecord | wire.NamespaceRecord | wire.WorkloadRecord | wire.PodRecord


KINDS: dict[type[Record], str] = {
    wire.NodeRecord: "node",
    wire.NamespaceRecord: "namespace",
    wire.WorkloadRecord: "workload",
    wire.PodRecord: "pod",
}


@dataclass
class Sync:
    sync_id: str
    announced: set[tuple[str, str]] = field(default_factory=set)


class ModelService:
    """Inventory as the wire's docstring describes it; `held` is kind -> uid -> record."""

    def __init__(self) -> None:
        self.held: dict[str, dict[str, Record]] = {kind: {} for kind in ("node", "namespace", "workload", "pod")}
        self.cluster: wire.ClusterRecord | None = None
        self.enrolments: list[wire.Enrolment] = []
        self.heartbeats: list[wire.Heartbeat] = []
        self.observations: list[wire.ObservationBatch] = []
        self.batches: list[wire.InventoryBatch] = []
        self.encodings: list[str] = []
        self.faults: deque[Fault | None] = deque()
        self.objects_refused: Callable[[str], bool] = lambda uid: False
        self.access_tokens: set[str] = set()
        self.token_seconds = 900
        self.revoked = False
        self.always_resync = False
        self.most_in_flight = 0
        self.dangling: list[str] = []
        """Pods that were announced before their workload."""
        self._keys: dict[str, bytes] = {}
        self._assertions_seen: set[str] = set()
        self._acknowledged: dict[str, wire.InventoryAck] = {}
        self._sync: Sync | None = None
        self._in_flight = 0
        self.url = ""
        self._runner: web.AppRunner | None = None

    # --- serving ---

    async def start(self, ssl_context: ssl.SSLContext | None = None) -> None:
        application = web.Application(client_max_size=wire.MAX_BODY_BYTES)
        application.router.add_post("/agent/v1/enrol", self._enrol)
        application.router.add_post("/agent/v1/token", self._token)
        application.router.add_post("/agent/v1/inventory", self._inventory)
        application.router.add_post("/agent/v1/observations", self._observations)
        application.router.add_post("/agent/v1/heartbeat", self._heartbeat)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=ssl_context)
        await site.start()
        scheme = "https" if ssl_context else "http"
        self.url = f"{scheme}://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    # --- identity ---

    async def _enrol(self, request: web.Request) -> web.Response:
        enrolment = wire.decode(await request.read(), wire.Enrolment)
        if enrolment.registration_token != REGISTRATION_TOKEN:
            return web.json_response({"detail": "unknown registration token"}, status=401)
        self.enrolments.append(enrolment)
        agent_id = f"agent-{enrolment.public_key[:8]}"
        self._keys[agent_id] = urlsafe_b64decode(enrolment.public_key + "=")
        return _answer(wire.Enrolled(agent_id=agent_id, cluster_id=f"cluster-{enrolment.cluster_uid}"))

    async def _token(self, request: web.Request) -> web.Response:
        signed, _, signature = wire.decode(await request.read(), wire.TokenRequest).assertion.rpartition(".")
        head, claims = (json.loads(_from_base64url(part)) for part in signed.split("."))
        if self.revoked or claims["sub"] not in self._keys or claims["jti"] in self._assertions_seen:
            return web.json_response({"detail": "this agent was revoked"}, status=401)
        try:
            key = Ed25519PublicKey.from_public_bytes(self._keys[claims["sub"]])
            key.verify(_from_base64url(signature), signed.encode())
        except InvalidSignature:
            return web.json_response({"detail": "bad signature"}, status=401)
        assert head == {"alg": "Ed25519"}
        assert claims["aud"] == "deadlight"
        assert claims["exp"] - claims["iat"] == 60
        self._assertions_seen.add(claims["jti"])
        token = f"access-{len(self._assertions_seen)}"
        self.access_tokens.add(token)
        return _answer(wire.AccessToken(access_token=token, expires_in=self.token_seconds))

    # --- inventory ---

    async def _inventory(self, request: web.Request) -> web.StreamResponse:
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            await asyncio.sleep(0)  # as a database would: lets a second request in, if there is one
            return await self._misbehave_or_commit(request)
        finally:
            self._in_flight -= 1

    async def _misbehave_or_commit(self, request: web.Request) -> web.StreamResponse:
        body = await self._admit(request)
        if isinstance(body, web.Response):
            return body
        fault = self.faults.popleft() if self.faults else None
        if fault in {Fault.UNAVAILABLE, Fault.BUSY, Fault.REFUSED}:
            status = {Fault.UNAVAILABLE: 503, Fault.BUSY: 429}.get(fault, 422)
            return web.json_response(
                {"detail": f"made to answer {status}"}, status=status, headers={"Retry-After": "0"}
            )
        if fault is Fault.LOST_REQUEST:
            return _hang_up(request)
        acknowledged = self.commit(wire.decode(body, wire.InventoryBatch))
        if fault is Fault.LOST_ANSWER:
            return _hang_up(request)
        if fault is Fault.GARBAGE:
            return web.Response(body=b'{"surprise": true}', content_type="application/json")
        return _answer(acknowledged)

    def commit(self, batch: wire.InventoryBatch) -> wire.InventoryAck:
        """Take in a batch; one that arrives again changes nothing."""
        if batch.batch_id in self._acknowledged:
            return self._acknowledged[batch.batch_id]
        self.batches.append(batch)
        self.cluster = batch.cluster
        rejected = [*self._take(batch)]
        for gone in batch.removed:
            self.held[gone.kind].pop(gone.uid, None)
        if batch.sync_complete:
            self._sweep()
        resync = self.always_resync or (batch.digests is not None and batch.digests != self.digest())
        acknowledged = wire.InventoryAck(batch_id=batch.batch_id, resync=resync, rejected=tuple(rejected))
        self._acknowledged[batch.batch_id] = acknowledged
        return acknowledged

    def digest(self) -> wire.StateDigest:
        return wire.StateDigest(
            **{
                kind: wire.KindDigest(count=len(held), checksum=sum(record.hash for record in held.values()) % 2**64)
                for kind, held in self.held.items()
            }
        )

    def lose_everything(self) -> None:
        """The database was restored from an empty backup."""
        for held in self.held.values():
            held.clear()
        self._acknowledged.clear()
        self._sync = None

    def _take(self, batch: wire.InventoryBatch) -> Iterator[wire.Rejection]:
        if batch.sync_id and (self._sync is None or self._sync.sync_id != batch.sync_id):
            self._sync = Sync(batch.sync_id)
        records: tuple[Record, ...] = (*batch.nodes, *batch.namespaces, *batch.workloads, *batch.pods)
        for record in records:
            kind = KINDS[type(record)]
            assert record.hash == wire.content_hash(record), record
            if self.objects_refused(record.uid):
                yield wire.Rejection(uid=record.uid, reason="not today")
                continue
            if isinstance(record, wire.PodRecord) and record.workload_uid not in self.held["workload"]:
                self.dangling.append(record.uid)
            self.held[kind][record.uid] = record
            if self._sync and batch.sync_id:
                self._sync.announced.add((kind, record.uid))

    def _sweep(self) -> None:
        announced = self._sync.announced if self._sync else set()
        for kind, held in self.held.items():
            for uid in [uid for uid in held if (kind, uid) not in announced]:
                del held[uid]
        self._sync = None

    # --- the rest ---

    async def _observations(self, request: web.Request) -> web.StreamResponse:
        body = await self._admit(request)
        if isinstance(body, web.Response):
            return body
        batch = wire.decode(body, wire.ObservationBatch)
        self.observations.append(batch)
        return _answer(wire.ObservationAck(batch_id=batch.batch_id))

    async def _heartbeat(self, request: web.Request) -> web.StreamResponse:
        body = await self._admit(request)
        if isinstance(body, web.Response):
            return body
        self.heartbeats.append(wire.decode(body, wire.Heartbeat))
        return web.json_response({})

    async def _admit(self, request: web.Request) -> bytes | web.Response:
        """The decoded body of an authenticated request, or the refusal."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.revoked or token not in self.access_tokens:
            return web.json_response({"detail": "invalid access token"}, status=401)
        encoding = request.headers.get("Content-Encoding", "")
        self.encodings.append(encoding)
        return await request.read()


def _answer(message: wire.Message) -> web.Response:
    return web.Response(body=wire.encode(message), content_type="application/json")


def _hang_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def _from_base64url(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
