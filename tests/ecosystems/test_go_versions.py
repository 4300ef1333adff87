import random
from functools import partial

import pytest
from tests.ecosystems.order_oracles import assert_ascending, assert_same_order, go, variations

from deadlight.ecosystems import InvalidVersionError
from deadlight.ecosystems.go_versions import go_version_key, module_version_of_toolchain


def made(chance: random.Random) -> str:
    core = "v" + ".".join(str(chance.choice([0, 1, 2, 10])) for _ in range(3))
    commit = f"{chance.choice([20240101, 20240102, 20251231])}150405-{chance.choice(['abcdef123456', '0123456789ab'])}"
    pre_release = chance.choice(["", "", "-rc.1", "-rc.2", "-beta", f"-{commit}", f"-0.{commit}", f"-rc.1.0.{commit}"])
    return core + pre_release + chance.choice(["", "", "+incompatible"])


def test_the_order_is_gos_own(tmp_path):
    oracle = partial(go, workspace=tmp_path)
    assert_same_order(go_version_key, oracle, variations(made, (*"v0129.-+ab", "rc"), seed=3))


def test_a_pseudo_version_lies_between_the_tags_around_its_commit():
    assert_ascending(
        go_version_key,
        "v0.0.0-20190109021931-daa7c04131f5",
        "v0.0.0-20240109021931-000000000000",
        "v1.2.3",
        "v1.2.4-0.20240109021931-daa7c04131f5",
        "v1.2.4-rc.1",
        "v1.2.4-rc.1.0.20240109021931-daa7c04131f5",
        "v1.2.4",
    )


def test_incompatible_says_nothing_about_the_order():
    assert go_version_key("v2.8.6+incompatible") == go_version_key("2.8.6")


@pytest.mark.parametrize("version", ["(devel)", "", "master", "v1.2.3.4"])
def test_what_is_no_module_version_is_refused(version):
    with pytest.raises(InvalidVersionError):
        go_version_key(version)


@pytest.mark.parametrize(
    ("toolchain", "version"),
    [
        ("go1.22.3", "1.22.3"),
        ("go1.22", "1.22.0"),
        ("go1.22rc1", "1.22.0-rc.1"),
        ("go1.21beta2", "1.21.0-beta.2"),
        ("go1", "1.0.0"),
        ("go1.22.3 X:boringcrypto", "1.22.3"),
        ("go1.22.3-custom", "1.22.3"),
    ],
)
def test_the_standard_library_has_the_version_of_its_toolchain(toolchain, version):
    assert module_version_of_toolchain(toolchain) == version
    go_version_key(version)


@pytest.mark.parametrize("toolchain", ["devel go1.23-a1b2c3", "", "go", "go1.x", "1.22.3", "go1.22.3\n"])
def test_what_is_no_release_of_go_is_refused(toolchain):
    with pytest.raises(InvalidVersionError, match="not a release of Go"):
        module_version_of_toolchain(toolchain)
