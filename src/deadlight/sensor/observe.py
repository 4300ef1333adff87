"""Events to observations: one for each file, container and grade, however often it happened. No clock, no network."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from deadlight.model.observation import Grade
from deadlight.model.wire import Observation
from deadlight.sensor.decode import GRADES, Event

MAX_PENDING = 10_000
"""Observations that wait for the service, some 8 MB. A node at rest finds a few hundred new files an hour."""


class Subject(NamedTuple):
    """What an observation is about."""

    container_id: str
    grade: Grade
    path: str


@dataclass(slots=True)
class _Sightings:
    first: Event
    last_at: int
    count: int
    changed: bool


class Pending:
    """Observations that have not been handed over yet, in the order in which their subjects first appeared.

    Opened files have half of the room: whoever opens files without end does not hide what is executed meanwhile.
    """

    def __init__(self, limit: int = MAX_PENDING) -> None:
        self._limit = limit
        self._sightings: dict[Subject, _Sightings] = {}
        self.overflow = 0
        """Events that found no room: their subjects are unknown to the service until they are seen again."""

    def __len__(self) -> int:
        return len(self._sightings)

    def add(self, container_id: str, event: Event) -> None:
        """Count an event about a file (one of `GRADES`) of a container."""
        subject = Subject(container_id, GRADES[event.kind], event.path)
        known = self._sightings.get(subject)
        if known:
            known.count += 1
            known.last_at = max(known.last_at, event.at)
            known.changed |= event.changed
        elif len(self._sightings) < (self._limit // 2 if subject.grade is Grade.OPENED else self._limit):
            self._sightings[subject] = _Sightings(event, event.at, 1, event.changed)
        else:
            self.overflow += 1

    def take(self, most: int, *, epoch_offset: int) -> tuple[Observation, ...]:
        """Hand over the oldest `most` observations.

        `epoch_offset` is what to add to an event's time for nanoseconds since the Unix epoch.
        """
        subjects = list(self._sightings)[:most]
        return tuple(_observation(subject, self._sightings.pop(subject), epoch_offset) for subject in subjects)


def _observation(subject: Subject, sightings: _Sightings, epoch_offset: int) -> Observation:
    first = sightings.first
    return Observation(
        container_id=subject.container_id,
        grade=subject.grade,
        path=subject.path,
        count=sightings.count,
        first_at=_moment(first.at + epoch_offset),
        last_at=_moment(sightings.last_at + epoch_offset),
        pid=first.pid,
        process=first.process,
        arguments=first.arguments,
        changed=sightings.changed,
    )


def _moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds // 1000 / 1_000_000, UTC)
