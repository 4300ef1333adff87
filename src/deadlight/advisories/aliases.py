"""Many advisories, one flaw: which identifiers name the same vulnerability, and which of them people see.

An advisory usually speaks of one flaw under several names. Some speak of many flaws at once: a distribution's update
notice, or a record that lists several CVEs. Taking all names of such a bundle for one flaw would chain the CVEs of a
whole distribution together, so it takes part in the vulnerability of each CVE and joins none of them. Two CVE
identifiers are two flaws by the rules of their assignment.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from deadlight.advisories.advisory import Advisory

CVE_PATTERN = r"CVE-([0-9]{4})-([0-9]{4,19})"
"""Identifiers of the CVE list: year and number."""

_CVE = re.compile(CVE_PATTERN)


@dataclass(frozen=True, slots=True)
class AliasGroup:
    """One vulnerability: all names known for it, and the advisories that speak of it in order of their identifiers."""

    identifiers: frozenset[str]
    advisories: tuple[Advisory, ...]

    @property
    def id(self) -> str:
        """The name people see."""
        return display_id(self.identifiers)


def display_id(identifiers: Iterable[str]) -> str:
    """The identifier to show: the oldest CVE, else a GHSA, else the first of the rest.

    Raises:
        ValueError: without any identifier.
    """
    return min(identifiers, key=_preference)


def is_bundle(advisory: Advisory) -> bool:
    """Whether an advisory speaks of several flaws."""
    return len(_cves(advisory)) > 1


def identifier_sets(advisory: Advisory) -> tuple[frozenset[str], ...]:
    """One set for each vulnerability the advisory speaks of, holding the names it gives that one."""
    if is_bundle(advisory):
        return tuple(frozenset({cve}) for cve in sorted(_cves(advisory), key=_preference))
    return (frozenset(_names(advisory)),)


def unite(sets: Iterable[frozenset[str]]) -> tuple[frozenset[str], ...]:
    """Join sets that share an identifier, transitively; the results are disjoint and in order of their display_id."""
    group_of: dict[str, set[str]] = {}
    for identifiers in sets:
        groups = {id(group): group for name in identifiers if (group := group_of.get(name)) is not None}
        # The largest takes in the others, so that no name moves more often than log2 of their number.
        ordered = sorted(groups.values(), key=len)
        united = ordered.pop() if ordered else set()
        united |= identifiers.union(*ordered)
        group_of.update((name, united) for group in (*ordered, identifiers) for name in group)
    distinct = {id(group): group for group in group_of.values()}
    return tuple(
        sorted((frozenset(group) for group in distinct.values()), key=lambda group: _preference(display_id(group)))
    )


def group_advisories(advisories: Iterable[Advisory]) -> tuple[AliasGroup, ...]:
    """The vulnerabilities that advisories speak of, in order of display_id; withdrawn advisories say nothing."""
    in_force = sorted(
        (advisory for advisory in advisories if not advisory.is_withdrawn), key=lambda item: _preference(item.id)
    )
    groups = unite(identifiers for advisory in in_force for identifiers in identifier_sets(advisory))
    number_of = {name: number for number, group in enumerate(groups) for name in group}
    members: list[list[Advisory]] = [[] for _ in groups]
    for advisory in in_force:
        for number in dict.fromkeys(number_of[min(names)] for names in identifier_sets(advisory)):
            members[number].append(advisory)
    return tuple(AliasGroup(group, tuple(speaking)) for group, speaking in zip(groups, members, strict=True))


def _names(advisory: Advisory) -> tuple[str, ...]:
    return (advisory.id, *advisory.aliases, *advisory.upstream)


def _cves(advisory: Advisory) -> frozenset[str]:
    return frozenset(name for name in _names(advisory) if _CVE.fullmatch(name))


def _preference(identifier: str) -> tuple[int, int, int, str]:
    """CVE before GHSA before the rest, CVEs in order of year and number."""
    cve = _CVE.fullmatch(identifier)
    if cve is not None:
        return 0, int(cve[1]), int(cve[2]), identifier
    return (1 if identifier.startswith("GHSA-") else 2), 0, 0, identifier
