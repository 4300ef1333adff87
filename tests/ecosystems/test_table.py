"""What holds for every row of the table."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.pieces import texts_of

from deadlight.ecosystems import (
    CATALOGUERS,
    ECOSYSTEMS,
    Cataloguer,
    Distribution,
    Document,
    Ecosystem,
    InvalidVersionError,
    find_ecosystem,
)

each_ecosystem = pytest.mark.parametrize("ecosystem", ECOSYSTEMS, ids=lambda row: row.name)
each_cataloguer = pytest.mark.parametrize("cataloguer", CATALOGUERS, ids=lambda row: row.name)

NUMBERS = [*map(str, range(13)), "00", "01", "010"]
WORDS = [*".-~+_:!", "a", "b", "rc", "alpha", "p", "post", "dev", "-r", "git", "z", "A"]
versions = texts_of([*NUMBERS, *WORDS], max_size=9)


def key_or_none(ecosystem: Ecosystem, version: str):
    try:
        return ecosystem.version_key(version)
    except InvalidVersionError:
        return None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Debian", "Debian"),
        ("Debian:12", "Debian"),
        ("Ubuntu:22.04:LTS", "Ubuntu"),
        ("Alpine:v3.19", "Alpine"),
        ("PyPI", "PyPI"),
        ("npm", "npm"),
        ("Hex", None),
        ("Red Hat:enterprise_linux:9::appstream", "Red Hat"),
        ("SUSE:Linux Enterprise Server 15 SP5", "SUSE"),
        ("", None),
        ("debian", None),
    ],
)
def test_a_row_is_found_by_osv_name_with_or_without_release(name, expected):
    row = find_ecosystem(name)
    assert (row.name if row else None) == expected


def test_every_cataloguer_is_listed_once():
    names = [cataloguer.name for cataloguer in CATALOGUERS]
    assert sorted(set(names)) == sorted(names)


@each_ecosystem
@settings(max_examples=150)
@given(data=st.data())
def test_keys_are_totally_ordered(ecosystem, data):
    keys = [key for key in (key_or_none(ecosystem, data.draw(versions)) for _ in range(4)) if key is not None]
    for a in keys:
        assert a == a  # noqa: PLR0124 - equality itself is what is tested
        for b in keys:
            assert (a < b) + (a == b) + (b < a) == 1
            for c in keys:
                assert not (a < b < c) or a < c


@each_ecosystem
@given(text=st.text(max_size=40) | versions)
def test_a_version_key_raises_nothing_but_its_own_error(ecosystem, text):
    key = key_or_none(ecosystem, text)
    assert key is None or key == ecosystem.version_key(text)


@each_ecosystem
@pytest.mark.parametrize("version", ["1" * 600, "1." * 40_000, ""])
def test_absurd_versions_are_refused_at_once(ecosystem, version):
    with pytest.raises(InvalidVersionError):
        ecosystem.version_key(version)


@each_ecosystem
@given(release=st.text(max_size=30) | st.sampled_from(["enterprise_linux:9::appstream", "3.0", "3.0.0"]))
def test_normalising_a_release_twice_changes_nothing(ecosystem, release):
    if ecosystem.normalise_release:
        once = ecosystem.normalise_release(release)
        assert ecosystem.normalise_release(once) == once


def test_no_two_rows_claim_the_same_distribution():
    claimed = [os_id for row in ECOSYSTEMS for os_id in row.os_ids]
    assert sorted(set(claimed)) == sorted(claimed)
    assert all(row.os_release for row in ECOSYSTEMS if row.os_ids)


@each_ecosystem
@given(name=st.text(alphabet="aB0-_.", min_size=1, max_size=12))
def test_normalising_a_name_twice_changes_nothing(ecosystem, name):
    assert ecosystem.normalise_name(ecosystem.normalise_name(name)) == ecosystem.normalise_name(name)


@each_cataloguer
@settings(max_examples=200)
@given(data=st.data())
def test_no_document_makes_a_cataloguer_raise(cataloguer: Cataloguer, data):
    paths = {
        "dpkg": [
            "var/lib/dpkg/status",
            "var/lib/dpkg/status.d/a",
            "var/lib/dpkg/diversions",
            "var/lib/dpkg/info/a.list",
        ],
        "apk": ["lib/apk/db/installed", "usr/lib/apk/db/installed"],
        "python": [
            "x/a-1.dist-info/METADATA",
            "x/a-1.dist-info/RECORD",
            "a.egg-info/PKG-INFO",
            "a.egg-info/SOURCES.txt",
            "b.egg-info",
            "EGG-INFO/requires.txt",
            "EGG-INFO/PKG-INFO",
        ],
        "rpm": [
            "var/lib/rpm/rpmdb.sqlite",
            "var/lib/rpm/rpmdb.sqlite-wal",
            "usr/lib/sysimage/rpm/Packages.db",
            "usr/share/rpm/Packages",
            "var/lib/rpmmanifest/container-manifest-2",
        ],
        "node": ["node_modules/a/package.json", "b/node_modules/@c/d/package.json", "package-lock.json", "e/yarn.lock"],
        "gem": [
            "g/specifications/a-1.gemspec",
            "lib/ruby/gems/3.3.0/specifications/default/b-1.gemspec",
            "g/extensions/x86_64-linux/3.3.0/a-1/gem.build_complete",
        ],
        "dotnet": ["app/a.deps.json"],
        "composer": ["vendor/composer/installed.json"],
        "go": ["usr/lib/a.so"],
        "rust": ["usr/lib/a.so.1"],
        "java": ["a.jar", "b/c.war", "d.ear"],
    }[cataloguer.name]
    assert all(cataloguer.wants(path) for path in paths)
    words = ["Package: a\n", "Version: 1\n", "Status: install ok installed\n", "P:a\n", "V:1\n", "F:a\n", "R:b\n"]
    words += [
        "Name: a\n",
        "Requires-Dist: b>1\n",
        "\n",
        "\n\n",
        "/a\n",
        "a,b,c\n",
        '"',
        ",",
        "../../x\n",
        "\0",
        "é",
        *'{}[]"',
        *(
            '"name":"a"',
            '"version":"1"',
            '"packages":',
            '"dependencies":',
            '"node_modules/a":',
            '"a@1":\n  version "1"\n',
        ),
        *(
            '"libraries":',
            '"a/1":',
            '"type":"package"',
            '"install-path":"../a/b"',
            '"name":"a/b"',
            "[" * 5_000,
            '{"a":' * 5_000,
        ),
        *('"archives":[', '["","a","1"]', '"artifacts":[', '"path":""', '"manifest":{}', '"problems":[]'),
        *("go1.22\n", "dep\ta\tv1\n", "=>\tb\tv2\n", "mod\t", "\t"),
        *("# stub: a 1 ruby lib\n", 's.name = "a"\n', 's.version = "1"\n', 's.files = ["lib/a.rb"]\n'),
        ":",
    ]
    content = st.binary(max_size=60) | texts_of(words, max_size=12).map(str.encode)
    documents = {path: Document(data.draw(content), "sha256:1") for path in paths}
    catalogue = cataloguer.catalogue(documents, Distribution("Debian:12", "debian", "debian-12"))
    assert all(isinstance(problem, str) for problem in catalogue.problems)
    assert all(package.package.name and package.package.version for package in catalogue.packages)
