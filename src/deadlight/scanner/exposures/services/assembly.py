"""Files put together into what a service reads: what they include stands where they include it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate

from deadlight.model.image import ImageSettings
from deadlight.scanner.exposures.exposure_scanner import KeptFile
from deadlight.scanner.exposures.rule import Place
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.image_settings import image_nodes
from deadlight.scanner.exposures.services.keeping import keep_nodes
from deadlight.scanner.exposures.services.service import Service
from deadlight.scanner.exposures.services.setting import Setting

MAX_INCLUDE_DEPTH = 10
"""Files that include files."""

MAX_NODES = 100_000
"""Settings of one service with everything included; the same file may be included again and again."""

MAX_INCLUDES = 1_000
"""Include settings that are followed for one service; each is held against every file of the service."""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A file with the settings kept of it."""

    file: KeptFile
    settings: Sequence[Setting]


@dataclass(frozen=True, slots=True)
class Assembled:
    """The configurations of one service, and what of them was not followed."""

    configurations: tuple[Configuration, ...]
    problems: tuple[str, ...]


def assemble(service: Service, files: Sequence[SettingsFile], image: ImageSettings) -> Assembled:
    """One configuration for each file the service opens itself, or for each file where none of these is there."""
    given = keep_nodes(service, image_nodes(service, image))
    roots = [file for file in files if service.roots is None or service.roots.fullmatch(file.file.path.lstrip("/"))]
    by_path = {file.file.path: file for file in files}
    expansion = _Expansion(service.includes, by_path)
    configurations = [Configuration((*expansion.nodes_of(file), *given)) for file in roots or files]
    if not files and given:
        configurations = [Configuration(given)]
    return Assembled(tuple(configurations), tuple(dict.fromkeys(expansion.problems)))


class _Expansion:
    """A walk over files and what they include, all within one budget."""

    def __init__(self, includes: frozenset[str], files: Mapping[str, SettingsFile]) -> None:
        self._includes = includes
        self._files = files
        self._open: list[str] = []
        self._count = 0
        self._followed = 0
        self.problems: list[str] = []

    def nodes_of(self, settings: SettingsFile, around: Node | None = None) -> Iterator[Node]:
        """Every setting of the file, with those of an included file after the setting that includes it."""
        path = settings.file.path
        if path in self._open or len(self._open) == MAX_INCLUDE_DEPTH:
            self.problems.append(f"{path} is included in a circle or too deeply")
            return
        self._open.append(path)
        nodes: list[Node] = []
        for setting in settings.settings:
            if self._count == MAX_NODES:
                self.problems.append(f"{path} with what it includes has more than {MAX_NODES} settings")
                break
            parent = nodes[setting.parent] if 0 <= setting.parent < len(nodes) else around
            node = _node(setting, settings.file, parent)
            self._count += 1
            nodes.append(node)
            yield node
            if setting.name in self._includes:
                yield from self._included(node, parent)
        self._open.pop()

    def _included(self, node: Node, around: Node | None) -> Iterator[Node]:
        self._followed += 1
        if self._followed > MAX_INCLUDES:
            self.problems.append(f"more than {MAX_INCLUDES} includes, of which the others were not followed")
            return
        wanted = [_pattern(value, self._open[0]) for value in node.values]
        for path in sorted(self._files):
            if any(one.fullmatch(path) for one in wanted):
                yield from self.nodes_of(self._files[path], around)


def _node(setting: Setting, file: KeptFile, parent: Node | None) -> Node:
    place = Place(file.path, f"line {setting.line}", file.layer_digest)
    return Node(setting.name, setting.values, place, parent, bool(file.owner_purl))


def _pattern(value: str, root: str) -> re.Pattern[str]:
    """What an include names: a file, a glob or a folder, relative to the folder of the file it all began with.

    Where Debian's packages link `sites-enabled/x` to `sites-available/x`, only the latter is a file: all count.
    """
    path = value if value.startswith("/") else f"{root.rpartition('/')[0]}/{value.removeprefix('./')}"
    # Stars next to each other mean the same as one, and matching takes time for each.
    glob = translate(re.sub(r"\*{2,}", "*", path[:1000])).replace("\\-enabled/", "-(?:enabled|available)/")
    glob = glob.replace("-enabled/", "-(?:enabled|available)/")
    return re.compile(f"(?:{glob})|{re.escape(path.rstrip('/'))}/[^/]*")
