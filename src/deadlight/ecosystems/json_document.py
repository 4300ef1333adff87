"""Package databases that are JSON documents."""

from typing import TypeVar

import msgspec

from deadlight.ecosystems.ecosystem import Catalogue, Document

T = TypeVar("T")


class UnreadableDocumentError(ValueError):
    """The document is not JSON, or not of the expected shape."""


def parse_json(content: bytes, kind: type[T]) -> T:
    """Decode a document, with or without a byte order mark, into a typed value.

    Raises:
        UnreadableDocumentError: not JSON, nested too deeply, or of another shape.
    """
    try:
        return msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableDocumentError(str(error)) from error
    except RecursionError as error:
        raise UnreadableDocumentError("nested too deeply") from error


def problem(location: str, document: Document, text: object) -> Catalogue:
    """A catalogue that only says what is wrong with a document."""
    return Catalogue(problems=(f"{location} in layer {document.layer_digest}: {text}",))
