"""What a controller counts and what troubles it, for its heartbeat."""

from dataclasses import asdict, dataclass, field

LONGEST_PROBLEM = 1000
MOST_PROBLEMS = 32


@dataclass(slots=True)
class Counts:
    """Everything since the process started."""

    events: int = 0
    """Objects read from lists and watches."""
    unchanged: int = 0
    """Of those, objects whose record was the same as before, hence not sent."""
    undecodable: int = 0
    """Objects with a field that is not what the API promises: not in the inventory."""
    streams: int = 0
    """Watches opened, resumed ones included."""
    relists: int = 0
    """Complete lists read, beyond the first of each kind."""
    batches: int = 0
    """Inventory batches that the service acknowledged."""
    resyncs: int = 0
    """Times everything was announced again, beyond the first."""
    refused_batches: int = 0
    rejected_objects: int = 0
    admission_reviews: int = 0
    audit_events: int = 0
    admission_refused: int = 0
    """Requests to the admission endpoint without its token."""
    admission_unreadable: int = 0
    """Reviews and audit batches that were not what an API server sends, or that were too much."""
    deployers: int = 0
    """Requests of people or machines that changed what a workload's pods are made from."""
    deployers_lost: int = 0
    """Workloads whose deployers were forgotten because there were too many."""


@dataclass(slots=True)
class Health:
    """One controller's counters and current problems; the parts of the controller share it."""

    counts: Counts = field(default_factory=Counts)
    _problems: dict[str, str] = field(default_factory=dict, init=False)

    def trouble(self, part: str, problem: str) -> bool:
        """Note what troubles a part until `cleared`; returns whether that is news."""
        text = problem[:LONGEST_PROBLEM]
        news = self._problems.get(part) != text
        self._problems[part] = text
        return news

    def cleared(self, part: str) -> bool:
        """A part works; returns whether it was in trouble."""
        return self._problems.pop(part, None) is not None

    @property
    def problems(self) -> tuple[str, ...]:
        """Current problems, oldest first, as many as a heartbeat may carry."""
        return tuple(self._problems.values())[:MOST_PROBLEMS]

    def counters(self) -> dict[str, int]:
        """The counts under their names."""
        return asdict(self.counts)
