"""What is wrong with a cluster and what to do about it. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from deadlight.server.auth.registration import TokenState
from deadlight.server.clusters.health import ControllerStatus, NodeFacts, NodeStatus, RatedCluster, TokenFacts

NAMED = 3
"""So many nodes are named, the others counted."""

PODS = "kubectl get pods --all-namespaces --selector app.kubernetes.io/name=deadlight-agent --output wide"


class ProblemSeverity(StrEnum):
    """How bad it is."""

    DANGER = "danger"
    """Something is not watched now."""
    WARNING = "warning"
    """Something is missing, or will be."""


class ProblemKind(StrEnum):
    """What can be wrong, for programs."""

    CONTROLLER_STOPPED = "controller_stopped"
    SENSORS_FAILED = "sensors_failed"
    SENSORS_NOT_INSTALLED = "sensors_not_installed"
    NODES_NOT_READY = "nodes_not_ready"
    NO_NODES = "no_nodes"
    AGENT_TROUBLED = "agent_troubled"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - no secret
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - no secret
    TOKEN_EXPIRING = "token_expiring"  # noqa: S105 - no secret
    CORE_SCANNERS_OFF = "core_scanners_off"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    kind: ProblemKind
    severity: ProblemSeverity
    message: str
    advice: str


def find_problems(cluster: RatedCluster) -> list[Problem]:
    """Everything wrong with a cluster, the worst first."""
    found = [*_of_controller(cluster), *_of_nodes(cluster), *_of_token(cluster), *_of_scanners(cluster)]
    return sorted(found, key=lambda problem: problem.severity is not ProblemSeverity.DANGER)


def _of_controller(cluster: RatedCluster) -> Iterator[Problem]:
    controller = cluster.facts.controller
    if cluster.controller is ControllerStatus.STOPPED:
        last_seen_at = controller.last_seen_at if controller else None
        silence = f"has been silent for {lasting(cluster.at - last_seen_at)}" if last_seen_at else "was never heard of"
        advice = f"Changes in the cluster are not seen. Look at its pod and its log: {PODS}"
        yield _danger(ProblemKind.CONTROLLER_STOPPED, f"The controller {silence}", advice)
    elif controller and controller.problems:
        message = f"The controller reports: {'; '.join(controller.problems)}"
        yield _warning(ProblemKind.AGENT_TROUBLED, message, "Its log says more.")


def _of_nodes(cluster: RatedCluster) -> Iterator[Problem]:
    failed = cluster.nodes_that_are(NodeStatus.FAILED)
    if failed:
        message = f"{_sensors(len(failed))} silent: {_names(failed)}"
        advice = f"What runs there is not validated in runtime. Look at the sensor's pod on these nodes: {PODS}"
        yield _danger(ProblemKind.SENSORS_FAILED, message, advice)
    missing = cluster.nodes_that_are(NodeStatus.INSTALLATION_FAILED)
    if missing:
        message = f"{_nodes(len(missing))} no sensor: {_names(missing)}"
        advice = (
            "Look at the events of the DaemonSet, or label nodes that are to have none: deadlight.io/sensor=disabled"
        )
        yield _warning(ProblemKind.SENSORS_NOT_INSTALLED, message, advice)
    troubled = [node for node in cluster.nodes_that_are(NodeStatus.MONITORED_WITH_SENSOR) if _troubles(node)]
    if troubled:
        message = f"The sensor of {_names(troubled)} reports: {'; '.join(_troubles(troubled[0]))}"
        yield _warning(ProblemKind.AGENT_TROUBLED, message, "deadlight sensor doctor on the node says what it lacks.")
    unready = [node for node in cluster.facts.nodes if not node.is_ready]
    if unready:
        message = f"Kubernetes says that {_names(unready)} {'is' if len(unready) == 1 else 'are'} not ready"
        yield _warning(ProblemKind.NODES_NOT_READY, message, "kubectl describe node says why.")
    if not cluster.facts.nodes:
        advice = "The controller lists them with its first synchronisation; if this stays, its log says why."
        yield _warning(ProblemKind.NO_NODES, "No nodes are known yet", advice)


def _of_token(cluster: RatedCluster) -> Iterator[Problem]:
    token = cluster.facts.token
    if token is None or token.state is TokenState.VALID:
        return
    advice = "Agents that run go on; new nodes and restarted controllers cannot enrol. Install it with a new token."
    if token.state is TokenState.EXPIRING:
        message = f"Its registration token expires on {_day(token)}"
        yield _warning(ProblemKind.TOKEN_EXPIRING, message, "Install it with a new token before that day.")
    elif token.state is TokenState.EXPIRED:
        yield _danger(ProblemKind.TOKEN_EXPIRED, f"Its registration token expired on {_day(token)}", advice)
    else:
        yield _warning(ProblemKind.TOKEN_REVOKED, "Its registration token has been revoked", advice)


def _of_scanners(cluster: RatedCluster) -> Iterator[Problem]:
    missing = cluster.facts.configuration.missing_core
    if missing:
        message = f"{' and '.join(scanner.label for scanner in missing)} {'is' if len(missing) == 1 else 'are'} off"
        advice = "The dashboard's figures are incomplete without. Switch it on under Configure."
        yield _warning(ProblemKind.CORE_SCANNERS_OFF, message, advice)


def _danger(kind: ProblemKind, message: str, advice: str) -> Problem:
    return Problem(kind, ProblemSeverity.DANGER, message, advice)


def _warning(kind: ProblemKind, message: str, advice: str) -> Problem:
    return Problem(kind, ProblemSeverity.WARNING, message, advice)


def _troubles(node: NodeFacts) -> tuple[str, ...]:
    return node.sensor.problems if node.sensor else ()


def _names(nodes: Sequence[NodeFacts]) -> str:
    named = ", ".join(node.name for node in nodes[:NAMED])
    more = len(nodes) - NAMED
    return f"{named} and {more} more" if more > 0 else named


def _sensors(count: int) -> str:
    return "1 sensor is" if count == 1 else f"{count} sensors are"


def _nodes(count: int) -> str:
    return "1 node has" if count == 1 else f"{count} nodes have"


def _day(token: TokenFacts) -> str:
    return f"{token.expires_at:%Y-%m-%d}"


def lasting(duration: timedelta) -> str:
    """A length of time in its largest unit, as in `12 minutes`."""
    seconds = int(duration.total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}{'s' if seconds >= 2 * length else ''}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"
