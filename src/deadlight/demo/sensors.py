"""Stand-ins for the sensors: they enrol, beat and report like real ones, and make up what they saw.

What they report are files that the images really hold, and attacks that the real rules find; nothing is executed
anywhere.
"""

import argparse
import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from time import monotonic
from uuid import uuid4

import msgspec

from deadlight import __version__
from deadlight.client.agent import AgentClient
from deadlight.client.credential_process import Identity, Token
from deadlight.client.credentials import obtain
from deadlight.client.errors import CredentialsError, ExitCode, IdentityRefusedError, TokenUnavailableError
from deadlight.demo.clusters import DemoCluster
from deadlight.demo.kubernetes.manifests import Manifest
from deadlight.demo.kubernetes.resources import PODS
from deadlight.demo.recipes import DemoImage, Use, sha256_of
from deadlight.demo.threats import detections_in
from deadlight.demo.world import NodePlan
from deadlight.model.observation import Grade
from deadlight.model.wire import (
    ContainerCoverage,
    Detection,
    DetectionBatch,
    Heartbeat,
    Observation,
    ObservationBatch,
)

BEAT_SECONDS = 30.0
SETTLE_SECONDS = 0.3
"""How long pods may come and go before a sensor looks: a rollout makes one batch."""

VERSION = f"{__version__} (stand-in)"


@dataclass(slots=True)
class Activity:
    """What containers do, by the reference of their image; more once an image is awake."""

    images: Mapping[str, DemoImage]
    awake: set[str] = field(default_factory=set)
    pulse: asyncio.Event = field(default_factory=asyncio.Event)
    """Set, and replaced, when an image wakes."""
    struck: dict[str, str] = field(default_factory=dict)
    """Images in one container of which an attack was played, with that container's id."""

    def wake(self, image: DemoImage) -> None:
        """From now on its containers do what they do later."""
        self.awake.add(image.reference)
        self.pulse.set()
        self.pulse = asyncio.Event()

    def uses(self, reference: str) -> tuple[Use, ...]:
        """What containers of an image do now."""
        image = self.images.get(reference)
        if image is None:
            return ()
        return (*image.uses, *image.later) if reference in self.awake else image.uses

    def sha256(self, reference: str, use: Use, architecture: str) -> str:
        """Of the program that a use executes; other files are not hashed."""
        image = self.images.get(reference)
        return sha256_of(image.contents, use.path, architecture) if image and use.grade is Grade.EXECUTED else ""


class SensorStandin:
    """The sensor of one node."""

    def __init__(self, cluster: DemoCluster, node: NodePlan, activity: Activity, identity: Identity) -> None:
        self._cluster = cluster
        self._node = node
        self._activity = activity
        self._identity = identity
        self._reported: set[tuple[str, str]] = set()
        self._watched: dict[str, datetime] = {}
        self._detected: set[str] = set()
        self._started_at = datetime.now(UTC)
        self._count = 0
        self._policy = ""
        """In force from the answer to one heartbeat on, as far as the next one says."""

    async def run(self) -> None:
        """Report what is new and beat every half minute, until cancelled; raises IdentityRefusedError."""
        async with AgentClient(self._identity.server, partial(fetch_token_here, self._identity)) as client:
            next_beat = 0.0
            while True:
                pulses = (self._cluster.standin.shelf(PODS).pulse, self._activity.pulse)
                await self._report(client)
                await self._detect(client)
                if monotonic() >= next_beat:
                    self._policy = (await client.heartbeat(self._heartbeat())).policy
                    next_beat = monotonic() + BEAT_SECONDS
                if await _any_set(pulses, within=next_beat - monotonic()):
                    await asyncio.sleep(SETTLE_SECONDS)

    async def _report(self, client: AgentClient) -> None:
        pods = self._cluster.pods_on(self._node.name)
        self._watched = watch(self._watched, pods, datetime.now(UTC))
        seen = list(iter_observations(pods, self._activity, self._node.architecture, datetime.now(UTC)))
        fresh = [each for each in seen if (each.container_id, each.path) not in self._reported]
        self._reported = {(each.container_id, each.path) for each in seen}
        if fresh:
            observations = tuple(fresh)
            self._count += len(observations)
            batch = ObservationBatch(batch_id=uuid4().hex, node=self._node.name, observations=observations)
            await client.send_observations(batch)

    async def _detect(self, client: AgentClient) -> None:
        """Play the attacks on images of which no container has been attacked yet."""
        found: list[Detection] = []
        for container_id, reference in iter_containers(self._cluster.pods_on(self._node.name)):
            if self._activity.struck.setdefault(reference, container_id) == container_id:
                found += detections_in(container_id, reference, datetime.now(UTC))
        fresh = tuple(item for item in found if item.id not in self._detected)
        if fresh:
            self._detected |= {item.id for item in fresh}
            await client.send_detections(DetectionBatch(batch_id=uuid4().hex, node=self._node.name, detections=fresh))

    def _heartbeat(self) -> Heartbeat:
        return Heartbeat(
            version=VERSION,
            node=self._node.name,
            started_at=self._started_at,
            counters={"observations": self._count},
            kernel=f"6.12.0 {self._node.architecture}",
            hooks=("exec", "open", "mmap"),
            tier="T",
            coverage=tuple(
                ContainerCoverage(container_id=container_id, since=since, from_start=True)
                for container_id, since in self._watched.items()
            ),
            policy=self._policy,
        )


