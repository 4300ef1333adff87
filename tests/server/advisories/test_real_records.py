"""Real advisories, where the data folder lies beside the project, imported as the service does."""

from pathlib import Path

import pytest
from tests.support.fleet import Fleet
from tests.support.real_records import write_share

from deadlight.advisories.advisory import Advisory
from deadlight.advisories.archive import read_advisories
from deadlight.advisories.document import Rejected
from deadlight.server.advisories.service import import_advisories


@pytest.mark.req("R15")
async def test_real_records_are_imported_and_the_second_time_nothing_changes(fleet: Fleet, tmp_path: Path) -> None:
    items = list(read_advisories(write_share(tmp_path / "records.jsonl")))
    advisories = [item for item in items if isinstance(item, Advisory)]
    rejected = [item for item in items if isinstance(item, Rejected)]
    for attempt in ("first", "second"):
        await fleet.forget_events()
        async with fleet.engine.begin() as connection:
            result = await import_advisories(connection, attempt, advisories, rejected)
        assert result.rejected + result.not_security == len(rejected)
        assert result.added + result.changed + result.withdrawn + result.unchanged == len(advisories)
        assert (result.unchanged == len(advisories)) is (attempt == "second")
        assert bool(await fleet.events("AdvisoriesChanged")) is (attempt == "first")
    several = await fleet.rows(
        """
        SELECT name FROM vulnerability WHERE (SELECT count(*) FROM unnest(aliases || name) AS alias(name)
                                              WHERE alias.name LIKE 'CVE-%') > 1
        """
    )
    assert several == []
