"""What one running service would be told: a file with what it includes, and the image's command and environment."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from deadlight.scanner.exposures.rule import Place

ON = frozenset({"on", "yes", "true", "1", "enabled", "enable", "y", "t"})
OFF = frozenset({"off", "no", "false", "0", "disabled", "disable", "n", "f"})


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One setting at its place."""

    name: str
    values: tuple[str, ...]
    place: Place
    parent: "Node | None" = None
    is_shipped: bool = False
    """Whether it stands in a file that a package brought."""

    @property
    def value(self) -> str:
        """All values as they were written, in one line."""
        return " ".join(self.values)

    @property
    def evidence(self) -> str:
        """The setting as it reads."""
        return f"{self.name} {self.value}".rstrip()

    @property
    def is_on(self) -> bool:
        """Whether it says yes in any of the usual ways."""
        return self.value.lower() in ON

    @property
    def is_off(self) -> bool:
        """Whether it says no in any of the usual ways."""
        return self.value.lower() in OFF

    def around(self) -> Iterator["Node"]:
        """The blocks it stands in, innermost first."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent


class Configuration:
    """The settings of one service, in the order in which it reads them."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.nodes = tuple(nodes)
        self._by_name: defaultdict[str, list[Node]] = defaultdict(list)
        self._inside: defaultdict[Node | None, list[Node]] = defaultdict(list)
        for node in self.nodes:
            self._by_name[node.name].append(node)
            self._inside[node.parent].append(node)

    def named(self, *names: str) -> list[Node]:
        """All settings of these names."""
        return [node for name in names for node in self._by_name.get(name, ())]

    def ending(self, *suffixes: str) -> list[Node]:
        """All settings whose dotted name is one of these or ends with one."""
        endings = tuple(f".{suffix}" for suffix in suffixes)
        return [node for node in self.nodes if node.name in suffixes or node.name.endswith(endings)]

    def last(self, *names: str) -> Node | None:
        """The setting that counts where the last one wins."""
        named = self.named(*names)
        return named[-1] if named else None

    def first(self, *names: str) -> Node | None:
        """The setting that counts where the first one wins."""
        named = self.named(*names)
        return named[0] if named else None

    def inside(self, block: Node | None, *names: str) -> list[Node]:
        """The settings that stand directly in a block, of these names where some are given."""
        inside = self._inside.get(block, [])
        return [node for node in inside if not names or node.name in names]

    def reaching(self, node: Node, *names: str) -> list[Node]:
        """Settings of these names in the blocks around a node, and beside it."""
        blocks = [*node.around(), None]
        return [found for block in blocks for found in self.inside(block, *names)]
