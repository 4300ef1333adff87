"""When archives are looked at, and what that proves."""

from itertools import pairwise

import pytest

from deadlight.sensor.archives import FIRST_LOOK, LAST_PAUSE, SETTLED_AFTER, Answer, Archives, Question, Reading
from deadlight.sensor.decode import Event
from deadlight.sensor.layout import CgroupKey, EventFlags, EventKind
from deadlight.sensor.processes import NO_FILE, Process
from deadlight.threats.activity import ProcessFacts

SECOND = 1_000_000_000
JAVA = Process("web", ProcessFacts("java", "/usr/bin/java", ("java", "Main"), 7, 33), 1, 0, NO_FILE)


def opened(archives: Archives, path: str, at: int = 0, flags: int = 0, container_id: str = "web") -> None:
    process = Process(container_id, JAVA.facts, 1, 0, NO_FILE)
    archives.opened(Event(EventKind.OPENED, at, CgroupKey(7, 0), 7, "java", path, flags=flags), process)


def ask(archives: Archives, at: int, *processes: Process) -> Question | None:
    return next(archives.ask(at, lambda _, programs: [one for one in processes if one.facts.path in programs]), None)


def look(archives: Archives, at: int, **entries: str | None) -> list[str]:
    """Look with the program still running; gives what is proven. `a="org/a/A.class"` is read of /a.jar, at 1000."""
    question = ask(archives, at, JAVA)
    assert question
    readings = [Reading(JAVA, f"/{name}.jar", 1_000, entry) for name, entry in entries.items()]
    return [event.path for event, _ in archives.learn(Answer(question, readings))]


@pytest.fixture
def archives() -> Archives:
    made = Archives()
    opened(made, "/a.jar")
    opened(made, "/b.jar", at=1)
    return made


@pytest.mark.req("R18")
def test_an_entry_that_was_read_is_told_with_the_program_that_read_it(archives):
    question = ask(archives, FIRST_LOOK, JAVA)
    assert question
    (((event, process)),) = archives.learn(
        Answer(question, [Reading(JAVA, "/a.jar", 99, "org/a/A.class"), Reading(JAVA, "/b.jar", 4, None)])
    )

    assert (event.kind, event.path, event.pid) == (EventKind.OPENED, "/a.jar!/org/a/A.class", 7)
    assert (process, event.outside_image) == (JAVA, False)


def test_what_is_proven_is_not_looked_at_again_and_the_rest_with_its_last_position(archives):
    assert look(archives, FIRST_LOOK, a="org/a/A.class", b="META-INF/MANIFEST.MF") == ["/a.jar!/org/a/A.class"]
    opened(archives, "/a.jar", at=FIRST_LOOK)

    question = ask(archives, SETTLED_AFTER, JAVA)

    assert question
    assert question.positions == {"/b.jar": 1_000}


