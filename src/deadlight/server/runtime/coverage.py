"""What "not seen" rests on: how completely the containers of an image or workload were watched. Pure.

Only where the coverage is complete does "not seen" say something. Below that bar it is not proven, and nobody is shown
a package that was not seen as one that does not matter.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MIN_WATCHED = timedelta(hours=1)
"""At least one container has to have been watched for so long: much of a program is not loaded in its first minutes."""


class CoverageLevel(StrEnum):
    """How much "not seen" says."""

    COMPLETE = "complete"
    """Every container was watched since its first program, and nothing stayed unseen."""
    PARTIAL = "partial"
    NONE = "none"
    """Nobody watches any of the containers."""


@dataclass(frozen=True, slots=True)
class Watched:
    """How a container is watched, as its sensor said last."""

    since: datetime
    from_start: bool
    lost: int
    unseen: tuple[str, ...]
    seen_at: datetime
    refused: int
    """What was reported of it, found no room and is not kept."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How completely a set of containers is watched."""

    level: CoverageLevel
    containers: int
    watched: int
    from_start: int
    """Watched since their first program."""
    longest: timedelta
    """For how long the one that is watched longest has been."""
    reasons: tuple[str, ...]
    """What keeps the coverage from being complete."""

    @property
    def statement(self) -> str:
        """What "not seen" rests on, as a sentence."""
        if self.level is CoverageLevel.COMPLETE:
            return f"Watched since the first program for {describe_length(self.longest)} {_of(self, self.watched)}."
        return f"Not seen is not proven: {'; '.join(self.reasons)}."


def roll_up(containers: Sequence[Watched | None], now: datetime, silence: timedelta) -> Coverage:
    """The coverage of running containers, None where no sensor ever spoke of one.

    Of what a sensor has not said for longer than `silence` nothing is known any more.
    """
    watched = [item for item in containers if item and now - item.seen_at <= silence]
    longest = max((now - item.since for item in watched), default=timedelta())
    reasons = tuple(_reasons(len(containers), watched, longest))
    level = CoverageLevel.PARTIAL if reasons else CoverageLevel.COMPLETE
    return Coverage(
        level=level if watched else CoverageLevel.NONE,
        containers=len(containers),
        watched=len(watched),
        from_start=sum(item.from_start for item in watched),
        longest=longest,
        reasons=reasons,
    )


def _reasons(containers: int, watched: Sequence[Watched], longest: timedelta) -> Iterator[str]:
    if not containers:
        yield "no container runs it now"
        return
    if len(watched) < containers:
        yield f"{_share(containers - len(watched), containers)} not watched by a sensor"
    if not watched:
        return
    if found := sum(not item.from_start for item in watched):
        yield f"{_share(found, containers)} found running, and what they had used before is not known"
    if lost := sum(item.lost > 0 for item in watched):
        yield f"events may have been lost in {lost} of {_count(containers)}"
    if refused := [item.refused for item in watched if item.refused]:
        yield f"more was seen in {len(refused)} of {_count(containers)} than is kept ({sum(refused):,} found no room)"
    for name in _distinct(item.unseen for item in watched):
        yield f"{name} cannot be seen in {sum(name in item.unseen for item in watched)} of {_count(containers)}"
    if longest < MIN_WATCHED:
        yield f"watched for {describe_length(longest)} only, less than {describe_length(MIN_WATCHED)}"


def _distinct(names: Iterable[Sequence[str]]) -> list[str]:
    return sorted({name for item in names for name in item})


def _share(part: int, whole: int) -> str:
    return f"{part} of {_count(whole)} {'was' if part == 1 else 'were'}"


def _count(containers: int) -> str:
    return f"{containers} container{'' if containers == 1 else 's'}"


def _of(coverage: Coverage, part: int) -> str:
    return f"on {part} of {_count(coverage.containers)}"


def describe_length(length: timedelta) -> str:
    """A length in its largest unit: `3 d`, `3 h`, `12 min`, `5 s`; a moment that lies ahead counts as none."""
    seconds = max(int(length.total_seconds()), 0)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
