"""Whose a file is: the package's that brought it, or the image's builder's who changed it since."""

import io
import tarfile
from collections.abc import Sequence

import pytest

from deadlight.model.exposure import ExposureCategory
from deadlight.model.image import ImageSettings
from deadlight.scanner import (
    ExposureScanner,
    ExposureSetup,
    Judgement,
    KeptFile,
    LayerFacts,
    examine,
    exposure_analyzer,
    exposure_scanners,
    find_exposures,
    package_analyzers,
    scan_layer,
    squash,
)

SETUP = ExposureSetup()
PATH = "etc/acme/acme.env"
STATUS = (
    b"Package: acme\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n"
    b"Conffiles:\n /etc/acme/acme.env 0123456789abcdef0123456789abcdef\n\n"
)
INSTALLED = {
    "etc/os-release": b"ID=debian\nVERSION_ID=12\n",
    "var/lib/dpkg/status": STATUS,
    "var/lib/dpkg/info/acme.list": b"/.\n/etc\n/etc/acme\n/etc/acme/acme.env\n",
    PATH: b"# nothing\n",
}
SECRET = b"TOKEN=glpat-" + b"x7Kq2mZp9wRt4vBn8sLd\n"  # nothing that could be anybody's, in GitLab's form


def archive(files: dict[str, bytes]) -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    stream.seek(0)
    return stream


def layer(number: int, files: dict[str, bytes]) -> LayerFacts:
    analyzers = (*package_analyzers(), *map(exposure_analyzer, exposure_scanners(SETUP)))
    return scan_layer(archive(files), digest=f"sha256:{number:064}", analyzers=analyzers)


def secrets_of(*layers: dict[str, bytes]) -> list[tuple[str, bool]]:
    contents = squash([layer(number, files) for number, files in enumerate(layers)])
    assert [item.package.name for item in contents.packages] == ["acme"]
    category = ExposureCategory.SECRETS
    found = find_exposures(contents.examined, ImageSettings(), SETUP, [category])[category]
    return [(item.path, item.is_deleted) for item in found.exposures]


@pytest.mark.parametrize(
    ("upper", "is_own"),
    [
        ({PATH: SECRET}, True),
        ({PATH: SECRET, "app/main.py": b"pass\n"}, True),
        ({PATH: SECRET, "var/lib/dpkg/status": STATUS + b"\n"}, False),
    ],
    ids=["copied over", "copied with others", "upgraded"],
)
def test_a_packages_file_that_the_builder_replaced_is_the_builders(upper: dict[str, bytes], *, is_own: bool) -> None:
    assert secrets_of(INSTALLED, upper) == ([(f"/{PATH}", False)] if is_own else [])


def test_a_file_that_only_a_layer_without_the_database_has_is_its_packages() -> None:
    """Builders that spread packages over layers write the database into the last one."""
    rest = {path: content for path, content in INSTALLED.items() if path != PATH}
    assert secrets_of({PATH: SECRET}, rest) == []


def test_a_file_that_was_only_given_another_owner_stays_its_packages() -> None:
    before = {**INSTALLED, PATH: SECRET}
    assert secrets_of(before, {PATH: SECRET}) == []


def test_a_scanner_that_fails_on_a_file_takes_neither_packages_nor_other_files_along():
    def take(path: str, content: bytes) -> bytes:
        return content if path.endswith("good") else content[1_000_000].to_bytes()

    def judge(files: Sequence[KeptFile], _: ImageSettings) -> Judgement:
        return Judgement(problems=tuple(file.path for file in files))

    failing = ExposureScanner("failing", 1, ExposureCategory.SECRETS, lambda path: "app/" in path, take, judge)
    files = archive(INSTALLED | {"app/bad": b"x", "app/good": b"y"})
    facts = scan_layer(files, digest="sha256:1", analyzers=[*package_analyzers(), exposure_analyzer(failing)])
    contents = squash([facts])
    assert [package.package.name for package in contents.packages] == ["acme"]
    assert examine(failing, contents.examined, ImageSettings()).problems == (
        "app/bad in layer sha256:1: the scanner failing failed on it (IndexError)",
        "/app/good",
    )
