import pytest

from deadlight.ecosystems.azure_linux import AZURE_LINUX


@pytest.mark.parametrize(("version_id", "release"), [("2.0", "2"), ("3.0", "3"), ("", "")])
def test_releases_are_numbered_as_osv_does(version_id, release):
    assert AZURE_LINUX.os_release is not None
    assert AZURE_LINUX.os_release({"VERSION_ID": version_id}) == release
    assert AZURE_LINUX.normalise_release is not None
    assert AZURE_LINUX.normalise_release(version_id) == release


def test_an_epoch_that_advisories_leave_out_is_not_compared():
    assert AZURE_LINUX.version_key("1:2.0-1.cm2") < AZURE_LINUX.version_key("2.0-2")
