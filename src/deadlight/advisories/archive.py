"""Collections of OSV records on disk -> advisories, one after the other and never all in memory."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from deadlight.advisories.advisory import Advisory
from deadlight.advisories.document import Document, Rejected, RejectionCause, origin_label
from deadlight.advisories.errors import InvalidAdvisoryError, InvalidArchiveError, NotSecurityError
from deadlight.advisories.json_lines import iter_compressed_json_lines, iter_json_lines
from deadlight.advisories.limits import Limits, Meter
from deadlight.advisories.osv import parse_advisory
from deadlight.advisories.zip_archive import iter_zip

_READERS = {
    ".zip": iter_zip,
    ".jsonl": iter_json_lines,
    ".jsonl.zst": iter_compressed_json_lines,
}
"""By how a file's name ends; a folder and a single `.json` are read here."""

_MAGIC = {
    b"PK\x03\x04": iter_zip,
    b"PK\x05\x06": iter_zip,
    b"\x28\xb5\x2f\xfd": iter_compressed_json_lines,
}
"""By how a file begins, whatever its name: an archive with members, one without, and zstd."""

_DEFAULT_LIMITS = Limits()


def iter_documents(path: Path, limits: Limits = _DEFAULT_LIMITS) -> Iterator[Document | Rejected]:
    """The documents of a folder of `*.json` (with its subfolders), a zip of them, a `.json`, `.jsonl` or `.jsonl.zst`.

    Archives are told by how they begin, text by its name.
    A document that cannot be had is yielded as `Rejected`, and the rest follows.

    Raises:
        InvalidArchiveError: when the collection as a whole cannot be read or exceeds its limits.
    """
    try:
        if path.is_dir():
            yield from _iter_folder(path, limits)
        elif reader := _find_reader(path):
            yield from reader(path, limits)
        else:
            yield _read_file(path, path.name, limits)
    except OSError as error:
        raise InvalidArchiveError(f"{path}: cannot be read: {error.strerror}") from error


def read_advisories(path: Path, limits: Limits = _DEFAULT_LIMITS) -> Iterator[Advisory | Rejected]:
    """The advisories of a collection, as `iter_documents` reads it; a document that is none is yielded as `Rejected`.

    Raises:
        InvalidArchiveError: when the collection as a whole cannot be read or exceeds its limits.
    """
    for document in iter_documents(path, limits):
        yield document if isinstance(document, Rejected) else _advisory(document)


def _advisory(document: Document) -> Advisory | Rejected:
    try:
        return parse_advisory(document.content, document.origin)
    except NotSecurityError as error:
        return Rejected(document.origin, str(error), RejectionCause.NOT_SECURITY)
    except InvalidAdvisoryError as error:
        return Rejected(document.origin, str(error))


def _find_reader(path: Path) -> Callable[[Path, Limits], Iterator[Document | Rejected]] | None:
    """By content before name; None for a single document."""
    magic = b""
    with suppress(OSError), path.open("rb") as file:  # whoever reads it says why it cannot be
        magic = file.read(4)
    if magic in _MAGIC:
        return _MAGIC[magic]
    if path.suffix == ".json":
        return None
    for ending, reader in _READERS.items():
        if path.name.endswith(ending):
            return reader
    raise InvalidArchiveError(f"{path}: not a folder, .json, {', '.join(_READERS)}")


def _iter_folder(folder: Path, limits: Limits) -> Iterator[Document | Rejected]:
    """Every `*.json` below a folder in a fixed order; hidden folders (`.git`) are passed over."""
    meter = Meter(folder.name, limits)
    for parent, subfolders, names in os.walk(folder, onerror=_reraise):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            # A pipe of that name would wait for ever.
            if name.endswith(".json") and path.is_file():
                meter.add_member()
                document = _read_file(path, origin_label(folder.name, str(path.relative_to(folder))), limits)
                if isinstance(document, Document):
                    meter.add_bytes(len(document.content))
                yield document


def _read_file(path: Path, origin: str, limits: Limits) -> Document | Rejected:
    try:
        with path.open("rb") as file:
            content = file.read(limits.document + 1)
    except OSError as error:
        return Rejected(origin, f"{origin}: cannot be read: {error.strerror}")
    if len(content) > limits.document:
        return Rejected(origin, f"{origin}: more than {limits.document} bytes")
    return Document(origin, content)


def _reraise(error: OSError) -> None:
    raise error
