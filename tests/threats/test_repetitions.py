"""What is told again, and how much is remembered."""

from deadlight.threats.activity import Activity, ActivityKind, ProcessFacts
from deadlight.threats.engine import Engine, load_builtin
from deadlight.threats.repetitions import MAX_KEYS, MAX_SUBJECTS, Repetitions

RULE = next(rule for rule in load_builtin() if rule.id == "drift-execution")
ENGINE = Engine([RULE])
SECOND = 1_000_000_000


def run(path: str, *, at: int = 0, container: str = "c") -> Activity:
    process = ProcessFacts("x", path, ("x",))
    return Activity(ActivityKind.EXECUTED, at * SECOND, container, process, file_path=path, upper=True)


def told(repetitions: Repetitions, activity: Activity) -> bool:
    (match,) = ENGINE.match(activity)
    return repetitions.is_news(match, activity)


def test_the_same_is_told_again_after_its_cool_down() -> None:
    repetitions = Repetitions()
    moments = (0, 1, RULE.again_after - 1, RULE.again_after, RULE.again_after + 1)
    assert [told(repetitions, run("/tmp/x", at=at)) for at in moments] == [True, False, False, True, False]
    assert repetitions.repeated == 3


def test_another_file_or_container_is_news() -> None:
    repetitions = Repetitions()
    assert [told(repetitions, each) for each in (run("/tmp/x"), run("/tmp/y"), run("/tmp/x", container="d"))] == [
        True
    ] * 3


def test_a_flood_of_different_things_is_told_as_one_and_ends_with_the_cool_down() -> None:
    repetitions = Repetitions()
    assert sum(told(repetitions, run(f"/tmp/{number}")) for number in range(1000)) == MAX_KEYS + 1
    assert told(repetitions, run("/tmp/late", at=RULE.again_after))


def test_what_is_remembered_is_bounded_and_what_is_forgotten_is_told_again() -> None:
    repetitions = Repetitions()
    for number in range(MAX_SUBJECTS + 1):
        assert told(repetitions, run("/tmp/x", container=str(number)))
    assert len(repetitions._told) == MAX_SUBJECTS
    assert told(repetitions, run("/tmp/x", container="0"))
    assert not told(repetitions, run("/tmp/x", container=str(MAX_SUBJECTS)))
