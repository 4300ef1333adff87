import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ecosystems.catalogued import golden

from deadlight.ecosystems.java_names import Coordinates, name_archive, parse_manifest, parse_properties


def test_an_artifact_says_who_it_is():
    text = b"#Generated\n#Mon\nversion=2.0.9\r\ngroupId=org.slf4j\nartifactId = slf4j-api\n"
    assert parse_properties(text) == [Coordinates("org.slf4j", "slf4j-api", "2.0.9")]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"groupId=a\nartifactId=b\n",
        b"groupId=a\nartifactId=b\nversion=${project.version}\n",
        b"groupId=a\nartifactId=b c\nversion=1\n",
        b"groupId=a\nartifactId=b\nversion=1 2\n",
    ],
)
def test_properties_that_are_incomplete_name_nothing(text):
    assert parse_properties(text) == []


def test_a_manifest_ends_at_its_first_empty_line_and_its_long_lines_go_on():
    assert parse_manifest(golden("log4j-api.MANIFEST.MF")) == {
        "Implementation-Vendor-Id": "org.apache.logging.log4j",
        "Implementation-Version": "2.17.1",
        "Bundle-SymbolicName": "org.apache.logging.log4j.api",
        "Bundle-Version": "2.17.1",
    }


@pytest.mark.parametrize(
    ("file", "artifact", "version"),
    [
        ("guava-31.1-jre.jar", "guava", "31.1-jre"),
        ("log4j-1.2-api-2.19.0.jar", "log4j-1.2-api", "2.19.0"),
        ("app-1.0-20240102.030405-1.jar", "app", "1.0-20240102.030405-1"),
        ("spring-core-5.3.0.RELEASE.jar", "spring-core", "5.3.0.RELEASE"),
        ("WEB-INF/lib/a-1.0-SNAPSHOT.jar", "a", "1.0-SNAPSHOT"),
        ("netty-4.1.0-linux-x86_64.jar", "", ""),
        ("app.jar", "", ""),
        ("", "", ""),
    ],
)
def test_a_file_name_tells_artifact_and_version(file, artifact, version):
    assert name_archive(file, {}) == Coordinates("", artifact, version)


@pytest.mark.parametrize(
    ("file", "manifest", "expected"),
    [
        (
            "slf4j-api-2.0.9.jar",
            {"Bundle-SymbolicName": "org.slf4j.api", "Bundle-Version": "2.0.9"},
            ("org.slf4j", "slf4j-api", "2.0.9"),
        ),
        (
            "guava-31.1-jre.jar",
            {"Bundle-SymbolicName": "com.google.guava", "Bundle-Version": "31.1.0.jre"},
            ("com.google.guava", "guava", "31.1-jre"),
        ),
        (
            "guava.jar",
            {"Bundle-SymbolicName": "com.google.guava", "Bundle-Version": "31.1.0"},
            ("com.google.guava", "guava", "31.1.0"),
        ),
        (
            "spring-core.jar",
            {"Implementation-Version": "5.3.1", "Implementation-Vendor-Id": "org.springframework"},
            ("org.springframework", "spring-core", "5.3.1"),
        ),
        (
            "maven-core-3.9.0.jar",
            {"Bundle-SymbolicName": "org.apache.maven.core;singleton:=true", "Implementation-Version": "3.9.0"},
            ("org.apache.maven", "maven-core", "3.9.0"),
        ),
        ("a-1.jar", {"Implementation-Version": "${version}"}, ("", "a", "1")),
        ("a-1.jar", {"Bundle-SymbolicName": "unrelated.name"}, ("", "a", "1")),
    ],
)
def test_a_manifest_tells_group_and_version(file, manifest, expected):
    assert name_archive(file, manifest) == Coordinates(*expected)


@given(path=st.text(max_size=60), manifest=st.dictionaries(st.sampled_from(["Bundle-SymbolicName"]), st.text()))
def test_no_name_makes_it_raise(path, manifest):
    found = name_archive(path, manifest)
    assert bool(found.artifact) == bool(found.version)


@given(st.binary(max_size=200))
def test_no_text_makes_it_raise(content):
    parse_manifest(content)
    parse_properties(content)
