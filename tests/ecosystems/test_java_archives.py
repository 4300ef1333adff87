import time
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ecosystems.archive_builder import archive, manifest, properties
from tests.ecosystems.catalogued import purls
from tests.ecosystems.excerpted import catalogue_file, excerpt, versions

from deadlight.ecosystems import UnreadableFileError
from deadlight.ecosystems.java_archives import JAVA

SLF4J = archive(properties("org.slf4j", "slf4j-api", "2.0.9"))


def test_an_artifact_is_found_in_its_archive():
    found = catalogue_file(JAVA, "usr/share/java/slf4j-api.jar", SLF4J)
    assert purls(found) == ["pkg:maven/org.slf4j/slf4j-api@2.0.9"]
    (installed,) = found.packages
    assert (installed.package.ecosystem, installed.package.name) == ("Maven", "org.slf4j:slf4j-api")
    assert (installed.location, installed.files) == ("usr/share/java/slf4j-api.jar", ("/usr/share/java/slf4j-api.jar",))
    assert found.problems == ()


def test_every_artifact_merged_into_an_archive_is_found():
    shaded = archive(properties("a", "one", "1") | properties("b", "two", "2") | manifest(Implementation_Version="9"))
    assert versions(catalogue_file(JAVA, "x-9.jar", shaded)) == {"a:one": "1", "b:two": "2"}


def test_an_archive_without_properties_is_named_by_its_manifest_and_file():
    jar = archive(manifest(Bundle_SymbolicName="com.google.guava", Bundle_Version="31.1.0.jre"))
    assert versions(catalogue_file(JAVA, "lib/guava-31.1-jre.jar", jar)) == {"com.google.guava:guava": "31.1-jre"}
    assert versions(catalogue_file(JAVA, "lib/old-1.2.jar", archive({"A.class": b""}))) == {"old": "1.2"}


def test_an_applications_own_archive_without_a_version_is_no_package():
    assert catalogue_file(JAVA, "app/app.jar", archive(manifest(Main_Class="app.Main"))).packages == ()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archives_in_archives_are_found_and_belong_to_the_outer_file(method):
    war = archive({"WEB-INF/lib/slf4j-api-2.0.9.jar": SLF4J, "WEB-INF/lib/b-1.5.jar": archive({})}, method=method)
    ear = archive({"web.war": war, "lib/c-3.JAR": archive({})}, method=method)
    found = catalogue_file(JAVA, "opt/shop.ear", b"#!/bin/sh\n" + ear)
    assert versions(found) == {"org.slf4j:slf4j-api": "2.0.9", "b": "1.5", "c": "3"}
    assert {installed.files for installed in found.packages} == {("/opt/shop.ear",)}


def test_archives_are_looked_into_three_deep():
    nested = SLF4J
    for name in ("d-4", "c-3", "b-2", "a-1"):
        nested = archive({f"{name}.jar": nested})
    found = catalogue_file(JAVA, "x.jar", nested)
    assert versions(found) == {"a": "1", "b": "2", "c": "3"}
    assert found.problems == (
        "x.jar in layer sha256:1: !/a-1.jar!/b-2.jar!/c-3.jar!/d-4.jar lies more than 3 archives deep",
    )


def test_a_damaged_archive_inside_is_told_and_the_others_are_found():
    found = catalogue_file(JAVA, "x.war", archive({"a-1.jar": b"no archive", "b-2.jar": archive({})}))
    assert versions(found) == {"b": "2"}
    assert found.problems == ("x.war in layer sha256:1: !/a-1.jar is no zip archive, or was cut short",)


@pytest.mark.parametrize("content", [b"", b"no archive", SLF4J[:-10]])
def test_what_is_no_archive_is_refused(content):
    with pytest.raises(UnreadableFileError, match="zip archive"):
        excerpt(JAVA, content)


def test_an_archive_that_expands_without_end_is_left_alone():
    bomb = archive({f"{number}.jar": bytes(3_000_000) for number in range(20)})
    found = catalogue_file(JAVA, "x.jar", bomb)
    assert found.packages == ()
    assert any("zip bomb" in problem for problem in found.problems)


def test_an_archive_of_itself_comes_to_an_end():
    """Overlapping entries: every one stands for the same bytes."""
    jar = archive({"a-1.jar": SLF4J}, method=zipfile.ZIP_STORED)
    end = jar.rfind(b"PK\x05\x06")
    start = int.from_bytes(jar[end + 16 : end + 20], "little")
    entries = jar[start:end] * 20_000
    crowded = jar[:start] + entries + jar[end : end + 12] + len(entries).to_bytes(4, "little") + jar[end + 16 :]
    begin = time.monotonic()
    found = catalogue_file(JAVA, "x.jar", crowded)
    assert time.monotonic() - begin < 10
    assert versions(found) == {"org.slf4j:slf4j-api": "2.0.9"}
    assert any("more than 5000" in problem for problem in found.problems)


@given(data=st.data())
def test_damage_raises_nothing_but_the_readers_own_error(data):
    content = bytearray(archive(manifest(Implementation_Version="9") | {"lib/a.jar": SLF4J}, method=zipfile.ZIP_STORED))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = catalogue_file(JAVA, "x-1.jar", bytes(content))
    except UnreadableFileError:
        return
    assert all(installed.package.version for installed in found.packages)
