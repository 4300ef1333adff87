import pytest

from deadlight.ecosystems.suse import OPENSUSE, SUSE


@pytest.mark.parametrize(
    ("release", "matched_as"),
    [
        ("Linux Enterprise Server 15 SP5", "Linux Enterprise Server 15 SP5"),
        ("Linux Enterprise Module for Basesystem 15 SP5", "Linux Enterprise Server 15 SP5"),
        ("Linux Enterprise Server for SAP Applications 15 SP4", "Linux Enterprise Server 15 SP4"),
        ("Linux Enterprise Server 15 SP4-LTSS", "Linux Enterprise Server 15 SP4"),
        ("Linux Enterprise High Performance Computing 15 SP3-ESPOS", "Linux Enterprise Server 15 SP3"),
        ("Linux Enterprise Server 12 SP5-LTSS-EXTENDED", "Linux Enterprise Server 12 SP5"),
        ("Linux Enterprise Server 16.0", "Linux Enterprise Server 16.0"),
        ("Linux Enterprise Micro 5.5", "Linux Enterprise Micro 5.5"),
        ("Manager Server 4.3", "Manager Server 4.3"),
        ("", ""),
    ],
)
def test_products_and_modules_of_one_service_pack_are_one_release(release, matched_as):
    assert SUSE.normalise_release is not None
    assert SUSE.normalise_release(release) == matched_as


@pytest.mark.parametrize(
    ("row", "pretty_name", "release"),
    [
        (SUSE, "SUSE Linux Enterprise Server 15 SP5", "Linux Enterprise Server 15 SP5"),
        (SUSE, "SUSE Linux Enterprise Desktop 15 SP5", "Linux Enterprise Server 15 SP5"),
        (SUSE, "SUSE Linux Enterprise Micro 5.5", "Linux Enterprise Micro 5.5"),
        (OPENSUSE, "openSUSE Leap 15.5", "Leap 15.5"),
        (OPENSUSE, "openSUSE Tumbleweed", "Tumbleweed"),
        (OPENSUSE, "", ""),
    ],
)
def test_releases_are_named_as_osv_does(row, pretty_name, release):
    assert row.os_release is not None
    assert row.os_release({"PRETTY_NAME": pretty_name}) == release
