"""What the scanner finds in the demonstration's images is what the catalogue says is in them."""

import io
import re
from functools import cache

import pytest

from deadlight.demo import catalogue
from deadlight.demo.images import BuiltImage, BuiltIndex
from deadlight.demo.packages import Debian, data
from deadlight.demo.recipes import AMD64, ARM64, BASE, DemoImage, build, sha256_of
from deadlight.model.observation import Grade
from deadlight.scanner import ExecutableIndex, FileIndex, ImageContents, Presence, image_analyzers, scan_layer, squash

NAMES = [image.reference.partition("/")[2] for image in catalogue.PUBLISHED]
_READ_WITH = image_analyzers()
UNOWNED = {"/usr/local/bin/python3.9", "/node_exporter"}


@cache
def built_for(image: DemoImage, architecture: str) -> BuiltImage:
    built = build(image)
    images = built.images if isinstance(built, BuiltIndex) else (built,)
    return next(each for each in images if each.platform.architecture == architecture)


@cache
def contents_of(image: DemoImage, architecture: str = "amd64") -> ImageContents:
    layers = built_for(image, architecture).layers
    return squash(
        [scan_layer(io.BytesIO(layer.content), digest=layer.digest, analyzers=_READ_WITH) for layer in layers]
    )


def debian_versions(state: Debian) -> dict[str, str]:
    text = (data() / "debian-12" / f"{state.value}.status").read_text()
    return dict(re.findall(r"^Package: (\S+)\n(?:.+\n)*?Version: (\S+)$", text, re.MULTILINE))


def expected_packages(image: DemoImage) -> set[tuple[str, str]]:
    contents = image.contents
    expected = {(item.name.lower().replace("_", "-"), item.version) for item in contents.distributions}
    if contents.debian:
        versions = debian_versions(contents.debian)
        expected |= {(name, versions[name]) for name in (*BASE, *contents.extra)}
    if contents.alpine:
        database = (data() / "alpine-3.19" / "installed").read_text()
        listed = (re.findall(rf"^{key}:(.*)$", database, re.MULTILINE) for key in "PV")
        expected |= set(zip(*listed, strict=True))
    return expected


@pytest.mark.parametrize("image", catalogue.PUBLISHED, ids=NAMES)
def test_the_scanner_finds_exactly_the_packages_of_the_catalogue(image: DemoImage):
    for platform in image.platforms:
        contents = contents_of(image, platform.architecture)
        assert {(item.package.name, item.package.version) for item in contents.packages} == expected_packages(image)
        assert contents.problems == ()


def test_distributions_are_told_from_their_release_files():
    assert contents_of(catalogue.CART).distribution == "Debian:12"
    assert contents_of(catalogue.BACKUP).distribution == "Alpine:v3.19"
    assert contents_of(catalogue.NODE_EXPORTER).distribution == ""


def test_source_packages_are_known_where_debian_names_them():
    sources = {item.package.name: item.package for item in contents_of(catalogue.IMPORT_WORKER).packages}
    assert (sources["libssl3"].source_name, sources["libssl3"].source_version) == ("openssl", "3.0.9-1")
    assert (sources["libuuid1"].source_name, sources["libuuid1"].source_version) == ("util-linux", "2.38.1-5")


@pytest.mark.parametrize("image", catalogue.PUBLISHED, ids=NAMES)
def test_what_sensors_are_to_see_belongs_to_packages_of_the_image(image: DemoImage):
    for platform in image.platforms:
        index = FileIndex.of(contents_of(image, platform.architecture))
        for use in (*image.uses, *image.later):
            path = use.on(platform.architecture).path
            assert (not index.find(path)) == (path in UNOWNED), f"{path} in {image.reference} on {platform}"


@pytest.mark.parametrize("image", catalogue.PUBLISHED, ids=NAMES)
def test_every_image_executes_something_with_its_arguments(image: DemoImage):
    executed = [use for use in image.uses if use.grade is Grade.EXECUTED]
    assert executed
    assert all(use.arguments for use in executed)


@pytest.mark.parametrize("image", catalogue.ALL, ids=[image.reference for image in catalogue.ALL])
def test_sensors_tell_of_every_program_the_hash_that_the_scanner_finds(image: DemoImage):
    for platform in image.platforms:
        index = ExecutableIndex.of(contents_of(image, platform.architecture))
        for use in (use for use in (*image.uses, *image.later) if use.grade is Grade.EXECUTED):
            file = index.find(use.path)
            assert file.presence is Presence.HASHED
            assert sha256_of(image.contents, use.path, platform.architecture) == file.sha256


def test_what_an_image_lacks_has_no_hash():
    assert sha256_of(catalogue.NODE_EXPORTER.contents, "/bin/sh", "amd64") == ""


def test_images_are_the_same_to_the_byte_each_time():
    assert build(catalogue.CHECKOUT) == build(catalogue.CHECKOUT)


def test_builds_under_one_tag_differ():
    for one, other in (
        (catalogue.CHECKOUT, catalogue.CHECKOUT_OVERWRITTEN),
        (catalogue.STOREFRONT, catalogue.STOREFRONT_NEXT),
        (catalogue.INDEXER, catalogue.INDEXER_HOTFIX),
    ):
        assert one.reference == other.reference
        assert build(one) != build(other)


def test_images_of_one_base_share_its_layer():
    layers = {built_for(image, "amd64").layers[0].digest for image in (catalogue.CART, catalogue.GATEWAY)}
    assert len(layers) == 1


def test_some_images_are_for_two_platforms():
    both = [image for image in catalogue.PUBLISHED if image.platforms == (AMD64, ARM64)]
    assert len(both) >= 3
    for image in both:
        built = build(image)
        assert isinstance(built, BuiltIndex)
        assert len({each.manifest.digest for each in built.images}) == 2


def test_published_images_name_who_built_them_and_from_what():
    for image in catalogue.PUBLISHED:
        config = built_for(image, "amd64").config.content.decode()
        assert image.owner in config
        assert f"https://git.company.demo/{image.repository}" in config
        assert re.search(r'"org.opencontainers.image.revision":"[0-9a-f]{40}"', config)
