"""One pass over a layer: its listing, and what analyzers keep of its files."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from hashlib import sha256
from itertools import chain
from typing import BinaryIO

from deadlight.ecosystems import UnreadableFileError
from deadlight.scanner.analyzer import Analyzer, never
from deadlight.scanner.analyzers import package_analyzers
from deadlight.scanner.decompression import open_layer
from deadlight.scanner.errors import ArchiveError, LayerError
from deadlight.scanner.facts import Entry, Kept, LayerFacts, Listing
from deadlight.scanner.limits import DEFAULT_LIMITS, Limits
from deadlight.scanner.tar import Kind, Member, TarReader

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_AUFS_METADATA = ".wh..wh."


def scan_layer(
    stream: BinaryIO,
    *,
    digest: str,
    media_type: str = "",
    analyzers: Sequence[Analyzer] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> LayerFacts:
    """Read a layer (tar; plain, gzip or zstd, told by its first bytes) once, in bounded memory and never on disk.

    `analyzers` are those of packages where none are given. Errors of `stream` itself pass through. The digest is the
    caller's name for the layer; checking content against it is the business of whoever fetches it.

    Raises:
        LayerError: encrypted, damaged, cut short, hostile or beyond `limits`; says which.
    """
    if media_type.endswith("+encrypted"):
        raise LayerError(digest, f"is encrypted ({media_type}) and cannot be scanned")
    try:
        with closing(open_layer(stream, limits)) as source:
            archive = TarReader(source, limits)
            layer = _Pass(archive, package_analyzers(limits) if analyzers is None else analyzers, limits)
            for member in archive:
                layer.take(member)
    except ArchiveError as error:
        raise LayerError(digest, str(error)) from error
    return layer.facts(digest)


class _Pass:
    """Collects a layer's facts member by member."""

    def __init__(self, archive: TarReader, analyzers: Sequence[Analyzer], limits: Limits) -> None:
        self._archive = archive
        self._limits = limits
        self._collectors = [_Collector(analyzer) for analyzer in analyzers]
        self._by_path = _grouped((collector.analyzer.wants, collector) for collector in self._collectors)
        self._by_mode = _grouped((collector.analyzer.wants_executable, collector) for collector in self._collectors)
        self._told: set[str] = set()
        """Paths that a collector may say something about."""
        self._longest_magic = max((len(analyzer.magic) for analyzer in analyzers), default=0)
        self._entries: list[Entry] = []
        self._whiteouts: list[str] = []
        self._opaque: list[str] = []
        self._listing_bytes = 0

    def facts(self, digest: str) -> LayerFacts:
        kept = {collector.analyzer.name: collector.kept() for collector in self._collectors}
        listing = Listing(tuple(self._entries), tuple(self._whiteouts), tuple(self._opaque))
        return LayerFacts(digest, listing, {name: part for name, part in kept.items() if part})

    def take(self, member: Member) -> None:
        self._listing_bytes += len(member.path) + len(member.target)
        if self._listing_bytes > self._limits.max_listing_bytes:
            raise ArchiveError(f"has more than {self._limits.max_listing_bytes} bytes of paths")
        folder, _, name = member.path.rpartition("/")
        if name.startswith(_WHITEOUT):
            self._take_whiteout(folder, name)
        elif member.path:
            self._entries.append(Entry(member.path, member.kind, member.target))
            if member.kind is Kind.FILE:
                self._take_content(member)

    def _take_whiteout(self, folder: str, name: str) -> None:
        """OCI image specification, "Whiteouts"; aufs's own records beside them mean nothing to others."""
        removed = name.removeprefix(_WHITEOUT)
        if name == _OPAQUE:
            self._opaque.append(folder)
        elif removed in {"", ".", ".."}:
            raise ArchiveError(f"removes {removed!r} in {folder!r}, which names no file")
        elif not name.startswith(_AUFS_METADATA):
            self._whiteouts.append(f"{folder}/{removed}" if folder else removed)

    def _take_content(self, member: Member) -> None:
        """Read a file once, if any analyzer wants it, and show it to all that do."""
        if member.path in self._told:
            for collector in self._collectors:
                collector.forget(member.path)
        wanting = self._find_wanting(member)
        if wanting:
            self._told.add(member.path)
        wanting = [collector for collector in wanting if collector.has_room(member)]
        if wanting:
            self._show(member, wanting)

    def _find_wanting(self, member: Member) -> "list[_Collector]":
        path = member.path
        wanting = [collector for wants, collectors in self._by_path if wants(path) for collector in collectors]
        if member.executable:
            more = (collector for wants, collectors in self._by_mode if wants(path) for collector in collectors)
            wanting = list(dict.fromkeys(chain(wanting, more)))
        if any(collector.analyzer.magic for collector in wanting):
            first = self._archive.peek(self._longest_magic)
            wanting = [collector for collector in wanting if first.startswith(collector.analyzer.magic)]
        return wanting

    def _show(self, member: Member, wanting: "Sequence[_Collector]") -> None:
        """Let the content pass: as one piece where an analyzer needs all of it, else as it comes."""
        holding = [collector for collector in wanting if not collector.analyzer.keeps_sha256]
        hashing = [collector for collector in wanting if collector.analyzer.keeps_sha256]
        digest = sha256()
        for piece in [self._archive.read_large()] if holding else self._archive.iter_pieces():
            if hashing:
                digest.update(piece)
            for collector in holding:
                collector.take(member.path, memoryview(piece))
        for collector in hashing:
            collector.keep(member.path, member.size, digest.digest())


