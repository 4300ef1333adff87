"""How completely each container is watched. Pure.

What was not seen of a container is only "not used" where nothing could be missed. Events that the kernel half lost may
have been anybody's, so each container that was watched meanwhile is told of all of them.
"""

from collections import OrderedDict
from collections.abc import Container, Sequence
from dataclasses import dataclass, field

from deadlight.model.wire import ContainerCoverage
from deadlight.sensor.observe import moment

MAX_CONTAINERS = 4_096
"""Less than a heartbeat holds; beyond it those that have ended go first, and what goes is counted."""

KEPT_AFTER = 600_000_000_000
"""Nanoseconds for which a container that is gone is still told of, so that its last word gets through."""

MAX_UNSEEN = 16
"""The limit of the wire."""


@dataclass(slots=True)
class _Watched:
    since: int
    from_start: bool
    lost_before: int
    """What the node had lost when the container came."""
    lost: int = 0
    """Of its own alone; once it has ended, everything."""
    ended_at: int | None = None
    unseen: dict[str, None] = field(default_factory=dict)


class Coverage:
    """Of each container that was watched lately. Times in nanoseconds of the events' clock."""

    def __init__(self, unseen: Sequence[str] = (), limit: int = MAX_CONTAINERS) -> None:
        """`unseen` is what no container can be seen doing, for want of a hook."""
        self._unseen = tuple(unseen)
        self._limit = limit
        self._watched: OrderedDict[str, _Watched] = OrderedDict()
        self._lost = 0
        self.forgotten = 0
        """Containers for which there was no room."""

    def begin(self, container_id: str, at: int, *, from_start: bool) -> None:
        """The container is watched from now on; nothing changes where it is already."""
        if container_id in self._watched:
            return
        self._watched[container_id] = _Watched(at, from_start, self._lost)
        if len(self._watched) > self._limit:
            ended = (name for name, watched in self._watched.items() if watched.ended_at is not None)
            del self._watched[next(ended, next(iter(self._watched)))]
            self.forgotten += 1

    def note_lost(self, total: int) -> None:
        """So many events of the node were lost since the sensor started, whosever they were."""
        self._lost = max(self._lost, total)

    def lose(self, container_id: str) -> None:
        """An event of this container was lost."""
        watched = self._watched.get(container_id)
        if watched:
            watched.lost += 1

    def blind(self, container_id: str, what: str) -> None:
        """The container does something that cannot be seen."""
        watched = self._watched.get(container_id)
        if watched and len(watched.unseen) < MAX_UNSEEN:
            watched.unseen[what] = None

    def list_blind(self, what: str) -> tuple[str, ...]:
        """The containers that do something that cannot be seen."""
        return tuple(name for name, watched in self._watched.items() if what in watched.unseen)

    def sweep(self, existing: Container[str], at: int) -> None:
        """Notice which containers are gone, and forget those that have been gone for long."""
        for container_id, watched in list(self._watched.items()):
            if container_id in existing:
                continue
            if watched.ended_at is None:
                watched.ended_at = at
                watched.lost += self._lost - watched.lost_before
            elif at - watched.ended_at > KEPT_AFTER:
                del self._watched[container_id]

    def tell(self, *, epoch_offset: int) -> tuple[ContainerCoverage, ...]:
        """Every container's; `epoch_offset` is what to add to a time for nanoseconds since the Unix epoch."""
        return tuple(
            ContainerCoverage(
                container_id=container_id,
                since=moment(watched.since + epoch_offset),
                from_start=watched.from_start,
                lost=watched.lost + (self._lost - watched.lost_before if watched.ended_at is None else 0),
                unseen=(*self._unseen, *watched.unseen)[:MAX_UNSEEN],
            )
            for container_id, watched in self._watched.items()
        )
