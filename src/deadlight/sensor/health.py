"""How the sensor is: every counter under one name, and what troubles it in sentences. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from deadlight.sensor.programs import Plan

MOST_PROBLEMS = 32
"""The limit of the wire."""

_LOSSES = {
    "kernel_lost": "events were lost because they came faster than they could be read",
    "kernel_missed": "times that the kernel left out a hook, because it had interrupted the same one",
    "undecodable": "events could not be read: the sensor and its BPF object are of different versions",
    "unattributed": "events belong to containers that were gone before their names were known",
    "overflow": "events found no room: they came faster than they could be delivered",
    "untold_detections": "detections were only counted: there were too many of one container at once",
    "unrepeated": "sensitive files are only watched once in each container: the kernel half has no room for more",
    "unblocked": "times that a blocking policy found no room in the kernel half and is not in force",
    "processes_evicted": "processes were forgotten for want of room",
    "containers_forgotten": "containers are not told of for want of room",
    "unreadable_processes": "processes that ran before the sensor could not be looked at (CAP_SYS_PTRACE)",
    "report_refused": "observations were refused by the service",
    "detections_refused": "detections were refused by the service",
    "journal_lost": "observations found no room in the journal",
    "spool_lost": "detections found no room in the spool and are lost",
}
"""Counters that should stay 0, with what it means when they do not."""


@dataclass(frozen=True, slots=True)
class Health:
    """Counters since the sensor started, and the problems of now, the most serious first."""

    counters: Mapping[str, int]
    problems: tuple[str, ...]
    hooks: tuple[str, ...] = ()
    """What the sensor is attached to."""
    tier: str = ""
    """How much the kernel lets it see."""


def assess(
    plan: Plan, kernel: Mapping[str, int], counters: Mapping[str, int], *, problems: Sequence[str] = ()
) -> Health:
    """The health of everything up to what is handed over. Names of the kernel half's counters begin with `kernel_`.

    `problems` are those that no counter tells.
    """
    everything = {**{f"kernel_{name}": value for name, value in kernel.items()}, **counters}
    found = _bounded([*plan.problems, *_losses(everything), *problems])
    return Health(everything, found, plan.programs, str(plan.tier))


def blind_spots(containers: Iterable[str]) -> list[str]:
    """A problem for each container that opens files where the kernel half does not see it."""
    return [f"container {name} opens files through io_uring: which ones stays unseen" for name in containers]


def with_delivery(health: Health, counters: Mapping[str, int], problems: Sequence[str]) -> Health:
    """Adds how the delivery goes: its counters, and what troubles it."""
    all_problems = _bounded([*problems, *_losses(counters), *health.problems])
    return replace(health, counters={**health.counters, **counters}, problems=all_problems)


def _losses(counters: Mapping[str, int]) -> list[str]:
    return [f"{counters[name]} {meaning}" for name, meaning in _LOSSES.items() if counters.get(name)]


def _bounded(problems: list[str]) -> tuple[str, ...]:
    if len(problems) <= MOST_PROBLEMS:
        return tuple(problems)
    shown = problems[: MOST_PROBLEMS - 1]
    return (*shown, f"{len(problems) - len(shown)} more problems")
