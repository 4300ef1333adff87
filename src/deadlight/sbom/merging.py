"""What is in an image by its own files and by what others state of it, each package saying by which."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from deadlight.model.package import InstalledPackage, Package
from deadlight.sbom.bill import LOCATION_PREFIX
from deadlight.sbom.errors import InvalidSbomError
from deadlight.sbom.reading import read_sbom

MAX_STATED = 50_000
"""Packages that are taken from all documents of an image together; a large image has 5,000."""


@dataclass(frozen=True, slots=True)
class SbomDocument:
    """A bill of materials that is attached to an image."""

    digest: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Merged:
    """What is in an image. A package that was found and is stated too is there once for each place."""

    packages: tuple[InstalledPackage, ...]
    """What was found, as it was, then what is stated."""
    problems: tuple[str, ...] = ()
    """Documents that could not be read, and how much of others is of no kind that is matched."""


def merge_stated(
    found: Sequence[InstalledPackage], documents: Iterable[SbomDocument], distribution: str = ""
) -> Merged:
    """Add what documents state; nothing that was found changes.

    A stated package is the found one where ecosystem, name and version are the same. It then keeps that one's owner:
    what the distribution ships is matched through the distribution whoever states it.
    """
    known = _by_identity(found)
    added: list[InstalledPackage] = []
    problems: list[str] = []
    for document in documents:
        location = f"{LOCATION_PREFIX}{document.digest}"
        try:
            stated = read_sbom(document.content, distribution=distribution)
        except InvalidSbomError as error:
            problems.append(f"{location}: {error}")
            continue
        added += _places(stated.packages, known, location)
        if stated.unknown:
            problems.append(
                f"{location}: {stated.unknown} of its package URLs name no version or nothing of a kind that is matched"
            )
    if len(added) > MAX_STATED:
        problems.append(f"of {len(added)} packages that SBOMs state the first {MAX_STATED} are taken")
    return Merged((*found, *added[:MAX_STATED]), tuple(problems))


def _identity(package: Package) -> tuple[str, str, str]:
    return package.ecosystem, package.name, package.version


def _by_identity(found: Iterable[InstalledPackage]) -> dict[tuple[str, str, str], InstalledPackage]:
    """The found packages; of one in several places that which nobody owns, for it is the one that is matched."""
    known: dict[tuple[str, str, str], InstalledPackage] = {}
    for item in found:
        before = known.setdefault(_identity(item.package), item)
        if before.owner_purl and not item.owner_purl:
            known[_identity(item.package)] = item
    return known


def _places(
    stated: Iterable[Package], known: Mapping[tuple[str, str, str], InstalledPackage], location: str
) -> Iterable[InstalledPackage]:
    placed: dict[Package, InstalledPackage] = {}
    for package in stated:
        same = known.get(_identity(package))
        place = replace(same, location=location, files=()) if same else InstalledPackage(package, location, "")
        placed.setdefault(place.package, place)
    return placed.values()