def watch(watched: Mapping[str, datetime], pods: Sequence[Manifest], now: datetime) -> dict[str, datetime]:
    """Since when each container of pods has been watched; those that are gone are forgotten."""
    return {container_id: watched.get(container_id, now) for container_id, _ in iter_containers(pods)}


async def _any_set(events: Iterable[asyncio.Event], *, within: float) -> bool:
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        done, _ = await asyncio.wait(waits, timeout=max(0.0, within), return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
    finally:
        for wait in waits:
            wait.cancel()


def iter_observations(
    pods: Sequence[Manifest], activity: Activity, architecture: str, now: datetime
) -> Iterator[Observation]:
    """What the containers of pods do."""
    for container_id, reference in iter_containers(pods):
        for use in (use.on(architecture) for use in activity.uses(reference)):
            yield _observation(container_id, use, activity.sha256(reference, use, architecture), now)


def iter_containers(pods: Sequence[Manifest]) -> Iterator[tuple[str, str]]:
    """The containers of pods that have been created: each one's id, and the reference of its image."""
    for pod in pods:
        for status in pod.get("status", {}).get("containerStatuses", ()):
            container_id = str(status.get("containerID", "")).rpartition("://")[2]
            if container_id:
                yield container_id, status["image"]


def _observation(container_id: str, use: Use, program: str, now: datetime) -> Observation:
    pid = 1_000 + int(sha256(container_id.encode()).hexdigest()[:4], 16)
    return Observation(
        container_id=container_id,
        grade=use.grade,
        path=use.path,
        first_at=now,
        last_at=now,
        pid=pid,
        process=use.process.rpartition("/")[2],
        arguments=use.arguments,
        sha256=program,
    )


def identify(server: str, cluster: DemoCluster, node: NodePlan, state: Path) -> Identity:
    """Who the sensor of a node is; its key is kept in `state`."""
    return Identity(
        server=server,
        state=state / cluster.plan.name / node.name,
        kind="sensor",
        cluster_uid=cluster.uid,
        cluster_name=cluster.plan.name,
        node=node.name,
        demonstration=True,
    )


async def fetch_token_here(identity: Identity) -> Token:
    """What agents run a child process for, in a thread: dozens of stand-ins share this process.

    Raises:
        TokenUnavailableError: the service cannot be asked now.
        IdentityRefusedError: the service refuses the identity.
    """
    options = argparse.Namespace(**{name: getattr(identity, name) for name in Identity.__dataclass_fields__})
    try:
        return msgspec.convert(await asyncio.to_thread(obtain, options), Token)
    except CredentialsError as error:
        if error.code is ExitCode.UNAVAILABLE:
            raise TokenUnavailableError(str(error)) from error
        raise IdentityRefusedError(str(error), error.advice) from error
