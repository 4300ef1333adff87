import pytest

from deadlight.ecosystems.red_hat import RED_HAT


@pytest.mark.parametrize(
    ("release", "matched_as"),
    [
        ("enterprise_linux:9::appstream", "enterprise_linux:9"),
        ("enterprise_linux:9::baseos", "enterprise_linux:9"),
        ("enterprise_linux:7::server", "enterprise_linux:7"),
        ("enterprise_linux:10.1", "enterprise_linux:10"),
        ("enterprise_linux:8", "enterprise_linux:8"),
        ("rhel_eus:9.2::baseos", "rhel_eus:9.2::baseos"),
        ("rhel_software_collections:3::el7", "rhel_software_collections:3::el7"),
    ],
)
def test_repositories_of_one_major_version_are_one_release(release, matched_as):
    assert RED_HAT.normalise_release is not None
    assert RED_HAT.normalise_release(release) == matched_as


@pytest.mark.parametrize(
    ("version_id", "release"), [("9.4", "enterprise_linux:9"), ("8", "enterprise_linux:8"), ("", "")]
)
def test_releases_are_named_as_osv_does(version_id, release):
    assert RED_HAT.os_release is not None
    assert RED_HAT.os_release({"VERSION_ID": version_id}) == release
