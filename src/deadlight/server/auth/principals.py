"""Who a request comes from."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What a person may do; each role includes the ones before it."""

    VIEWER = "viewer"
    """Reads everything."""
    OPERATOR = "operator"
    """Also manages workers and starts scans and imports."""
    ADMIN = "admin"
    """Also manages clusters, registries, tokens and people."""

    def includes(self, other: "Role") -> bool:
        """Whether this role may do what `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class AgentKind(StrEnum):
    """The two kinds of agent."""

    CONTROLLER = "controller"
    SENSOR = "sensor"


@dataclass(frozen=True, slots=True)
class Principal:
    """A person, signed in or acting through an API token."""

    user_id: int
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class AgentPrincipal:
    """An agent and the cluster it speaks for. It can say nothing about any other cluster."""

    agent_id: UUID
    cluster_id: UUID
    kind: AgentKind
    node_name: str
    """The one it enrolled for."""
