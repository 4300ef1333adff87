"""A rule is held to what was recorded, and is honest about what records do not hold."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.detections.test_rules import RULES, SOURCE
from tests.support.fleet import Fleet
from tests.support.service import RunningService

from deadlight.server.detections import dry_run
from deadlight.server.detections.dry_run import HELD, Record, compile_verdict, describe_gaps, replay, replay_in_time
from deadlight.threats.activity import Activity, ActivityKind, ProcessFacts
from deadlight.threats.condition import AllOf, AnyOf, Comparison, Condition, Not, compile_condition
from deadlight.threats.engine import load_builtin
from deadlight.threats.rule import parse_rule

NOW = datetime.now(UTC)
PROCESS = ProcessFacts("sh", "/bin/sh", ("sh", "-c", "id"), user=0)


def record(*unknown: str, **more: Any) -> Record:
    values: dict[str, Any] = {"kind": ActivityKind.EXECUTED, "process": PROCESS, "file_path": "/bin/sh"}
    return Record(Activity(at=0, container_id="", **values | more), HELD - set(unknown), 1, 1, NOW, "")


COMPARISONS = st.sampled_from(
    [
        Comparison("process.name", "is", ("sh",)),
        Comparison("process.name", "is", ("zsh",)),
        Comparison("process.path", "under", ("/bin",)),
        Comparison("ancestors.programs", "is", ("nginx",)),
    ]
)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: AllOf(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=6,
)


@given(CONDITIONS)
def test_what_is_said_of_a_record_holds_whatever_the_ancestors_were(condition: Condition) -> None:
    said = compile_verdict(condition)(record())
    holds = compile_condition(condition)
    with_any = [(), (ProcessFacts("nginx", "/usr/sbin/nginx"),)]
    answers = {holds(record(ancestors=ancestors).activity) for ancestors in with_any}
    assert said is None or answers == {said}


def test_a_rule_matches_perhaps_where_a_record_lacks_something_and_only_its_kinds() -> None:
    rule = next(rule for rule in load_builtin() if rule.id == "service-runs-shell")
    (found,) = replay(rule, [record(), record(kind=ActivityKind.OPENED)])
    assert found.perhaps
    assert any("ancestors" in gap or "parent" in gap for gap in describe_gaps(rule))
    by_name = parse_rule(SOURCE.replace('"xmrig"', '"sh"'))
    assert [each.perhaps for each in replay(by_name, [record(), record("process.programs")])] == [False, True]


def test_a_rule_that_takes_too_long_is_held_to_what_it_has_time_for() -> None:
    by_name = parse_rule(SOURCE.replace('"xmrig"', '"sh"'))
    assert replay_in_time(by_name, [record(), record()], seconds=0) == ([], 0)
    found, looked_at = replay_in_time(by_name, [record(), record()])
    assert (len(found), looked_at) == (2, 2)


def test_what_is_never_recorded_is_named() -> None:
    rule = next(rule for rule in load_builtin() if rule.id == "mount")
    assert describe_gaps(rule)[0] == "Not recorded, and so not tried: mounted."


async def run_programs(fleet: Fleet, container_id: str, *names: str) -> None:
    """What a sensor would have reported, as it is stored."""
    for name in names:
        await fleet.rows(
            """
            WITH made AS (
                INSERT INTO program (id, name, path, arguments)
                VALUES (gen_random_uuid(), :name, '/tmp/' || :name, ARRAY[:name, '-o']) RETURNING id)
            INSERT INTO execution (cluster_id, container_id, program_id, pid, parent_pid, user_id, count, first_at,
                                   last_at, changed)
            SELECT cluster_id, container_id, made.id, 7, 1, 0, 3, now(), now(), true
            FROM made, container WHERE container_id = :container
            """,
            name=name,
            container=container_id,
        )


@pytest.mark.req("R20")
async def test_a_rule_is_tried_on_what_containers_did(
    service: RunningService, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    (container,) = (await fleet.deploy(await fleet.add_image_tag())).container_ids
    await run_programs(fleet, container, "xmrig", "nginx")
    found = await service.request("POST", f"{RULES}/dry-run", {"source": SOURCE})
    executions, observations = found["sources"]
    assert found["check"]["usable"]
    assert (executions["looked_at"], executions["matches"], executions["complete"]) == (2, 1, True)
    (match,) = executions["shown"]
    assert (match["perhaps"], match["command"], match["workload"]) == (False, "xmrig -o", "test/shop/web")
    assert (match["times"], match["containers"], match["changed"], observations["looked_at"]) == (3, 1, True, 0)
    assert all(rule["id"] != "our-miner" for rule in await service.get(RULES))
    broken = await service.request("POST", f"{RULES}/dry-run", {"source": "id = 1"})
    assert (broken["check"]["usable"], broken["sources"]) == (False, [])
    monkeypatch.setattr(dry_run, "MAX_RECORDS", 0)
    monkeypatch.setattr("deadlight.server.detections.rules_api.MAX_RECORDS", 0)
    cut = (await service.request("POST", f"{RULES}/dry-run", {"source": SOURCE}))["sources"][0]
    assert (cut["looked_at"], cut["complete"]) == (0, False)
