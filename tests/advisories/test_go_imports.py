import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.advisories import go_imports
from deadlight.advisories.findings import find_vulnerabilities
from deadlight.advisories.osv import parse_advisory
from deadlight.model.package import Package
from deadlight.model.vulnerability import VulnerableImport

PARSE = {"path": "example.com/html", "symbols": ["Parse", "Node.Walk"]}
WINDOWS = {"path": "example.com/html/dos", "goos": ["windows"], "goarch": ["amd64"], "symbols": None}
SHOP = Package("Go", "example.com/html", "v0.3.0", "", source_name="example.com/html", source_version="v0.3.0")


def record(*imports: Any, id_: str = "GO-2026-0001", ecosystem: str = "Go", **fields: Any) -> bytes:
    affected = [
        {
            "package": {"ecosystem": ecosystem, "name": "example.com/html"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": f"0.{4 + number}.0"}]}],
            "ecosystem_specific": {"imports": said},
        }
        for number, said in enumerate(imports)
    ]
    return json.dumps({"id": id_, "affected": affected, **fields}).encode()


def imports(*said: Any, **how: str) -> tuple[VulnerableImport, ...]:
    (entry,) = parse_advisory(record(*said, **how), "a").affected
    return entry.imports


def test_packages_functions_and_systems_are_read():
    assert imports([PARSE, WINDOWS]) == (
        VulnerableImport("example.com/html", ("Parse", "Node.Walk")),
        VulnerableImport("example.com/html/dos", (), ("windows",), ("amd64",)),
    )


def test_entries_for_one_module_are_taken_together():
    assert [item.path for item in imports([PARSE], [WINDOWS, PARSE])] == ["example.com/html", "example.com/html/dos"]
    assert imports([PARSE], None) == ()


@pytest.mark.parametrize("said", [None, [], {}, "all", [{}], [{"path": 1}], [{"path": "a", "symbols": "F"}], [None]])
def test_what_is_not_understood_means_all_of_the_module(said):
    assert imports(said) == ()


def test_more_than_the_bound_means_all_of_the_module(monkeypatch):
    monkeypatch.setattr(go_imports, "MAX_IMPORTS", 2)
    assert len(imports([{"path": "a"}, {"path": "b"}])) == 2
    assert imports([{"path": "a"}, {"path": "b"}, {"path": "c"}]) == ()


def test_other_ecosystems_have_none():
    assert imports([PARSE], ecosystem="crates.io") == ()


def test_a_finding_tells_what_each_record_says():
    advisory = record(None, id_="GHSA-1", aliases=["CVE-2026-1"])
    (found,) = find_vulnerabilities(
        [SHOP], [parse_advisory(record([PARSE], aliases=["CVE-2026-1"]), "a"), parse_advisory(advisory, "b")]
    )
    assert found.imports == {
        "GHSA-1": (),
        "GO-2026-0001": (VulnerableImport("example.com/html", ("Parse", "Node.Walk")),),
    }


_JSON = st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3))


@given(st.lists(st.dictionaries(st.sampled_from(["path", "symbols", "goos", "goarch"]), _JSON), max_size=3) | _JSON)
def test_nothing_that_a_record_says_there_spoils_it(said):
    assert isinstance(imports(said), tuple)
