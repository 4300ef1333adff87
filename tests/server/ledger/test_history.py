"""Whatever happens in whatever order: one window is open at a time, moments are in order and the past stays."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress as pass_over
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.server.integrity.conftest import MISSING, PUSHED, RUNNING, found
from tests.server.ledger.conftest import Ledger
from tests.support.fleet import Fleet, digest

from deadlight.server.errors import ConflictError
from deadlight.server.ledger.actions import acknowledge, unacknowledge
from deadlight.server.ledger.suppressions import suppress, unsuppress

_names = count(1)


class Story:
    """One workload, its tag in the registry and somebody who looks after it."""

    def __init__(self, ledger: Ledger, workload_id: int, image_tag_ids: Sequence[int]) -> None:
        self.ledger = ledger
        self.workload_id = workload_id
        self.image_tag_ids = image_tag_ids

    async def windows(self) -> list[dict[str, Any]]:
        rows = await self.ledger.fleet.rows(
            "SELECT * FROM exposure_window WHERE workload_id = :id ORDER BY id", id=self.workload_id
        )
        return [dict(row._mapping) for row in rows]

    async def actions(self) -> list[Any]:
        return list(await self.ledger.fleet.rows("SELECT * FROM exposure_action ORDER BY id"))

    async def deploy(self) -> None:
        await self.ledger.run_image(self.workload_id, self.image_tag_ids[0])

    async def deploy_another(self) -> None:
        await self.ledger.run_image(self.workload_id, *self.image_tag_ids)

    async def scale_away(self) -> None:
        await self.ledger.run_image(self.workload_id)

    async def violate(self) -> None:
        await self.ledger.judge.hear(found(PUSHED))

    async def lose(self) -> None:
        await self.ledger.judge.hear(MISSING)

    async def distrust(self) -> None:
        await self.ledger.judge.hear(None)

    async def clear(self) -> None:
        await self.ledger.judge.hear(found(RUNNING))

    async def handle(self) -> None:
        await self.ledger.handle_events()

    async def _of_last(self, act: Callable[..., Awaitable[None]], **more: Any) -> None:
        windows = await self.windows()
        if windows:
            with pass_over(ConflictError):
                async with self.ledger.fleet.engine.begin() as connection:
                    await act(connection, windows[-1]["id"], actor="ada", **more)

    async def acknowledge(self) -> None:
        await self._of_last(acknowledge, note="mine")

    async def unacknowledge(self) -> None:
        await self._of_last(unacknowledge)

    async def suppress(self) -> None:
        await self._of_last(suppress, reason="accepted", until=datetime.now(UTC) + timedelta(days=1))

    async def unsuppress(self) -> None:
        await self._of_last(unsuppress)


STEPS: Mapping[str, Callable[[Story], Awaitable[None]]] = {
    name: step for name, step in vars(Story).items() if not name.startswith("_") and name not in {"windows", "actions"}
}


def check(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> None:
    """What holds after every step."""
    open_ = [(item["image_tag_id"], item["risk"]) for item in after if item["closed_at"] is None]
    assert len(open_) == len(set(open_))
    by_id = {item["id"]: item for item in after}
    for item in after:
        assert item["opened_at"] <= item["detected_at"] <= (item["closed_at"] or item["detected_at"])
        previous = by_id.get(item["previous_id"])
        assert item["previous_id"] is None or previous is not None
        assert previous is None or previous["closed_at"] <= item["detected_at"]
    for item in before:
        now = by_id[item["id"]]
        fixed = ("opened_at", "detected_at", "risk", "image_tag_id", "previous_id", "violation_type", "team")
        assert all(now[name] == item[name] for name in fixed)
        assert item["closed_at"] is None or now == item


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.sampled_from(sorted(STEPS)), max_size=10))
async def test_history_is_never_rewritten(fleet: Fleet, ledger: Ledger, names: Sequence[str]) -> None:
    # Each example has a repository of its own, so that they do not know of one another.
    ledger.judge.reference = f"1.0.{next(_names)}"
    tag = ledger.judge.reference
    image_tag_ids = [await fleet.add_image_tag(tag=tag, digest=value) for value in (RUNNING, digest("other"))]
    running = await fleet.deploy(image_tag_ids[0], name=tag)
    story = Story(ledger, running.workload_id, image_tag_ids)
    windows, actions = await story.windows(), await story.actions()
    for name in names:
        await STEPS[name](story)
        after = await story.windows()
        check(windows, after)
        done = await story.actions()
        assert done[: len(actions)] == actions
        windows, actions = after, done
    await story.handle()
    check(windows, await story.windows())
    live = await fleet.rows(
        """
        SELECT violation.image_tag_id, 'integrity_violation' FROM violation_location AS place
        JOIN violation ON violation.id = violation_id WHERE place.gone_at IS NULL AND workload_id = :id
        UNION SELECT image_tag_id, 'untrusted_registry' FROM untrusted_location
        WHERE gone_at IS NULL AND workload_id = :id
        """,
        id=running.workload_id,
    )
    open_ = {(item["image_tag_id"], item["risk"]) for item in await story.windows() if item["closed_at"] is None}
    assert open_ == {tuple(row) for row in live}