def test_looks_become_rare_and_end_when_everything_is_proven(archives):
    looks = []
    for at in range(0, 1_300 * SECOND, SECOND // 4):
        if question := ask(archives, at, JAVA):
            looks.append(at / SECOND)
            archives.learn(Answer(question, [Reading(JAVA, path, 4, None) for path in question.positions]))
    pauses = [after - before for before, after in pairwise(looks)]
    assert looks[:6] == [0.5, 1, 1.5, 2, 2.5, 3]
    assert pauses == sorted(pauses)
    assert (len(looks), pauses[-1]) == (97, 60)

    assert look(archives, 1_600 * SECOND, a="A.class", b="B.class")
    assert ask(archives, 1 << 62, JAVA) is None


def test_who_opens_more_is_looked_at_soon_again(archives):
    look(archives, 100 * SECOND, a=None, b=None)
    opened(archives, "/c.jar", at=101 * SECOND)

    question = ask(archives, 101 * SECOND + FIRST_LOOK, JAVA)

    assert question
    assert list(question.positions) == ["/a.jar", "/b.jar", "/c.jar"]


def test_another_run_of_the_program_is_looked_at_although_it_opens_nothing_new(archives):
    question = ask(archives, FIRST_LOOK)
    assert question
    archives.learn(Answer(question, ()))
    assert ask(archives, 1 << 62, JAVA) is None

    archives.executed(Process("web", ProcessFacts("sh", "/bin/sh"), 1, 5 * SECOND, NO_FILE))
    assert ask(archives, 1 << 62, JAVA) is None
    archives.executed(Process("web", JAVA.facts, 1, 5 * SECOND, NO_FILE))
    assert ask(archives, 5 * SECOND + FIRST_LOOK, JAVA)


def test_a_program_that_starts_while_the_question_is_under_way_is_not_missed(archives):
    question = ask(archives, SECOND)
    assert question
    archives.executed(Process("web", JAVA.facts, 1, 2 * SECOND, NO_FILE))
    archives.learn(Answer(question, ()))

    assert ask(archives, 2 * SECOND + FIRST_LOOK, JAVA)


def test_an_archive_that_the_container_put_in_the_place_of_the_image_s_proves_nothing(archives):
    opened(archives, "/a.jar", flags=int(EventFlags.UPPER))

    question = ask(archives, FIRST_LOOK, JAVA)
    assert question
    assert list(question.positions) == ["/b.jar"]
    assert len(archives) == 1


@pytest.mark.parametrize("running", [(), (JAVA,)])
def test_a_container_whose_archives_were_closed_before_a_look_may_have_used_them(archives, running):
    question = ask(archives, SETTLED_AFTER, *running)
    assert question
    archives.learn(Answer(question, ()))

    assert archives.take_unseen() == ("web",)
    assert archives.take_unseen() == ()


def test_a_program_that_ends_a_minute_later_was_seen(archives):
    look(archives, SETTLED_AFTER + 1, a=None, b=None)
    question = ask(archives, SETTLED_AFTER + LAST_PAUSE + 1)
    assert question
    archives.learn(Answer(question, ()))

    assert archives.take_unseen() == ()


@pytest.mark.parametrize(
    ("entry", "missed"), [("META-INF/services/java.sql.Driver", ("web",)), ("META-INF/MANIFEST.MF", ())]
)
def test_what_a_jvm_reads_of_archives_in_use_hides_that_they_are(archives, entry, missed):
    for at in (FIRST_LOOK, SETTLED_AFTER, SETTLED_AFTER + LAST_PAUSE):
        look(archives, at + 1, a=entry, b=entry)

    assert archives.take_unseen() == missed


def test_an_archive_that_was_only_just_opened_is_not_missed(archives):
    opened(archives, "/c.jar", at=FIRST_LOOK)
    look(archives, FIRST_LOOK + 1, a=None, b=None)

    assert archives.take_unseen() == ()


@pytest.mark.parametrize(
    ("path", "unseen"),
    [
        ("/app/app.jsa", ("web",)),
        ("/tmp/app.aot", ("web",)),
        ("/usr/lib/jvm/17/lib/server/classes_nocoops.jsa", ()),
    ],
)
def test_classes_that_a_jvm_keeps_apart_are_not_seen_in_their_archives(path, unseen):
    archives = Archives()
    opened(archives, path)

    assert archives.take_unseen() == unseen


@pytest.mark.parametrize(
    ("path", "flags"),
    [
        ("/a.txt", 0),
        ("/a.jar", EventFlags.TOOL),
        ("/a.jar", EventFlags.UPPER),
        ("/a.jar", EventFlags.MOUNTED),
        ("/a.jar!/org/A.class", 0),
        ("/a.jar!/b.jar", 0),
    ],
)
def test_what_is_no_archive_of_the_image_or_read_by_tools_is_left_alone(path, flags):
    archives = Archives()
    opened(archives, path, flags=int(flags))

    assert ask(archives, 1 << 62, JAVA) is None


def test_too_many_archives_cost_the_quietest_container_its_proof():
    archives = Archives(limit=3)
    opened(archives, "/a.jar", container_id="quiet")
    for number in range(3):
        opened(archives, f"/{number}.jar", at=1)

    assert len(archives) == 3
    assert archives.take_unseen() == ("quiet",)
    question = ask(archives, FIRST_LOOK + 1, JAVA)
    assert question
    assert question.container_id == "web"
