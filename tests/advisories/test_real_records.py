"""Real advisories, where the data folder lies beside the project."""

import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from tests.support.real_records import ALL, SHARE

from deadlight.advisories.advisory import Advisory, Affected, Bucket
from deadlight.advisories.aliases import AliasGroup, group_advisories
from deadlight.advisories.archive import read_advisories
from deadlight.advisories.delta import ChangeKind, iter_changes
from deadlight.advisories.document import Rejected, RejectionCause
from deadlight.advisories.match import match_package
from deadlight.advisories.version_keys import VersionKeys
from deadlight.advisories.vulnerability import merge
from deadlight.ecosystems import find_ecosystem
from deadlight.model.vulnerability import Severity

Index = dict[Bucket, list[tuple[str, Affected]]]


@pytest.fixture(scope="module")
def results(real_records_path: Path) -> list[Advisory | Rejected]:
    return list(read_advisories(real_records_path))


@pytest.fixture(scope="module")
def advisories(results: list[Advisory | Rejected]) -> list[Advisory]:
    return [result for result in results if isinstance(result, Advisory)]


@pytest.fixture(scope="module")
def groups(advisories: list[Advisory]) -> tuple[AliasGroup, ...]:
    return group_advisories(advisories)


@pytest.fixture(scope="module")
def index(advisories: list[Advisory]) -> Index:
    buckets: Index = defaultdict(list)
    for advisory in advisories:
        for entry in () if advisory.is_withdrawn else advisory.affected:
            buckets[entry.bucket].append((advisory.id, entry))
    return buckets


def test_every_record_is_read_or_rejected_for_a_reason(results: list[Advisory | Rejected]) -> None:
    causes = Counter(result.cause for result in results if isinstance(result, Rejected))

    assert set(causes) == {RejectionCause.NOT_SECURITY, RejectionCause.INVALID}
    assert causes.total() < 0.2 * len(results)
    if ALL:
        # 1,200 ALBA and ALEA errata, 273 RustSec notices; 307 records of a database that dates its records, not names
        # them.
        assert causes == {RejectionCause.NOT_SECURITY: 1_473, RejectionCause.INVALID: 307}
        assert len(results) == 27_779


def test_a_second_import_changes_nothing(advisories: list[Advisory]) -> None:
    stored = {
        change.advisory.id: change.advisory.content_hash
        for change in iter_changes({}, advisories)
        if change.kind is not ChangeKind.REPEATED
    }
    again = Counter(change.kind for change in iter_changes(stored, advisories))

    assert again.keys() == {ChangeKind.UNCHANGED, ChangeKind.REPEATED}
    assert again[ChangeKind.UNCHANGED] == len(stored)


@pytest.mark.req("D17")
def test_no_vulnerability_has_two_cves_and_every_cve_is_one_vulnerability(groups: tuple[AliasGroup, ...]) -> None:
    cves = Counter(name for group in groups for name in group.identifiers if name.startswith("CVE-"))

    assert len(cves) > 15_000 / SHARE
    assert set(cves.values()) == {1}
    assert all(sum(name.startswith("CVE-") for name in group.identifiers) <= 1 for group in groups)


@pytest.mark.req("D18")
def test_most_vulnerabilities_have_a_severity(groups: tuple[AliasGroup, ...]) -> None:
    sample = groups[::10]
    unknown = sum(merge(group).severity is Severity.UNKNOWN for group in sample)
    assert unknown < 0.4 * len(sample)


@pytest.mark.req("D20")
def test_every_fix_ends_its_advisorys_hold_on_the_package(index: Index, package) -> None:
    keys = VersionKeys()
    found = 0
    for (ecosystem, name), pairs in index.items():
        if find_ecosystem(ecosystem) is None:
            continue
        versions = {version for _, entry in pairs for version in (*entry.fixed_versions, *sorted(entry.versions)[:3])}
        for version in sorted(versions)[:6]:
            for match in match_package(package(ecosystem, name, version), pairs, keys).matches:
                found += 1
                own = [pair for pair in pairs if pair[0] == match.advisory_id]
                fixed = match_package(package(ecosystem, name, match.fix_version), own, keys)
                assert not match.fix_version or not fixed.matches or match.fix_version in own[0][1].versions
    assert found > 10_000 / SHARE


@pytest.mark.req("R3", "A8")
@pytest.mark.parametrize(
    ("ecosystem", "image", "least"), [("PyPI", "docker.io/python@", 1), ("AlmaLinux:8", "docker.io/almalinux@", 100)]
)
def test_labelled_vulnerabilities_whose_advisory_is_held_are_found(
    match_labels_path: Path, groups, index: Index, package, ecosystem: str, image: str, least: int
) -> None:
    if find_ecosystem(ecosystem) is None:
        pytest.skip(f"versions of {ecosystem} have no order yet")
    speaking_of = {name: {record.id for record in group.advisories} for group in groups for name in group.identifiers}
    keys = VersionKeys()
    outcomes: Counter[tuple[str, bool]] = Counter()
    for line in match_labels_path.read_text().splitlines():
        label = json.loads(line)
        if label["image"].startswith(image) and label["label"] in {"TP", "FP"}:
            held = [pair for pair in index[ecosystem, label["pkg"]] if pair[0] in speaking_of.get(label["cve"], ())]
            found = match_package(package(ecosystem, label["pkg"], label["ver"]), held, keys).matches
            if held:
                outcomes[label["label"], bool(found)] += 1

    true, missed, false = outcomes["TP", True], outcomes["TP", False], outcomes["FP", True]
    assert true >= least
    assert true / (true + missed) >= 0.95
    assert true / (true + false) >= 0.97
