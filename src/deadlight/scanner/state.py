"""Which analyzers there are, as one short text that changes with any of them."""

from collections.abc import Iterable
from hashlib import sha256

from deadlight.ecosystems import CATALOGUERS
from deadlight.scanner.applicability.python_source import ANALYZER as PYTHON_SOURCE

_LAYER_PASS = ("layer-pass", 2)
"""The pass itself: which files it lists and reads. Raise the number whenever the same layer would give other facts."""

_SQUASH = ("squash", 2)
"""The putting together of layers. Raise the number whenever the same facts would give other contents."""


def state_of(analyzers: Iterable[tuple[str, int]]) -> str:
    """16 hexadecimal digits over names and versions, whatever their order."""
    lines = sorted(f"{name} {version}" for name, version in analyzers)
    return sha256("\n".join(lines).encode()).hexdigest()[:16]


SCANNER_STATE: str = state_of(
    [_LAYER_PASS, _SQUASH, PYTHON_SOURCE, *((cataloguer.name, cataloguer.version) for cataloguer in CATALOGUERS)]
)
"""The version of everything a scan's result depends on. A result with another state is out of date."""
