import pytest

from deadlight.ecosystems.ubuntu import UBUNTU


@pytest.mark.parametrize(
    ("version_id", "version", "release"),
    [
        ("22.04", "22.04.4 LTS (Jammy Jellyfish)", "22.04:LTS"),
        ("23.10", "23.10 (Mantic Minotaur)", "23.10"),
        ("", "", ""),
    ],
)
def test_long_term_releases_carry_osvs_suffix(version_id, version, release):
    assert UBUNTU.os_release is not None
    assert UBUNTU.os_release({"VERSION_ID": version_id, "VERSION": version}) == release
