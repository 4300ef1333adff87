"""What an event's file says about the rules by itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deadlight.sensor.activities import activity_of
from deadlight.sensor.decode import Event
from deadlight.sensor.glance import Glance, glance_at
from deadlight.sensor.layout import CgroupKey, EventFlags, EventKind
from deadlight.sensor.processes import NO_FILE, Process
from deadlight.threats.activity import ActivityKind, ProcessFacts
from deadlight.threats.engine import Engine, load_builtin
from deadlight.threats.rule import parse_rule

BUILTIN = load_builtin()
KINDS = {
    EventKind.EXECUTED: ActivityKind.EXECUTED,
    EventKind.OPENED: ActivityKind.OPENED,
    EventKind.WRITTEN: ActivityKind.WRITTEN,
    EventKind.MAPPED: ActivityKind.MAPPED,
}


ENGINE = Engine(BUILTIN)
GLANCES = {kind: glance_at(BUILTIN, activity) for kind, activity in KINDS.items()}


def glance(condition: str) -> Glance:
    head = 'id="x"\ntitle="x"\ndescription="x"\nseverity="Low"\nkinds=["opened"]\n'
    return glance_at([parse_rule(f"{head}condition = {condition}")], ActivityKind.OPENED)


def opened(path: str, flags: int = 0) -> Event:
    return Event(EventKind.OPENED, 0, CgroupKey(1, 0), 7, "app", path, flags=flags)


PATH, PROCESS = '{ field = "file.path", is = "/a" }', '{ field = "process.name", is = "app" }'


@pytest.mark.parametrize(
    ("condition", "always", "paths"),
    [
        (PATH, False, {"/a"}),
        (PROCESS, True, set()),
        (f"{{ all = [{PATH}, {PROCESS}] }}", False, {"/a"}),
        (f"{{ any = [{PATH}, {PROCESS}] }}", True, set()),
        (f"{{ not = {PATH} }}", False, {"/b"}),
        (f"{{ not = {PROCESS} }}", True, set()),
        (f"{{ all = [{PATH}, {{ not = {PROCESS} }}] }}", False, {"/a"}),
        (f"{{ not = {{ all = [{PATH}, {PROCESS}] }} }}", True, set()),
        (f"{{ not = {{ any = [{PATH}, {PROCESS}] }} }}", False, {"/b"}),
        (f'{{ any = [{PATH}, {{ field = "file.path", in = ["/b"] }}] }}', False, {"/a", "/b"}),
    ],
)
def test_what_a_rule_asks_of_the_process_is_left_open(condition, always, paths):
    found = glance(condition)

    assert found.always == always
    assert {path for path in ("/a", "/b") if found.holds(opened(path))} == paths


def test_what_is_special_about_the_file_counts_as_well():
    found = glance('{ all = [{ field = "file.upper", is = true }, { field = "file.changed", is = true }] }')

    assert found.holds(opened("/a", int(EventFlags.UPPER)))
    assert not found.holds(opened("/a", int(EventFlags.MEMFD)))


def test_no_rules_ask_for_nothing():
    found = glance_at([], ActivityKind.OPENED)

    assert not found.always
    assert not found.holds(opened("/a"))


def test_most_files_need_no_further_look():
    found = glance_at(BUILTIN, ActivityKind.OPENED)

    assert not found.always
    assert not any(map(found.holds, map(opened, ("/usr/lib/libc.so.6", "/app/node_modules/x/index.js", "/etc/hosts"))))
    assert found.holds(opened("/var/run/secrets/kubernetes.io/serviceaccount/token"))


_PATHS = (
    "/etc/shadow",
    "/etc/passwd",
    "/root/.ssh/id_rsa",
    "/root/.aws/credentials",
    "/tmp/x",
    "/usr/bin/ls",
    "/dev/sda",
)
_NAMES = ("cat", "sh", "nginx", "python3", "dpkg", "app")


_PIECES = ("/etc", "/shadow", "/.ssh", "/id_rsa", "mem", "/host", "/dev", "/sda", ".pub", "/pki/", "tls.key", "/", "x")
_TESTS = (
    '{ field = "file.path", in = ["/etc/shadow", "/mem"] }',
    '{ field = "file.path", ends_with = ["/.ssh/id_rsa", "mem"] }',
    '{ field = "file.path", starts_with = ["/dev", "/host/dev/"] }',
    '{ field = "file.path", under = ["/etc/pki", "/host/"] }',
    '{ field = "file.path", contains = ["/.ssh/", "em/"] }',
    '{ field = "file.path", matches = [".*/id_[a-z]{1,9}"] }',
    '{ field = "file.upper", is = true }',
)
_conditions = st.recursive(
    st.sampled_from(_TESTS),
    lambda parts: st.one_of(
        parts.map(lambda part: f"{{ not = {part} }}"),
        st.tuples(st.sampled_from(["all", "any"]), st.lists(parts, min_size=1, max_size=3)).map(
            lambda made: f"{{ {made[0]} = [{', '.join(made[1])}] }}"
        ),
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(_conditions, st.lists(st.sampled_from(_PIECES), min_size=1, max_size=4).map("".join), st.booleans())
def test_what_asks_of_the_file_alone_is_decided_at_a_glance(condition, path, upper):
    head = 'id="x"\ntitle="x"\ndescription="x"\nseverity="Low"\nkinds=["opened"]\n'
    rule = parse_rule(f"{head}condition = {condition}")
    event = opened(path, int(EventFlags.UPPER) if upper else 0)
    process = Process("c", ProcessFacts("app"), 1, 0, NO_FILE)

    matches = Engine([rule]).match(activity_of(event, ActivityKind.OPENED, process))
    assert glance_at([rule], ActivityKind.OPENED).holds(event) == bool(matches)


@settings(deadline=None)
@given(
    st.sampled_from(sorted(KINDS)), st.sampled_from(_PATHS), st.sampled_from(_NAMES), st.integers(0, 15), st.booleans()
)
def test_a_glance_overlooks_nothing_that_a_rule_would_match(kind, path, name, flags, first):
    event = Event(kind, 0, CgroupKey(1, 0), 7, name, path, flags=flags)
    facts = ProcessFacts(name, f"/usr/bin/{name}", (name,), 7, 0)
    process = Process("c", facts, 1, 0, NO_FILE, first=first, ancestors=(ProcessFacts("nginx", "/usr/sbin/nginx"),))

    if ENGINE.match(activity_of(event, KINDS[kind], process)):
        assert GLANCES[kind].always or GLANCES[kind].holds(event)
