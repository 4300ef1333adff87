import itertools
import random
import shutil
import subprocess

import pytest
from tests.support.native_orders import PAIRS, ask_system_python, pairs_to_compare

from deadlight.ecosystems import InvalidVersionError
from deadlight.ecosystems.debian import DEBIAN, debian_version_key

REAL = (
    "2.36-9+deb12u3", "1:1.2.13.dfsg-1", "5.2.15-2+b2", "3.0.11-1~deb12u2", "252.19-1~deb12u1", "1.0~rc1-1", "0.4+git2",
    "7.88.1-10+deb12u5", "20230311", "1:9.2p1-2+deb12u1", "2:1.02.185-2", "1.18.4-dfsg+~0.1", "9.0.0-1", "10.0-1",
)  # fmt: skip


def mutated(version: str, chance: random.Random) -> str:
    characters = list(version)
    for _ in range(chance.randint(1, 3)):
        position = chance.randrange(len(characters) + 1)
        characters[position : position + chance.randint(0, 1)] = chance.choice("0123456789abz.+~-")
    return "".join(characters)


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("1.0~rc1", "1.0"),
        ("1.0", "1.0+b1"),
        ("1.0-1", "1.0-1+deb12u1"),
        ("1.9", "1.10"),
        ("9", "1:0"),
        ("1.0~~", "1.0~"),
        ("1.0a", "1.0."),
        ("1.0.dfsg~", "1.0.dfsg"),
    ],
)
def test_dpkg_order_by_example(lower, higher):
    assert debian_version_key(lower) < debian_version_key(higher)


@pytest.mark.parametrize(
    ("a", "b"), [("1.0", "1.0-0"), ("1.0", "0:1.0"), ("1.01", "1.1"), ("1.", "1.0"), ("1-a", "1-a0")]
)
def test_differently_written_equal_versions_have_equal_keys(a, b):
    assert debian_version_key(a) == debian_version_key(b)


@pytest.mark.parametrize("version", ["", "1.0-", ":1", "a:1", "1:", "-1", "1_0", "1.0 ", "1.0-1/2", "\u0661"])
def test_what_dpkg_refuses_is_refused(version):
    with pytest.raises(InvalidVersionError, match="Debian version"):
        debian_version_key(version)


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is not installed: its order cannot be asked")
def test_the_order_is_dpkgs_own():
    """Sorting 600 versions by key, dpkg agrees on each neighbouring pair, and so on all."""
    chance = random.Random(11)
    versions = {mutated(chance.choice(REAL), chance) for _ in range(900)} | set(REAL)
    known = {}
    for version in sorted(versions):
        try:
            known[version] = debian_version_key(version)
        except InvalidVersionError:
            continue
    ordered = sorted(known, key=known.__getitem__)[:600]
    pairs = [(a, "eq" if known[a] == known[b] else "lt", b) for a, b in itertools.pairwise(ordered)]
    script = 'while read -r a op b; do dpkg --compare-versions "$a" "$op" "$b" || echo "$a $op $b"; done'
    lines = "\n".join(" ".join(pair) for pair in pairs) + "\n"
    answer = subprocess.run(["sh", "-c", script], input=lines, capture_output=True, text=True, check=True)
    assert answer.stdout == ""
    assert len(pairs) > 500


def is_valid(version: str) -> bool:
    try:
        debian_version_key(version)
    except InvalidVersionError:
        return False
    return version[0].isdigit()


def test_the_order_is_apts_own():
    pairs = list(pairs_to_compare(REAL, "0123456789abzAZ.+~-:", is_valid, count=PAIRS, seed=5))
    program = "apt_pkg.init_system()\ndef answer(pair):\n    return apt_pkg.version_compare(*pair)\n"
    answers = ask_system_python("apt_pkg", program, pairs)
    keys = {version: debian_version_key(version) for pair in pairs for version in pair}
    ours = [(keys[a] > keys[b]) - (keys[a] < keys[b]) for a, b in pairs]
    assert [pair for pair, mine, theirs in zip(pairs, ours, answers, strict=True) if mine != theirs] == []
    assert min(map(answers.count, (-1, 0, 1))) > PAIRS / 100


@pytest.mark.parametrize(
    ("os_release", "release"),
    [
        ({"VERSION_ID": "12"}, "12"),
        ({"VERSION_CODENAME": "forky"}, "14"),
        ({"VERSION_CODENAME": "unheard-of"}, ""),
        ({}, ""),
    ],
)
def test_releases_are_numbered_as_osv_does(os_release, release):
    assert DEBIAN.os_release is not None
    assert DEBIAN.os_release(os_release) == release
