"""Windows say what was live when: each is held against what was done and when."""

from datetime import datetime

from tests.server.integrity.conftest import PUSHED, RUNNING, found
from tests.server.ledger.conftest import Ledger
from tests.support.fleet import Fleet


async def now(fleet: Fleet) -> datetime:
    (row,) = await fleet.rows("SELECT clock_timestamp() AS now")
    at: datetime = row.now
    return at


async def test_a_moved_tag_is_exposed_from_its_move_until_it_is_back(fleet: Fleet, ledger: Ledger) -> None:
    running = await fleet.deploy(await fleet.add_image_tag(digest=RUNNING))
    await ledger.judge.hear(found(RUNNING))
    before = await now(fleet)
    await ledger.judge.hear(found(PUSHED))
    await ledger.handle_events()
    after = await now(fleet)
    window = await ledger.window()
    assert (window.workload_id, window.risk, window.violation_type) == (
        running.workload_id,
        "integrity_violation",
        "Digest Mismatch",
    )
    assert window.opened_basis == "tag_changed"
    assert before < window.opened_at <= window.detected_at < after
    assert window.closed_at is None
    await ledger.judge.hear(found(RUNNING))
    await ledger.handle_events()
    closed = await ledger.window()
    assert after < closed.closed_at < await now(fleet)
    assert closed.close_reason == "now No Issues"
    assert not closed.repaired
