"""What is signed: in-toto statements, their DSSE envelopes and cosign's simple signing payload. Pure.

Formats: in-toto attestation framework (Statement v0.1 and v1), DSSE v1 (protocol: the pre-authentication encoding),
containers/image "simple signing" as cosign writes it.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

import msgspec

STATEMENT_TYPE = "application/vnd.in-toto+json"
"""The payload type of an envelope around a statement."""

MAX_SUBJECTS = 10_000
MAX_SIGNATURES = 16


class InvalidStatementError(ValueError):
    """Bytes that are not the document they should be; the text says how."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A claim about artifacts."""

    predicate_type: str
    predicate: Mapping[str, Any]
    subject_digests: frozenset[str]
    """`sha256:<hex>` of what it is about."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload with its signatures (DSSE)."""

    payload_type: str
    payload: bytes = field(repr=False)
    signatures: tuple[bytes, ...]

    @property
    def signed_bytes(self) -> bytes:
        """What the signatures are made over: DSSE's pre-authentication encoding."""
        kind = self.payload_type.encode()
        return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(self.payload), self.payload)


@dataclass(frozen=True, slots=True)
class SimpleSigning:
    """cosign's older payload: which manifest a signature is for."""

    manifest_digest: str
    reference: str


class _Subject(msgspec.Struct):
    digest: dict[str, str] = {}


class _Statement(msgspec.Struct, rename="camel"):
    subject: Annotated[list[_Subject], msgspec.Meta(max_length=MAX_SUBJECTS)]
    predicate_type: str
    type_: str = msgspec.field(name="_type", default="")
    predicate: dict[str, Any] | None = None


class _Signature(msgspec.Struct):
    sig: str


class _Envelope(msgspec.Struct, rename="camel"):
    payload: str
    payload_type: str
    signatures: Annotated[list[_Signature], msgspec.Meta(min_length=1, max_length=MAX_SIGNATURES)]


class _Image(msgspec.Struct, rename="kebab"):
    docker_manifest_digest: str


class _Identity(msgspec.Struct, rename="kebab"):
    docker_reference: str = ""


class _Critical(msgspec.Struct):
    image: _Image
    identity: _Identity = msgspec.field(default_factory=_Identity)


class _SimpleSigning(msgspec.Struct):
    critical: _Critical


def parse_statement(content: bytes) -> Statement:
    """Read an in-toto statement; raises InvalidStatementError."""
    written = _decode(content, _Statement, "an in-toto statement")
    if not written.type_.startswith("https://in-toto.io/Statement/"):
        raise InvalidStatementError(f"not an in-toto statement but {written.type_[:80]!r}")
    digests = {f"sha256:{subject.digest['sha256']}" for subject in written.subject if "sha256" in subject.digest}
    return Statement(written.predicate_type, written.predicate or {}, frozenset(digests))


def parse_envelope(content: bytes) -> Envelope:
    """Read a DSSE envelope; raises InvalidStatementError."""
    written = _decode(content, _Envelope, "a DSSE envelope")
    signatures = tuple(decode_base64(signature.sig) for signature in written.signatures)
    return Envelope(written.payload_type, decode_base64(written.payload), signatures)


def parse_simple_signing(content: bytes) -> SimpleSigning:
    """Read cosign's payload; raises InvalidStatementError."""
    critical = _decode(content, _SimpleSigning, "a signature's payload").critical
    return SimpleSigning(critical.image.docker_manifest_digest, critical.identity.docker_reference)


def decode_base64(text: str) -> bytes:
    """Standard or URL-safe base64 as signers write it; raises InvalidStatementError."""
    try:
        return base64.b64decode(text.translate(_URL_SAFE), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidStatementError("a text that is not base64") from error


_URL_SAFE = str.maketrans("-_", "+/")

D = TypeVar("D", bound=msgspec.Struct)


def _decode(content: bytes, kind: type[D], what: str) -> D:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidStatementError(f"not {what}: {str(error)[:160]}") from error
