"""Which analyzers there are, as one short text that changes with any of them."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from deadlight.scanner.analyzers import image_analyzers
from deadlight.scanner.exposures.exposure_scanner import ExposureScanner
from deadlight.scanner.facts import LISTING

_SQUASH = ("squash", 3)
"""The putting together of layers. Raise the number whenever the same facts would give other contents."""

_EXAMINATION = ("examination", 1)
"""What scanners of exposures are told of files. Raise the number whenever it changes."""


def state_of(analyzers: Iterable[tuple[str, int]]) -> str:
    """16 hexadecimal digits over names and versions, whatever their order."""
    lines = sorted(f"{name} {version}" for name, version in analyzers)
    return sha256("\n".join(lines).encode()).hexdigest()[:16]


SCANNER_STATE: str = state_of([LISTING, _SQUASH, *(analyzer.state for analyzer in image_analyzers())])
"""The version of everything that an image's packages and its indexes of files depend on. A result with another state is
out of date."""


def exposure_state(scanners: Sequence[ExposureScanner]) -> str:
    """The version of everything that what these scanners find depends on."""
    return state_of(
        [("packages " + SCANNER_STATE, 0), _EXAMINATION, *((scanner.name, scanner.version) for scanner in scanners)]
    )
