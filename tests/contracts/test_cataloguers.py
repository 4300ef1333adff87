"""What every way of reading packages must do, held against each cataloguer and small images written for it.

A folder of `catalogues` is one such image: `image/` has the files as they lie in it, `expected.json` names the
cataloguer and what it must find. A new cataloguer needs at least one.
"""

import io
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packageurl import PackageURL
from tests.scanner.layer_builder import LayerBuilder

from deadlight.ecosystems import (
    CATALOGUERS,
    ECOSYSTEMS,
    Catalogue,
    Cataloguer,
    Distribution,
    Document,
    find_ecosystem,
    identify_distribution,
    parse_os_release,
)
from deadlight.model.package import InstalledPackage
from deadlight.scanner import scan_layer, squash

IMAGES = Path(__file__).parent / "catalogues"
OS_RELEASE = "etc/os-release"
LAYER = "sha256:1"

NEVER_WANTED = (
    "",
    "etc/passwd",
    "etc/os-release",
    "usr/bin/python3.11",
    "usr/share/doc/bash/README",
    "var/lib/dpkg/lock",
    "var/lib/rpm/.rpm.lock",
    "home/user/var/lib/dpkg/status",
    "a/" * 2_000,
)


@dataclass(frozen=True)
class Golden:
    """One image, and what must be found in it."""

    name: str
    files: dict[str, bytes]
    expected: dict[str, Any]

    @property
    def cataloguer(self) -> Cataloguer:
        (found,) = (row for row in CATALOGUERS if row.name == self.expected["cataloguer"])
        return found

    @property
    def distribution(self) -> Distribution:
        return identify_distribution(parse_os_release(self.files.get(OS_RELEASE, b"")), ECOSYSTEMS)

    @property
    def documents(self) -> dict[str, Document]:
        return {
            path: Document(self._kept(content), LAYER) for path, content in self.files.items() if path != OS_RELEASE
        }

    def _kept(self, content: bytes) -> bytes:
        """What a layer's pass keeps of a file."""
        kept = self.cataloguer.excerpt.take(memoryview(content)) if self.cataloguer.excerpt else content
        assert kept is not None
        return kept

    def layer(self) -> LayerBuilder:
        """An archive of the files; everything may be executed, for programs are known by that."""
        layer = LayerBuilder()
        for path, content in self.files.items():
            layer.file(path, content, mode=0o755)
        return layer

    def catalogue(self, documents: dict[str, Document] | None = None) -> Catalogue:
        return self.cataloguer.catalogue(self.documents if documents is None else documents, self.distribution)


def golden(folder: Path) -> Golden:
    root = folder / "image"
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
    return Golden(folder.name, files, json.loads((folder / "expected.json").read_text()))


GOLDEN = [golden(folder) for folder in sorted(IMAGES.iterdir())]
each_image = pytest.mark.parametrize("image", GOLDEN, ids=lambda image: image.name)


def described(item: InstalledPackage) -> dict[str, Any]:
    """A package as `expected.json` writes it."""
    package = item.package
    return {
        "ecosystem": package.ecosystem,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        "source": f"{package.source_name} {package.source_version}",
        "architecture": package.architecture,
        "location": item.location,
        "files": list(item.files),
    }


def full_name(purl: PackageURL) -> str:
    """As advisories write it: a language's package with its namespace, a distribution's without."""
    namespace = "" if purl.type in {"deb", "apk", "rpm"} else purl.namespace or ""
    return (":" if purl.type == "maven" else "/").join(part for part in (namespace, purl.name) if part)


def identities(catalogue: Catalogue) -> set[tuple[str, str]]:
    return {(item.package.name, item.package.version) for item in catalogue.packages}


def test_every_cataloguer_has_a_golden_image():
    assert {image.expected["cataloguer"] for image in GOLDEN} == {cataloguer.name for cataloguer in CATALOGUERS}


@pytest.mark.req("A8")
@each_image
def test_the_golden_packages_are_found(image: Golden):
    found = image.catalogue()
    assert [described(item) for item in found.packages] == image.expected["packages"]
    needs = {name: sorted(names) for name, names in found.requirements.items()}
    assert needs == image.expected.get("requirements", {})
    assert found.problems == ()


