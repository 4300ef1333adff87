"""Heartbeats: how the sensor is and what it covers. Their answers say what the service wants of it."""

import logging
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec import structs

from deadlight import __version__
from deadlight.model.wire import (
    ContainerCoverage,
    Heartbeat,
    HeartbeatAck,
    InvalidMessageError,
    decode,
    encode,
)
from deadlight.sensor.errors import SensorError
from deadlight.sensor.health import MOST_PROBLEMS, Health, with_delivery
from deadlight.sensor.lastword import keep_last_word
from deadlight.sensor.policy import MAX_POLICY_BYTES, Policies
from deadlight.sensor.transport import Service, UnavailableError

HEARTBEAT = "/agent/v1/heartbeat"
POLICY = "/agent/v1/policy"

logger = logging.getLogger(__name__)


class Heart:
    """Sends heartbeats, each once and fresh, and fetches the policy that their answers name. For one thread."""

    def __init__(self, service: Service, policies: Policies, *, node: str, state: Path | None = None) -> None:
        """What was said last is kept in the directory `state`, where there is one."""
        self._service = service
        self._policies = policies
        self._node = node
        self._state = state
        self._started_at = datetime.now(UTC)
        self._kernel = f"{os.uname().release} {os.uname().machine}"
        self._complaint = ""
        self._policy_problem = ""

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the policy in force is not the service's, or does not outlive the sensor; empty texts where it is."""
        return self._policy_problem, self._policies.problem

    def beat(
        self,
        health: Health,
        coverage: Sequence[ContainerCoverage],
        counters: Mapping[str, int],
        problems: Sequence[str],
    ) -> HeartbeatAck:
        """Send one; gives what the service answered, an empty answer where it did not.

        `counters` and `problems` are those of the delivery. An older service gives no answer to a heartbeat, and knows
        of no policies.
        """
        health = with_delivery(health, counters, problems)
        message = Heartbeat(
            version=__version__,
            node=self._node,
            started_at=self._started_at,
            counters=dict(health.counters),
            problems=health.problems,
            kernel=self._kernel,
            hooks=health.hooks,
            tier=health.tier,
            coverage=tuple(coverage),
            policy=self._policies.current.version,
        )
        try:
            answer = _parse_answer(self._service.post(HEARTBEAT, encode(message)))
        except SensorError as error:
            self._complain(f"not delivered to {HEARTBEAT}: {error}")
            self._keep(message)
            return HeartbeatAck()
        self._complain("")
        self._keep(message)
        if answer.policy and answer.policy != self._policies.current.version:
            self._fetch_policy(answer.policy)
        return answer

    def _keep(self, beat: Heartbeat) -> None:
        if self._state:
            told = (self._complaint, *beat.problems) if self._complaint else beat.problems
            keep_last_word(self._state, structs.replace(beat, problems=told[:MOST_PROBLEMS]))

    def _fetch_policy(self, version: str) -> None:
        try:
            body = self._service.get(POLICY, most=MAX_POLICY_BYTES + 1)
            if len(body) > MAX_POLICY_BYTES:
                raise UnavailableError(f"it is larger than {MAX_POLICY_BYTES} bytes")
            self._policies.take(body)
        except (SensorError, InvalidMessageError) as error:
            problem = f"policy {version} is not in force: {error}"
            if problem != self._policy_problem:
                logger.warning("%s", problem)
            self._policy_problem = problem
        else:
            self._policy_problem = ""
            logger.info("policy %s is in force", self._policies.current.version)

    def _complain(self, complaint: str) -> None:
        """Log a problem when it is a new one."""
        if complaint and complaint != self._complaint:
            logger.warning("%s", complaint)
        self._complaint = complaint


def _parse_answer(body: bytes) -> HeartbeatAck:
    if not body:
        return HeartbeatAck()
    try:
        return decode(body, HeartbeatAck)
    except InvalidMessageError as error:
        raise UnavailableError(f"not an answer of the service: {error}") from error
