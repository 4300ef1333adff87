"""The state of agents follows from when they were last heard of, and from nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.controller.beat import SECONDS
from deadlight.model.scan_configuration import ScanConfiguration, Scanner
from deadlight.sensor.report import HEARTBEAT_SECONDS
from deadlight.server.auth.registration import TokenState
from deadlight.server.clusters.health import (
    HEARTBEAT,
    ClusterFacts,
    ClusterStatus,
    ControllerFacts,
    ControllerStatus,
    NodeFacts,
    NodeStatus,
    SensorFacts,
    Timeouts,
    TokenFacts,
    rate,
    rate_cluster,
    rate_controller,
    rate_node,
)
from deadlight.server.clusters.problems import ProblemSeverity, find_problems, lasting
from deadlight.server.settings import Settings

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
TIMEOUTS = Timeouts(timedelta(seconds=90), timedelta(minutes=5))
LONG_AGO = NOW - timedelta(days=30)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def agent(silent_for: float | None = 1, *problems: str) -> ControllerFacts:
    return ControllerFacts("1", None if silent_for is None else ago(silent_for), problems)


def node(sensor: SensorFacts | None = None, name: str = "n", **more: Any) -> NodeFacts:
    names: dict[str, Any] = dict.fromkeys(("hostname", "architecture", "internal_dns", "internal_ip", "region"), "")
    facts: dict[str, Any] = {"first_seen_at": LONG_AGO, "sensor_disabled": False, "is_ready": True} | more
    return NodeFacts(uid=name, name=name, sensor=sensor, **names, **facts)


def cluster(*nodes: NodeFacts, **more: Any) -> ClusterFacts:
    has_sensors = any(item.sensor for item in nodes)
    values: dict[str, Any] = {
        "id": UUID(int=1),
        "name": "production",
        "provider": "AWS",
        "regions": (),
        "kubernetes_version": "",
        "created_at": LONG_AGO,
        "demonstration": False,
        "controller": agent(),
        "sensors_since": LONG_AGO if has_sensors else None,
        "token": None,
        "configuration": ScanConfiguration(),
    }
    return ClusterFacts(nodes=nodes, **values | more)


def said(facts: ClusterFacts) -> list[str]:
    return [problem.message for problem in find_problems(rate(facts, NOW, TIMEOUTS))]


def test_the_stated_heartbeat_is_that_of_the_agents_and_a_few_may_be_lost() -> None:
    assert HEARTBEAT.total_seconds() == SECONDS == HEARTBEAT_SECONDS
    assert Settings.model_fields["agent_timeout"].default >= 3 * HEARTBEAT


@pytest.mark.req("M4", "M19")
@pytest.mark.parametrize(
    ("silent_for", "controller", "sensor"),
    [
        (0, ControllerStatus.RUNNING, NodeStatus.MONITORED_WITH_SENSOR),
        (90, ControllerStatus.RUNNING, NodeStatus.MONITORED_WITH_SENSOR),
        (90.001, ControllerStatus.STOPPED, NodeStatus.FAILED),
        (None, ControllerStatus.STOPPED, NodeStatus.FAILED),
    ],
)
def test_an_agent_that_is_silent_for_longer_than_stated_has_stopped_or_failed(
    silent_for: float | None, controller: ControllerStatus, sensor: NodeStatus
) -> None:
    assert rate_controller(agent(silent_for), NOW, TIMEOUTS) is controller
    assert rate_node(node(agent(silent_for)), LONG_AGO, NOW, TIMEOUTS) is sensor
    assert rate_controller(None, NOW, TIMEOUTS) is ControllerStatus.STOPPED


@pytest.mark.parametrize(
    ("subject", "sensors_since", "expected"),
    [
        (node(), None, NodeStatus.MONITORED),
        (node(), LONG_AGO, NodeStatus.INSTALLATION_FAILED),
        (node(first_seen_at=ago(300)), LONG_AGO, NodeStatus.MONITORED),
        (node(first_seen_at=ago(301)), LONG_AGO, NodeStatus.INSTALLATION_FAILED),
        (node(), ago(60), NodeStatus.MONITORED),
        (node(sensor_disabled=True), LONG_AGO, NodeStatus.DISABLED),
        (node(agent(), sensor_disabled=True), LONG_AGO, NodeStatus.DISABLED),
    ],
)
def test_a_node_without_a_sensor_is_one_that_needs_none_waits_for_one_or_failed_to_get_one(
    subject: NodeFacts, sensors_since: datetime | None, expected: NodeStatus
) -> None:
    assert rate_node(subject, sensors_since, NOW, TIMEOUTS) is expected


@given(st.sampled_from(ControllerStatus), st.lists(st.sampled_from(NodeStatus), max_size=6))
def test_the_worst_decides_about_a_cluster_and_more_healthy_nodes_hide_nothing(
    controller: ControllerStatus, nodes: list[NodeStatus]
) -> None:
    order = list(ClusterStatus)
    status = rate_cluster(controller, nodes)
    assert (status is ClusterStatus.FAILED) == (controller is ControllerStatus.STOPPED or NodeStatus.FAILED in nodes)
    healthier = rate_cluster(controller, [*nodes, NodeStatus.MONITORED_WITH_SENSOR])
    if status in order[:2]:
        assert healthier is status
    assert (status is ClusterStatus.DISABLED) <= (set(nodes) == {NodeStatus.DISABLED})


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.booleans())
def test_silence_never_makes_an_agent_better(one: float, other: float, is_disabled: bool) -> None:
    order = [NodeStatus.MONITORED_WITH_SENSOR, NodeStatus.FAILED, NodeStatus.DISABLED]
    shorter, longer = (
        rate_node(node(agent(silence), sensor_disabled=is_disabled), LONG_AGO, NOW, TIMEOUTS)
        for silence in sorted((one, other))
    )
    assert order.index(shorter) <= order.index(longer)


@pytest.mark.req("M5", "M15")
def test_every_problem_is_named_with_what_to_do() -> None:
    assert said(cluster(node(agent()))) == []
    assert said(cluster(node())) == []
    broken = cluster(
        *(node(agent(600), f"n{number}") for number in range(5)),
        node(name="bare"),
        node(agent(1, "the kernel has no BTF"), "troubled"),
        node(agent(), "sick", is_ready=False),
        controller=agent(7200),
        configuration=ScanConfiguration((Scanner.SECRETS,)),
        token=TokenFacts(1, "t", NOW, TokenState.EXPIRED),
    )
    found = find_problems(rate(broken, NOW, TIMEOUTS))
    assert [problem.message for problem in found] == [
        "The controller has been silent for 2 hours",
        "5 sensors are silent: n0, n1, n2 and 2 more",
        "Its registration token expired on 2026-11-01",
        "1 node has no sensor: bare",
        "The sensor of troubled reports: the kernel has no BTF",
        "Kubernetes says that sick is not ready",
        "SCA and Vulnerabilities Contextual Analysis are off",
    ]
    assert all(problem.advice for problem in found)
    assert [problem.severity for problem in found] == [ProblemSeverity.DANGER] * 3 + [ProblemSeverity.WARNING] * 4
    assert said(cluster(controller=agent(None))) == [
        "The controller was never heard of",
        "No nodes are known yet",
    ]
    assert said(cluster(node(), controller=agent(1, "pods cannot be listed"))) == [
        "The controller reports: pods cannot be listed"
    ]


@pytest.mark.parametrize(
    ("state", "messages"),
    [
        (TokenState.VALID, []),
        (TokenState.EXPIRING, ["Its registration token expires on 2026-11-01"]),
        (TokenState.REVOKED, ["Its registration token has been revoked"]),
    ],
)
def test_a_clusters_token_is_a_problem_before_it_ends(state: TokenState, messages: list[str]) -> None:
    assert said(cluster(node(), token=TokenFacts(1, "t", NOW, state))) == messages


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 seconds"), (1, "1 second"), (60, "1 minute"), (7199, "1 hour"), (7200, "2 hours"), (1e6, "11 days")],
)
def test_lengths_of_time_are_told_in_their_largest_unit(seconds: float, text: str) -> None:
    assert lasting(timedelta(seconds=seconds)) == text
