import itertools
import platform
import random
import subprocess
import tarfile
from pathlib import Path

import pytest

from deadlight.ecosystems import InvalidVersionError
from deadlight.ecosystems.alpine import ALPINE, alpine_version_key

ARCHIVE = Path(__file__).parents[2] / "../shared/data/images/alpine-3.11.tar.gz"


@pytest.mark.parametrize(
    "ascending",
    [
        [
            "1.0_alpha",
            "1.0_alpha2",
            "1.0_beta",
            "1.0_pre1",
            "1.0_rc1",
            "1.0",
            "1.0-r0",
            "1.0-r1",
            "1.0_git20240101",
            "1.0_p1",
        ],
        ["1.2", "1.2a", "1.2b", "1.2.0", "1.2.1", "1.10"],
        ["1.001", "1.01", "1.1"],
        ["2.0_rc1", "2.0_rc1-r1", "2.0_rc1_p1"],
        ["1.0~0abc", "1.0~0abd", "1.0_p0"],
    ],
)
def test_apk_order_by_example(ascending):
    keys = [alpine_version_key(version) for version in ascending]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    "version", ["", "a", "1.", ".1", "1.0_gamma", "1.0ab", "1-1", "1.0-r", "1.0-r1-r2", "1 ", "v1", "1a2"]
)
def test_what_is_not_an_apk_version_is_refused(version):
    with pytest.raises(InvalidVersionError, match="Alpine version"):
        alpine_version_key(version)


@pytest.fixture(scope="module")
def apk(tmp_path_factory) -> list[str]:
    """The command line of Alpine 3.11's own apk, taken out of the real image."""
    if not ARCHIVE.exists():
        pytest.skip(f"{ARCHIVE} is not there: Alpine's own apk cannot be asked")
    if platform.machine() != "x86_64":
        pytest.skip("Alpine's apk in the real image is built for x86_64")
    folder = tmp_path_factory.mktemp("alpine")
    wanted = ("lib/ld-musl-x86_64.so.1", "lib/libcrypto.so.1.1", "lib/libssl.so.1.1", "lib/libz.so.1.2.11", "sbin/apk")
    with tarfile.open(ARCHIVE) as image:
        (layer,) = (name for name in image.getnames() if name.endswith("layer.tar"))
        with tarfile.open(fileobj=image.extractfile(layer)) as files:
            for name in wanted:
                files.extract(name, folder, filter="data")
    (folder / "lib/libz.so.1").symlink_to("libz.so.1.2.11")
    loader = folder / "lib/ld-musl-x86_64.so.1"
    return [str(loader), "--library-path", str(folder / "lib"), str(folder / "sbin/apk"), "version", "--test"]


def test_the_order_is_apks_own(apk):
    """Where apk-tools 2.10 and 3 agree: without leading zeros and commit hashes, which only the newer one knows."""
    chance = random.Random(7)
    numbers = ["1", "2", "10", "3.1", "1.2.3", "1.10", "20240101"]
    tails = [
        "",
        "a",
        "b",
        "_alpha",
        "_alpha1",
        "_beta2",
        "_pre3",
        "_rc1",
        "_p1",
        "_p10",
        "_git20200101",
        "_rc1_p2",
        "_cvs",
        "_hg",
    ]
    revisions = ["", "-r0", "-r1", "-r10"]
    versions = ["".join(parts) for parts in itertools.product(numbers, tails, revisions)]
    ordered = sorted(chance.sample(versions, 250), key=alpine_version_key)
    for lower, higher in itertools.pairwise(ordered):
        answer = subprocess.run([*apk, lower, higher], capture_output=True, text=True, check=False)
        expected = "<" if alpine_version_key(lower) < alpine_version_key(higher) else "="
        assert (lower, higher, answer.stdout.strip()) == (lower, higher, expected)


@pytest.mark.parametrize(
    ("version_id", "release"), [("3.19.1", "v3.19"), ("3.11.5", "v3.11"), ("3.20_alpha20240329", "edge"), ("", "")]
)
def test_releases_are_named_as_osv_does(version_id, release):
    assert ALPINE.os_release is not None
    assert ALPINE.os_release({"VERSION_ID": version_id}) == release
