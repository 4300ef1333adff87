import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.ecosystems import ECOSYSTEMS, Distribution, identify_distribution, parse_os_release


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n',
            Distribution("Debian:12", "debian", "debian-12"),
        ),
        (b"ID=alpine\nVERSION_ID=3.19.1\n", Distribution("Alpine:v3.19", "alpine", "alpine-3.19")),
        (
            b'ID=ubuntu\nVERSION="22.04.4 LTS (Jammy Jellyfish)"\nVERSION_ID="22.04"',
            Distribution("Ubuntu:22.04:LTS", "ubuntu", "ubuntu-22.04"),
        ),
        (b"ID=debian\n", Distribution("Debian", "debian", "debian")),
        (b"ID='kali'\nVERSION_ID=2024.1\n", Distribution("", "kali", "kali-2024.1")),
        (b"# ID=debian\nnonsense\n", Distribution("", "unknown", "")),
    ],
)
def test_a_distribution_is_named_as_osv_does(content, expected):
    assert identify_distribution(parse_os_release(content), ECOSYSTEMS) == expected


@given(st.binary(max_size=200))
def test_any_bytes_give_a_distribution(content):
    assert isinstance(identify_distribution(parse_os_release(content), ECOSYSTEMS), Distribution)
