"""One pass over a layer: its listing, the files cataloguers want, and what its own source files call."""

from collections.abc import Mapping
from typing import BinaryIO

from deadlight.ecosystems import CATALOGUERS, Excerpt, UnreadableFileError
from deadlight.scanner.applicability import first_party
from deadlight.scanner.applicability.python_source import SourceFacts, UnreadableSourceError, analyse_source
from deadlight.scanner.decompression import open_layer
from deadlight.scanner.errors import ArchiveError, LayerError
from deadlight.scanner.facts import Entry, LayerFacts
from deadlight.scanner.limits import DEFAULT_LIMITS, Limits
from deadlight.scanner.state import SCANNER_STATE
from deadlight.scanner.tar import Kind, Member, TarReader

OS_RELEASE = ("etc/os-release", "usr/lib/os-release")
"""Where os-release(5) is looked for, in this order."""

_KEEPING_WHOLE = tuple(cataloguer for cataloguer in CATALOGUERS if cataloguer.excerpt is None)
_EXCERPTING = tuple((cataloguer, cataloguer.excerpt) for cataloguer in CATALOGUERS if cataloguer.excerpt is not None)
_LONGEST_MAGIC = max((len(excerpt.magic) for _, excerpt in _EXCERPTING), default=0)

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_AUFS_METADATA = ".wh..wh."


def scan_layer(stream: BinaryIO, *, digest: str, media_type: str = "", limits: Limits = DEFAULT_LIMITS) -> LayerFacts:
    """Read a layer (tar; plain, gzip or zstd, told by its first bytes) once, in bounded memory and never on disk.

    Errors of `stream` itself pass through. The digest is the caller's name for the layer; checking content against it
    is the business of whoever fetches it.

    Raises:
        LayerError: encrypted, damaged, cut short, hostile or beyond `limits`; says which.
    """
    if media_type.endswith("+encrypted"):
        raise LayerError(digest, f"is encrypted ({media_type}) and cannot be scanned")
    try:
        archive = TarReader(open_layer(stream, limits), limits)
        collector = _Collector(archive, limits)
        for member in archive:
            collector.take(member)
    except ArchiveError as error:
        raise LayerError(digest, str(error)) from error
    return collector.facts(digest)


class _Collector:
    """Collects a layer's facts member by member."""

    def __init__(self, archive: TarReader, limits: Limits) -> None:
        self._archive = archive
        self._limits = limits
        self._entries: list[Entry] = []
        self._whiteouts: list[str] = []
        self._opaque: list[str] = []
        self._documents: dict[str, bytes] = {}
        self._excerpts: dict[str, dict[str, bytes]] = {}
        self._sources: dict[str, SourceFacts] = {}
        self._unread_documents: dict[str, str] = {}
        self._unread_sources: dict[str, str] = {}
        self._listing_bytes = 0
        self._documents_bytes = 0
        self._excerpts_bytes = 0
        self._sources_bytes = 0

    def facts(self, digest: str) -> LayerFacts:
        return LayerFacts(
            digest=digest,
            scanner_state=SCANNER_STATE,
            entries=tuple(self._entries),
            whiteouts=tuple(self._whiteouts),
            opaque=tuple(self._opaque),
            documents=self._documents,
            excerpts=self._excerpts,
            sources=self._sources,
            unread_documents=self._unread_documents,
            unread_sources=self._unread_sources,
        )

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
        """Forget what an earlier member of the same path said, then read this one if anything wants it."""
        path = member.path
        self._documents.pop(path, None)
        self._excerpts.pop(path, None)
        self._sources.pop(path, None)
        self._unread_documents.pop(path, None)
        self._unread_sources.pop(path, None)
        if path in OS_RELEASE or any(cataloguer.wants(path) for cataloguer in _KEEPING_WHOLE):
            self._take_document(member)
        elif wanted := self._wanted_excerpts(member):
            self._take_excerpts(member, wanted)
        elif first_party.may_be_source(path, executable=member.executable):
            self._take_source(member)

    def _take_document(self, member: Member) -> None:
        limits = self._limits
        if member.sparse or member.size > limits.max_document_bytes:
            self._unread_documents[member.path] = _why_unread(member, limits.max_document_bytes)
            return
        self._documents_bytes += member.size
        if self._documents_bytes > limits.max_documents_bytes or len(self._documents) >= limits.max_documents:
            raise ArchiveError(
                f"has more than {limits.max_documents} files or {limits.max_documents_bytes} bytes of package databases"
            )
        self._documents[member.path] = self._archive.read()

    def _wanted_excerpts(self, member: Member) -> dict[str, Excerpt]:
        """By cataloguer's name, the excerpts to take: the file's path or mode, and its first bytes, ask for them."""
        wanting = {
            cataloguer.name: excerpt
            for cataloguer, excerpt in _EXCERPTING
            if (excerpt.executables and member.executable) or cataloguer.wants(member.path)
        }
        if not wanting:
            return wanting
        first = self._archive.peek(_LONGEST_MAGIC)
        return {name: excerpt for name, excerpt in wanting.items() if first.startswith(excerpt.magic)}

    def _take_excerpts(self, member: Member, wanted: Mapping[str, Excerpt]) -> None:
        limits = self._limits
        path = member.path
        if member.sparse or member.size > limits.max_excerpted_bytes:
            self._unread_documents[path] = _why_unread(member, limits.max_excerpted_bytes)
            return
        content = self._archive.read_large()
        for name, excerpt in wanted.items():
            try:
                taken = excerpt.take(content)
            except UnreadableFileError as error:
                self._unread_documents[path] = str(error)
                continue
            if taken is None:
                continue
            self._excerpts_bytes += len(taken)
            if self._excerpts_bytes > limits.max_excerpts_bytes:
                self._unread_documents[path] = f"comes after the {limits.max_excerpts_bytes} bytes kept of files"
            else:
                self._excerpts.setdefault(path, {})[name] = taken

    def _take_source(self, member: Member) -> None:
        limits = self._limits
        named = first_party.is_source_name(member.path)
        if member.sparse or member.size > limits.max_source_bytes:
            if named:
                self._unread_sources[member.path] = _why_unread(member, limits.max_source_bytes)
            return
        content = self._archive.read()
        if not named and not first_party.is_python_script(content):
            return
        self._sources_bytes += member.size
        if self._sources_bytes > limits.max_sources_bytes:
            self._unread_sources[member.path] = (
                f"comes after the {limits.max_sources_bytes} bytes of source that are read"
            )
            return
        try:
            self._sources[member.path] = analyse_source(content)
        except UnreadableSourceError as error:
            self._unread_sources[member.path] = str(error)


def _why_unread(member: Member, limit: int) -> str:
    return "is stored as a sparse file" if member.sparse else f"has {member.size} bytes, more than the {limit} read"
