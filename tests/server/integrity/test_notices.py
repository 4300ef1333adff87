"""What a webhook told is held against what the registry answers: where that is not so yet, it is asked again."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from tests.server.integrity.checks import DIGEST, PUSHED, WEB, Checks

from deadlight.registry.notifications import NotificationAction
from deadlight.server.integrity.jobs import CheckSource, check_source
from deadlight.server.integrity.notices import ASK_AGAIN_AFTER, Notice, is_borne_out
from deadlight.server.integrity.sources import SourceKey, ensure_source
from deadlight.server.integrity.verdict import Answer, Missing, Present, Unavailable, Untrusted

OLD, NEW, CHILD = DIGEST, PUSHED.manifest.digest, WEB.config.digest
NOW = datetime(2026, 3, 4, tzinfo=UTC)
STILL, MOVED, MISSING = Present(OLD, {OLD}), Present(NEW, {NEW, CHILD}), Missing()


def pushed(digest: str = NEW, tag: str = "1.0.0") -> Notice:
    return Notice(NotificationAction.PUSHED, digest, "ada", NOW, tag)


def deleted(digest: str = OLD, tag: str = "1.0.0") -> Notice:
    return Notice(NotificationAction.DELETED, digest, "ada", NOW, tag)


def source(reference: str = "1.0.0", state: str = "present") -> Any:
    """A row that was this digest when it was last asked."""
    return SimpleNamespace(reference=reference, state=state, record={"digest": OLD})


@pytest.mark.parametrize(
    ("notice", "answer", "is_so"),
    [
        (pushed(), MOVED, True),
        (pushed(), STILL, False),
        (pushed(), MISSING, False),
        (pushed(CHILD), MOVED, True),
        (pushed(""), MOVED, True),
        (pushed(""), STILL, False),
        (pushed(tag="2.0.0"), STILL, True),
        (pushed(tag=""), STILL, True),
        (pushed(tag=""), MISSING, True),
        (deleted(), MISSING, True),
        (deleted(), STILL, False),
        (deleted(), MOVED, True),
        (deleted(""), STILL, False),
        (deleted(tag=""), STILL, False),
        (deleted(CHILD, tag=""), MOVED, True),
        (deleted("", tag="2.0.0"), STILL, True),
        (pushed(), Unavailable("it is out of order"), True),
        (deleted(), Untrusted(), True),
    ],
)
def test_an_answer_bears_a_notice_out_or_does_not_yet(notice: Notice, answer: Answer, is_so: bool) -> None:
    assert is_borne_out(notice, source(), answer) is is_so


def test_what_was_missing_and_is_there_again_was_pushed() -> None:
    assert is_borne_out(pushed(""), source(state="missing"), STILL)


def test_a_pinned_image_is_named_by_its_digest() -> None:
    assert not is_borne_out(pushed(OLD, tag=""), source(OLD), MISSING)
    assert not is_borne_out(deleted(OLD, tag=""), source(OLD), STILL)


_LAST_QUEUED = """
    SELECT CAST(convert_from(payload, 'UTF8') AS jsonb) ->> 'asked' AS asked, execute_after - created AS pause
    FROM pgqueuer ORDER BY id DESC LIMIT 1
"""


async def test_a_registry_is_asked_again_a_few_times_and_not_for_ever(checks: Checks) -> None:
    await checks.registry.push(WEB)
    await checks.deploy()
    async with checks.services.engine.begin() as connection:
        source_id = await ensure_source(connection, SourceKey(checks.registry.host, "shop/web", "1.0.0"))
    for asked, pause in enumerate(ASK_AGAIN_AFTER):
        await check_source(checks.services, CheckSource(source_id, pushed(), asked))
        (job,) = await checks.fleet.rows(_LAST_QUEUED)
        assert (int(job.asked), job.pause) == (asked + 1, pause)
    await check_source(checks.services, CheckSource(source_id, pushed(), len(ASK_AGAIN_AFTER)))
    assert len(await checks.fleet.rows("SELECT FROM pgqueuer")) == len(ASK_AGAIN_AFTER)
