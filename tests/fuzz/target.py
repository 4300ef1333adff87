"""What a fuzz target is: a parser of foreign bytes, what it may raise, and what it may take."""

from collections.abc import Callable
from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Target:
    """One row of the table of parsers."""

    name: str
    call: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    """Valid inputs, which others are made from."""
    errors: tuple[type[Exception], ...] = ()
    """What the parser raises for what it cannot read; everything else is a fault."""
    seconds: float = 2.0
    """For one input of `max_bytes`, on a machine that is busy."""
    memory: int = 256 * MIB
    """That the process may grow by."""
    max_bytes: int = 16 * 1024
    """Of one input."""

    def run(self, data: bytes) -> None:
        """Parse; raises whatever is a fault."""
        try:
            self.call(data)
        except self.errors:
            return
