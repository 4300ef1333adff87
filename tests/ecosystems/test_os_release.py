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
        (b'ID="almalinux"\nVERSION_ID="9.4"\n', Distribution("AlmaLinux:9", "almalinux", "almalinux-9")),
        (b'ID="rocky"\nVERSION_ID="8.9"\n', Distribution("Rocky Linux:8", "rocky", "rocky-8")),
        (b'ID="rhel"\nVERSION_ID="9.4"\n', Distribution("Red Hat:enterprise_linux:9", "rhel", "rhel-9.4")),
        (
            b'ID="sles"\nVERSION_ID="15.5"\nPRETTY_NAME="SUSE Linux Enterprise Server 15 SP5"\n',
            Distribution("SUSE:Linux Enterprise Server 15 SP5", "sles", "sles-15.5"),
        ),
        (
            b'ID="opensuse-leap"\nVERSION_ID="15.5"\nPRETTY_NAME="openSUSE Leap 15.5"\n',
            Distribution("openSUSE:Leap 15.5", "opensuse-leap", "opensuse-leap-15.5"),
        ),
        (b'ID=mariner\nVERSION_ID="2.0"\n', Distribution("Azure Linux:2", "mariner", "mariner-2.0")),
        (b'ID=azurelinux\nVERSION_ID="3.0"\n', Distribution("Azure Linux:3", "azurelinux", "azurelinux-3.0")),
        (b"ID=photon\nVERSION_ID=5.0\n", Distribution("Photon OS:5.0", "photon", "photon-5.0")),
        (b'ID="ol"\nVERSION_ID="9.4"\n', Distribution("", "ol", "ol-9.4")),
        (b'ID="centos"\nVERSION_ID="7"\n', Distribution("", "centos", "centos-7")),
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
