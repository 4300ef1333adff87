import pytest
from tests.support.native_orders import PAIRS, ask_system_python, pairs_to_compare

from deadlight.ecosystems import InvalidVersionError
from deadlight.ecosystems.rpm.version import epochless_version_key, rpm_version_key

REAL = (
    "2.34-60.el9", "1:1.1.1k-6.el8_5", "5.1.8-9.el9", "2.2.20-3.el9_2", "0:4.4.2-3.el8", "2.32.1-42.el8_8",
    "1:14.17.5-1.module+el8.4.0+12247+e2879e58", "3.15-3.module_el8.6.0+3137+d33c3efb", "1.0~rc1-1.fc38",
    "1.0^20230101git1234abc-1", "11.2.1+git610-1.3.9", "150.4.1-150400.3.6.1", "2.0-4.cm2", "23.1.1-3.ph5",
    "5.14.0-362.8.1.el9_3", "1.0", "1.0-1", "1.0.~1-1", "a.b.c-1", "1_2_3-4", "001.02-1", "20190513-3.3.1",
)  # fmt: skip


@pytest.mark.parametrize(
    "ascending",
    [
        ["1.0~~-1", "1.0~-1", "1.0~rc1-1", "1.0~rc2-1", "1.0-1", "1.0^-1", "1.0^git1-1", "1.0^git2-1", "1.0.1-1"],
        ["1.a-1", "1.b-1", "1.1-1", "1.9-1", "1.10-1"],
        ["1.0", "1.0-0", "1.0-1", "1.0-1.el9", "1.0-1.el9_1", "1.0-2"],
        ["9-9", "1:0-0", "2:0-0", "10:0-0"],
        ["1.0-1", "1.0a-1", "1.0.0-1"],
    ],
)
def test_rpm_order_by_example(ascending):
    keys = [rpm_version_key(version) for version in ascending]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("a", "b"),
    [("1.0-1", "0:1.0-1"), ("1.01-1", "1.1-1"), ("1.0-1", "1_0-1"), ("1..0-1", "1.0.-1"), ("1a-1", "1.a-1")],
)
def test_differently_written_equal_versions_have_equal_keys(a, b):
    assert rpm_version_key(a) == rpm_version_key(b)


@pytest.mark.parametrize("version", ["", "1.0-", "-1", ":1", "a:1", "1:", "1.0 ", "1.0-1:2", "1:2:3", "\u0661", "1\n"])
def test_what_is_no_rpm_version_is_refused(version):
    with pytest.raises(InvalidVersionError, match="rpm version"):
        rpm_version_key(version)


def test_without_epochs_versions_are_compared_by_the_rest():
    assert epochless_version_key("1:2.0-1") == epochless_version_key("2.0-1")
    assert rpm_version_key("1:2.0-1") > rpm_version_key("3.0-1")
    assert epochless_version_key("1:2.0-1") < epochless_version_key("3.0-1")


def is_valid(version: str) -> bool:
    try:
        rpm_version_key(version)
    except InvalidVersionError:
        return False
    return True


def as_label(version: str) -> tuple[str, str, str | None]:
    """Epoch, version and release, taken apart as rpm's parseEVR does."""
    epoch, _, rest = version.rpartition(":")
    number, hyphen, release = rest.rpartition("-")
    return (epoch or "0", number, release) if hyphen else (epoch or "0", rest, None)


def test_the_order_is_rpms_own():
    pairs = list(pairs_to_compare(REAL, "0123456789abzAZ.+~^-_:", is_valid, count=PAIRS, seed=17))
    program = "def answer(pair):\n    return rpm.labelCompare(tuple(pair[0]), tuple(pair[1]))\n"
    answers = ask_system_python("rpm", program, [(as_label(a), as_label(b)) for a, b in pairs])
    keys = {version: rpm_version_key(version) for pair in pairs for version in pair}
    ours = [(keys[a] > keys[b]) - (keys[a] < keys[b]) for a, b in pairs]
    assert [pair for pair, mine, theirs in zip(pairs, ours, answers, strict=True) if mine != theirs] == []
    assert min(map(answers.count, (-1, 0, 1))) > PAIRS / 100
