"""What a scan looks for."""

from dataclasses import dataclass

from deadlight.model.exposure import ExposureCategory
from deadlight.model.scan_configuration import EXPOSURES, Scanner


@dataclass(frozen=True, slots=True)
class Scope:
    """The scanners that are asked, and what they are given."""

    scanners: frozenset[Scanner] = frozenset(Scanner)
    secret_rules: str = ""
    """Path of a file with more rules for secrets; empty for none."""

    @property
    def categories(self) -> frozenset[ExposureCategory]:
        """The exposures that are looked for."""
        return frozenset(ExposureCategory(scanner.value) for scanner in EXPOSURES if scanner in self.scanners)


def parse_scanners(text: str) -> frozenset[Scanner]:
    """Scanners by their names, separated by commas; all of them for an empty text.

    Raises:
        ValueError: one is not known, or has nothing to judge.
    """
    names = [name.strip().lower().replace("-", "_") for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(Scanner)]
    if unknown:
        raise ValueError(f"there is no scanner {unknown[0]!r}; there are {', '.join(Scanner)}")
    scanners = frozenset(map(Scanner, names)) or frozenset(Scanner)
    if Scanner.CONTEXTUAL_ANALYSIS in scanners and Scanner.SCA not in scanners:
        raise ValueError(f"{Scanner.CONTEXTUAL_ANALYSIS} judges what {Scanner.SCA} finds: name both")
    return scanners
