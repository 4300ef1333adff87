"""The index that lists are answered from: however changes come in, it says what one made anew says."""

from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from deadlight.model.live_list import ProcessOrder, WorkloadOrder
from deadlight.server.assessment.live_columns import STATUSES, LiveColumns
from deadlight.server.assessment.live_processes import LiveProcesses
from deadlight.server.assessment.process_groups import OrderedProcesses, gather_processes
from deadlight.server.assessment.processes import describe_process
from deadlight.server.assessment.workload_groups import Ordered, gather_workloads
from deadlight.server.assessment.workloads import describe_workloads

SOME = st.integers(1, 2)
COUNTS = ("critical", "high", "medium", "low", "unknown", "critical_applicable", "malicious")
CLUSTER = UUID(int=1)
NOW = datetime(2026, 11, 21, tzinfo=UTC)

Row = Any
Rows = dict[tuple[Any, ...], Row]
"""What a table holds, by table and key."""


def row(table: str, *key: int, **values: Any) -> tuple[tuple[Any, ...], Row]:
    """A row of a table, by its key."""
    return (table, *key), SimpleNamespace(**values)


def link(tag: int, image: int) -> tuple[tuple[Any, ...], Row]:
    """An image tag's contents."""
    return row("link", tag, image_tag_id=tag, image_id=image)


def risk(image: int, counts: Sequence[int]) -> tuple[tuple[Any, ...], Row]:
    """What is wrong with an image."""
    return row("risk", image, image_id=image, applicabilities=counts[0], **dict(zip(COUNTS, counts, strict=True)))


def verdict(tag: int, status: str) -> tuple[tuple[Any, ...], Row]:
    """What comparing with the registry gave."""
    return row("verdict", tag, image_tag_id=tag, status=status, violation_type=None)


def placement(workload: int, tag: int, running: bool) -> tuple[tuple[Any, ...], Row]:
    """An image tag in a workload."""
    values: dict[str, Any] = {
        "name": f"workload-{workload}",
        "namespace": "shop",
        "kind": "Deployment",
        "cluster_id": CLUSTER,
    }
    ids = {"workload_id": workload, "image_tag_id": tag}
    values |= {"gone_at": None if running else NOW, "detections": [int(running), 0, 0, workload, 0]}
    return row("placement", workload, tag, **ids, **values, running=running)


def program(number: int) -> dict[str, Any]:
    """A program."""
    names = {"name": f"run-{number}", "path": f"/{number}", "arguments": ["run", "-x"], "sha256": f"{number:064x}"}
    return {"program_id": UUID(int=number), **names}


def process(workload: int, tag: int, number: int, changed: bool) -> tuple[tuple[Any, ...], Row]:
    """What a workload executes in an image tag."""
    ids = {"workload_id": workload, "image_tag_id": tag, "running": not changed, "superseded": changed}
    return row("process", workload, tag, number, **ids, **program(number), changed=changed, last_at=NOW)


def program_risk(image: int, number: int, counts: Sequence[int]) -> tuple[tuple[Any, ...], Row]:
    """What is wrong with what a program of an image uses."""
    values = dict(zip(COUNTS, counts, strict=True))
    return row("program_risk", image, number, image_id=image, **program(number), **values)


NUMBERS = st.lists(st.integers(0, 2), min_size=len(COUNTS), max_size=len(COUNTS))
CHANGES = st.one_of(
    st.builds(link, SOME, SOME),
    st.builds(risk, SOME, NUMBERS),
    st.builds(verdict, SOME, st.sampled_from([status.value for status in STATUSES])),
    st.builds(placement, SOME, SOME, st.booleans()),
    st.builds(process, SOME, SOME, SOME, st.booleans()),
    st.builds(program_risk, SOME, SOME, NUMBERS),
)
TAGS = dict(
    row("tag", tag, id=tag, registry="r", repository=f"shop/{tag}", tag="1", digest=f"sha256:{tag}", platform="l/amd64")
    for tag in range(1, 3)
)


def take_in(processes: LiveProcesses, rows: Rows) -> None:
    """As the index reads a database: table by table."""
    columns = processes.columns

    def of(table: str) -> list[Row]:
        return [found for key, found in rows.items() if key[0] == table]

    columns.add_tags(of("tag"))
    processes.follow_links(columns.link_images(of("link")))
    columns.set_risks(of("risk"))
    columns.set_verdicts(of("verdict"))
    columns.set_placements(of("placement"))
    processes.set_processes(of("process"))
    processes.set_risks(of("program_risk"))


def new_index() -> LiveProcesses:
    """Of image tags alone, and their cluster."""
    columns = LiveColumns()
    cluster: Any = SimpleNamespace(id=CLUSTER, name="east", provider="Kubernetes", demonstration=False)
    columns.set_clusters([cluster])
    columns.add_tags(TAGS.values())
    return LiveProcesses(columns)


def told(processes: LiveProcesses) -> tuple[Any, ...]:
    """Everything that lists say, in their order."""
    columns = processes.columns
    everything = np.ones(len(columns.placement), dtype=bool)
    workloads = gather_workloads(processes, everything, everything)
    gathered = gather_processes(processes, np.ones(len(processes.processes), dtype=bool))
    order = OrderedProcesses(gathered, ProcessOrder.RISK).at.tolist()
    tags = [columns.position[tag] for tag in (1, 2)]
    parts = (columns.badges, columns.severities, columns.applicabilities, columns.is_scanned, columns.image_id)
    return (
        [part[tags].tolist() for part in parts],
        describe_workloads(workloads, Ordered(workloads, WorkloadOrder.RISK).at.tolist()),
        [describe_process(gathered, position) for position in order],
    )


@settings(max_examples=60)
@given(st.lists(st.lists(CHANGES, min_size=4, max_size=10), min_size=2, max_size=4))
def test_what_came_in_bit_by_bit_reads_as_what_is_read_at_once(
    batches: list[list[tuple[tuple[Any, ...], Row]]],
) -> None:
    kept, database = new_index(), dict(TAGS)
    for batch in batches:
        # As foreign keys have it: what a workload executes is of a placement that is there.
        changes = [(key, found) for key, found in batch if key[0] != "process"]
        placed = {key[1:] for key in [*database, *dict(changes)] if key[0] == "placement"}
        changes += [(key, found) for key, found in batch if key[0] == "process" and key[1:3] in placed]
        database |= dict(changes)
        take_in(kept, dict(changes))
    anew = new_index()
    take_in(anew, database)
    assert told(kept) == told(anew)