@each_image
def test_what_is_read_is_asked_for_and_little_else(image: Golden):
    by_mode = image.cataloguer.excerpt is not None and image.cataloguer.excerpt.executables
    assert [path for path in image.documents if not (by_mode or image.cataloguer.wants(path))] == []
    assert [path for path in NEVER_WANTED if image.cataloguer.wants(path)] == []


@each_image
def test_the_order_of_documents_changes_nothing_but_the_order(image: Golden):
    turned = image.catalogue(dict(reversed(image.documents.items())))
    assert sorted(map(repr, turned.packages)) == sorted(map(repr, image.catalogue().packages))
    assert turned.requirements == image.catalogue().requirements


@each_image
def test_packages_are_named_as_advisories_and_purls_name_them(image: Golden):
    for item in image.catalogue().packages:
        package = item.package
        row = find_ecosystem(package.ecosystem)
        assert row is not None
        assert row.cataloguer is image.cataloguer
        assert row.normalise_name(package.name) == package.name
        assert row.version_key(package.version) == row.version_key(package.version)
        assert row.version_key(package.source_version)
        purl = PackageURL.from_string(package.purl)
        assert (purl.type, row.normalise_name(full_name(purl))) == (row.purl_type, package.name)
        assert purl.version == package.version.rpartition(":")[2] or purl.version == package.version
        assert purl.to_string() == package.purl


@each_image
def test_packages_say_where_they_were_found(image: Golden):
    for item in image.catalogue().packages:
        assert item.location in image.documents
        assert item.layer_digest == LAYER
        assert all(path.startswith("/") for path in item.files)
        assert len(set(item.files)) == len(item.files)


@each_image
def test_nothing_is_found_in_nothing(image: Golden):
    assert image.catalogue({}) == Catalogue()


@each_image
def test_packages_of_an_unknown_distribution_are_found_and_matched_with_none(image: Golden):
    found = image.cataloguer.catalogue(image.documents, Distribution())
    assert identities(found) == identities(image.catalogue())
    for item in found.packages:
        assert (item.package.ecosystem == "") is image.cataloguer.operating_system
        assert full_name(PackageURL.from_string(item.package.purl)).lower() == item.package.name.lower()


@each_image
@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), changes=st.integers(1, 30))
def test_damage_raises_nothing_and_is_named_with_its_place(image: Golden, seed: int, changes: int):
    chance = random.Random(seed)
    documents = {}
    for path, document in image.documents.items():
        content = bytearray(document.content)
        for _ in range(min(changes, len(content))):
            content[chance.randrange(len(content))] = chance.choice((0, 10, 32, 45, 58, 255, chance.randrange(256)))
        documents[path] = Document(bytes(content), LAYER)
    for problem in image.catalogue(documents).problems:
        assert any(path in problem for path in documents)
        assert LAYER in problem


@each_image
@pytest.mark.parametrize("filler", [b"\0", b"\n", b"\xff", b"A:", b"a,b,c\n", b"\t", b"[", b'"'])
def test_much_of_nothing_is_read_in_no_time(image: Golden, filler: bytes):
    for path, document in image.documents.items():
        for content in (filler * (300_000 // len(filler)), document.content + filler * 100_000):
            found = image.catalogue(image.documents | {path: Document(content, LAYER)})
            assert all(isinstance(problem, str) for problem in found.problems)


@pytest.mark.parametrize(
    "image", [image for image in GOLDEN if image.cataloguer.operating_system], ids=lambda image: image.name
)
def test_a_database_cut_short_invents_no_package(image: Golden):
    whole = identities(image.catalogue())
    for path, document in image.documents.items():
        for cut in range(0, len(document.content), max(1, len(document.content) // 60)):
            found = image.catalogue(image.documents | {path: Document(document.content[:cut], LAYER)})
            assert identities(found) <= whole


@pytest.mark.req("A8")
@each_image
def test_an_image_with_these_files_has_these_packages(image: Golden):
    contents = squash([image.layer().scan(LAYER)])
    assert contents.distribution == image.distribution.ecosystem
    assert contents.problems == ()
    assert {item.package for item in contents.packages} == {item.package for item in image.catalogue().packages}


@each_image
def test_what_a_later_layer_removes_is_gone(image: Golden):
    above = LayerBuilder()
    for path in image.documents:
        above.whiteout(path)
    upper = scan_layer(io.BytesIO(above.to_tar()), digest="sha256:2")
    assert squash([image.layer().scan(LAYER), upper]).packages == ()
