"""Whose a file is: the package's that brought it, or the image's builder's who changed it since."""

from collections.abc import Mapping, Sequence

from deadlight.model.package import InstalledPackage
from deadlight.scanner.facts import LayerFacts


class Ownership:
    """Answers for the files that one analyzer kept of an image's layers, lowest first."""

    def __init__(
        self,
        analyzer: str,
        layers: Sequence[LayerFacts],
        packages: Sequence[InstalledPackage],
        owners: Mapping[str, int],
    ) -> None:
        """`owners` has the index of the package that ships a file, by absolute path."""
        self._analyzer = analyzer
        self._layers = layers
        self._packages = packages
        self._owners = owners
        self._paths: dict[int, frozenset[str]] = {}
        self._folders: dict[int, frozenset[str]] = {}

    def owner_of(self, path: str, layer: int, archived: str) -> str:
        """The purl of the package that ships a file; an empty text where none does, or the builder changed it.

        `layer` is the index of the one that has it, `archived` its path there.
        """
        index = self._owners.get(path)
        if index is None:
            return ""
        package = self._packages[index]
        return "" if self._is_replaced(layer, archived, package.location) else package.package.purl

    def _is_replaced(self, layer: int, archived: str, database: str) -> bool:
        """Whether a layer that installs nothing has another content of the file than the layer below that had it.

        Layers in which only owner or mode changed hold the whole file again. Where no layer below has the file, its
        package came with it, for some builders write the package database into a layer of its own, the last one.
        """
        if layer == 0 or database.rpartition("/")[0] in self._folders_of(layer):
            return False
        below = next((number for number in reversed(range(layer)) if archived in self._paths_of(number)), None)
        return below is not None and self._kept(below, archived) != self._kept(layer, archived)

    def _kept(self, layer: int, archived: str) -> bytes | None:
        return self._layers[layer].of(self._analyzer).files.get(archived)

    def _paths_of(self, layer: int) -> frozenset[str]:
        if layer not in self._paths:
            self._paths[layer] = frozenset(entry.path for entry in self._layers[layer].listing.entries)
        return self._paths[layer]

    def _folders_of(self, layer: int) -> frozenset[str]:
        """Those in which a layer changes something, such as a package database."""
        if layer not in self._folders:
            self._folders[layer] = frozenset(path.rpartition("/")[0] for path in self._paths_of(layer))
        return self._folders[layer]
