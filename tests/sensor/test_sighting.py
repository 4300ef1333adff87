"""What makes two observations the same, and what the later one adds."""

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from deadlight.model.observation import Grade
from deadlight.model.wire import Observation, observation_digest
from deadlight.sensor.sighting import identify, merge, pack, unpack

AT = datetime(2026, 1, 1, tzinfo=UTC)
SEEN = Observation(container_id="c1", grade=Grade.OPENED, path="/etc/passwd", first_at=AT, last_at=AT, process="app")
RUN = msgspec.structs.replace(SEEN, grade=Grade.EXECUTED, path="/bin/sh", arguments=("sh", "-c", "true"), sha256="aa")


def after(seen: Observation, **changes: object) -> Observation | None:
    """What the row of `seen` says once the changed observation was merged into it; None where that is nothing new."""
    merged = merge(pack(seen), msgspec.structs.replace(seen, **changes))
    return None if merged is None else unpack(merged, seen.container_id, seen.count, seen.last_at.timestamp())


def test_an_observation_comes_back_from_its_row():
    seen = msgspec.structs.replace(RUN, count=7, user=0, running=True, changed=True, last_at=AT + timedelta(seconds=5))

    assert unpack(pack(seen), "c1", 7, seen.last_at.timestamp()) == seen


def test_what_is_told_once_more_counts_at_least_once():
    assert unpack(pack(SEEN), "c1", 0, AT.timestamp()).count == 1


def test_another_time_is_nothing_new():
    assert after(SEEN, last_at=AT + timedelta(hours=2), count=9, pid=5, process="other") is None


def test_a_file_that_changed_stays_changed():
    changed = after(SEEN, changed=True)

    assert changed is not None
    assert changed.changed
    assert after(changed, changed=False) is None


def test_a_program_with_a_purpose_is_better_evidence_than_one_that_reads_everything():
    by_tool = msgspec.structs.replace(SEEN, tool=True, process="dpkg", first_at=AT - timedelta(hours=1))
    merged = after(by_tool, tool=False, process="python3", pid=5, first_at=AT)

    assert merged is not None
    assert (merged.tool, merged.process, merged.pid) == (False, "python3", 5)
    assert merged.first_at == AT - timedelta(hours=1)
    assert after(SEEN, tool=True, process="dpkg") is None


def test_a_process_that_ended_is_news():
    running = msgspec.structs.replace(RUN, running=True)
    ended = after(running, running=False)

    assert ended is not None
    assert ended.running is False
    assert after(running, running=None) is None


def test_each_way_to_execute_a_program_is_a_variant_of_one_subject():
    ways = [
        RUN,
        msgspec.structs.replace(RUN, arguments=("sh",)),
        msgspec.structs.replace(RUN, arguments=("sh", "-c true")),
        msgspec.structs.replace(RUN, process="bash"),
        msgspec.structs.replace(RUN, sha256="bb"),
    ]

    assert len({identify(way)[0] for way in ways}) == 1
    assert len({identify(way) for way in ways}) == len(ways)
    assert identify(RUN) == identify(msgspec.structs.replace(RUN, pid=9, running=True, count=3))


def test_who_opened_a_file_makes_no_variant():
    assert identify(SEEN) == identify(msgspec.structs.replace(SEEN, process="other", arguments=("x",)))


@given(st.sampled_from(Grade), st.text(max_size=50))
def test_the_subject_is_what_the_digest_sums_up(grade, path):
    seen = Observation(container_id="c", grade=grade, path=path, first_at=AT, last_at=AT)

    assert f"{identify(seen)[0] % 2**64:016x}" == observation_digest([(grade, path)])