def _grouped(
    asked: "Iterable[tuple[Callable[[str], bool], _Collector]]",
) -> "list[tuple[Callable[[str], bool], list[_Collector]]]":
    """Those with the same question together: it is asked for every file, and several want the same executables."""
    groups: dict[Callable[[str], bool], list[_Collector]] = {}
    for wants, collector in asked:
        if wants is not never:
            groups.setdefault(wants, []).append(collector)
    return list(groups.items())


class _Collector:
    """What one analyzer keeps of a layer, within its budget."""

    def __init__(self, analyzer: Analyzer) -> None:
        self.analyzer = analyzer
        self._files: dict[str, bytes] = {}
        self._unread: dict[str, str] = {}
        self._read_bytes = 0
        self._kept_bytes = 0

    def kept(self) -> Kept:
        return Kept(self._files, self._unread)

    def forget(self, path: str) -> None:
        """Drop what an earlier member of the same path said."""
        self._kept_bytes -= len(self._files.pop(path, b""))
        self._unread.pop(path, None)

    def has_room(self, member: Member) -> bool:
        """Whether the budget lets a file be read; where it does not, that is noted."""
        budget = self.analyzer.budget
        reason = ""
        if member.sparse:
            reason = "is stored as a sparse file"
        elif member.size > budget.file_bytes:
            reason = f"has {member.size} bytes, more than the {budget.file_bytes} read"
        elif self._read_bytes + member.size > budget.read_bytes or len(self._files) >= budget.files:
            reason = f"comes after the {budget.files} files or {budget.read_bytes} bytes read for {self.analyzer.name}"
        if reason and self.analyzer.tells_unread(member.path):
            self._unread[member.path] = reason
        return not reason

    def take(self, path: str, content: memoryview) -> None:
        try:
            taken = self.analyzer.take(path, content)
        except UnreadableFileError as error:
            self._read_bytes += len(content)
            self._unread[path] = str(error)
            return
        if taken is not None:
            self.keep(path, len(content), taken)

    def keep(self, path: str, size: int, taken: bytes) -> None:
        """Keep what was taken of a file of `size` bytes, as long as there is room."""
        self._read_bytes += size
        if self._kept_bytes + len(taken) > self.analyzer.budget.kept_bytes:
            self._unread[path] = f"comes after the {self.analyzer.budget.kept_bytes} bytes kept of files"
        else:
            self._files[path] = taken
            self._kept_bytes += len(taken)
