"""What the things attached to an image prove: who signed it, which build made it. Pure but for the verifier."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

import msgspec

from deadlight.registry.attestations.attached import MAX_TYPE, Attached, Found, Kind, Unread
from deadlight.registry.attestations.builds import BuildProvenance, is_build, read_build
from deadlight.registry.attestations.keyless import InvalidBundleError, UncheckableBundleError, VerifyBundle
from deadlight.registry.attestations.names import NOTARY_SIGNATURE, name_type
from deadlight.registry.attestations.statements import (
    STATEMENT_TYPE,
    Envelope,
    InvalidStatementError,
    decode_base64,
    parse_envelope,
    parse_simple_signing,
    parse_statement,
)
from deadlight.registry.attestations.trust import TrustedSigners
from deadlight.registry.documents import digest_of

_SIGNATURE = "dev.cosignproject.cosign/signature"
_CERTIFICATE = "dev.sigstore.cosign/certificate"
"""Annotations of cosign's older format."""

COSIGN_SIGNATURE = "https://sigstore.dev/cosign/sign/v1"
"""The type of the statement that is cosign's signature since its version 3: it says nothing but who signed."""


class SignatureState(StrEnum):
    """What is known of an image's signatures, the best first."""

    VERIFIED = "verified"
    """Signed by somebody who is trusted here."""
    UNTRUSTED = "untrusted"
    """Signed, but by nobody who is trusted here, or in a way that cannot be checked."""
    INVALID = "invalid"
    """What is attached as a signature is not one for this image."""
    UNSIGNED = "unsigned"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature."""

    state: SignatureState
    method: str
    """`key`, `keyless` or, never verified here, `notary`."""
    signer: str = ""
    """The key's name here, or the identity of the certificate."""
    issuer: str = ""
    """Who vouches for the identity."""
    signed_at: datetime | None = None
    detail: str = ""
    """Why it does not count, for people."""
    is_logged: bool = False
    """Whether the proof that a transparency log has it was verified; it may be there without one."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """A build and who vouches for that description; unsigned where nobody does."""

    build: BuildProvenance
    signature: Signature | None = None

    @property
    def is_verified(self) -> bool:
        """Whether somebody who is trusted here vouches for it."""
        return self.signature is not None and self.signature.state is SignatureState.VERIFIED


@dataclass(frozen=True, slots=True)
class Document:
    """Something else that is attached, an SBOM, say, and who vouches for it. What it says is not read."""

    name: str
    """What people call it; empty where only the type tells."""
    type: str
    digest: str
    size: int
    """Bytes."""
    signature: Signature | None = None
    """None where there is none, and where it was not looked for because the content was not read."""


@dataclass(frozen=True, slots=True)
class AttestationEvidence:
    """What is attached to an image, in sum."""

    state: SignatureState
    signatures: tuple[Signature, ...]
    provenance: tuple[Provenance, ...]
    """Those that are vouched for first."""
    documents: tuple[Document, ...] = ()
    problems: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able values."""
        values: dict[str, Any] = msgspec.to_builtins(self)
        return values


def assess(
    found: Found, digests: AbstractSet[str], trusted: TrustedSigners, verify_bundle: VerifyBundle
) -> AttestationEvidence:
    """What is attached to the image of these digests (manifest and index) proves.

    Anybody who can push can attach anything, so that what is broken is noted and never outweighs what holds.
    """
    reader = _Reader(digests, trusted, verify_bundle)
    for item in found.attached:
        reader.read(item)
    for other in found.unread:
        reader.name(other)
    states = {signature.state for signature in reader.signatures}
    return AttestationEvidence(
        next((state for state in SignatureState if state in states), SignatureState.UNSIGNED),
        tuple(sorted(reader.signatures, key=lambda signature: list(SignatureState).index(signature.state))),
        tuple(sorted(reader.provenance, key=lambda item: not item.is_verified)),
        tuple(sorted(reader.documents, key=lambda document: (document.name == "", document.name, document.type))),
        (*found.problems, *reader.problems),
    )


class _Reader:
    """Collects what each thing says."""

    def __init__(self, digests: AbstractSet[str], trusted: TrustedSigners, verify_bundle: VerifyBundle) -> None:
        self.signatures: list[Signature] = []
        self.provenance: list[Provenance] = []
        self.documents: list[Document] = []
        self.problems: list[str] = []
        self._digests = digests
        self._trusted = trusted
        self._verify_bundle = verify_bundle

    def read(self, item: Attached) -> None:
        try:
            match item.kind:
                case Kind.SIMPLE_SIGNATURE:
                    self.signatures.append(self._simple_signature(item))
                case Kind.ENVELOPE:
                    envelope = parse_envelope(item.content)
                    self._take(item, envelope.payload_type, envelope.payload, self._by_key(envelope))
                case Kind.BUNDLE:
                    self._bundle(item)
                case Kind.STATEMENT:
                    self._take(item, STATEMENT_TYPE, item.content, None)
                case _:
                    assert_never(item.kind)
        except InvalidStatementError as error:
            self.problems.append(f"something attached to it is {error}")

    def name(self, item: Unread) -> None:
        """Note what is not read; a signature of another kind still is one."""
        if item.type == NOTARY_SIGNATURE:
            self.signatures.append(Signature(SignatureState.UNTRUSTED, "notary", detail=_NOTARY))
        else:
            self.documents.append(Document(name_type(item.type), item.type, item.digest, item.size))

    def _simple_signature(self, item: Attached) -> Signature:
        payload = parse_simple_signing(item.content)
        if payload.manifest_digest not in self._digests:
            return Signature(SignatureState.INVALID, "key", detail=f"it is for {payload.manifest_digest[:80]}")
        key = self._trusted.find_key(decode_base64(item.annotations.get(_SIGNATURE, "")), item.content)
        if key is not None:
            return Signature(SignatureState.VERIFIED, "key", key.name)
        if _CERTIFICATE in item.annotations:
            detail = "a keyless signature in cosign's older format, without the proof that can be checked offline"
            return Signature(SignatureState.UNTRUSTED, "keyless", detail=detail)
        return Signature(SignatureState.UNTRUSTED, "key", detail=_UNKNOWN_KEY)

    def _by_key(self, envelope: Envelope) -> Signature:
        keys = (self._trusted.find_key(signature, envelope.signed_bytes) for signature in envelope.signatures)
        key = next((key for key in keys if key is not None), None)
        if key is None:
            return Signature(SignatureState.UNTRUSTED, "key", detail=_UNKNOWN_KEY)
        return Signature(SignatureState.VERIFIED, "key", key.name)

    def _bundle(self, item: Attached) -> None:
        envelope = _enveloped_by_key(item.content)
        if envelope is not None:
            self._take(item, envelope.payload_type, envelope.payload, self._by_key(envelope))
            return
        try:
            proven = self._verify_bundle(item.content)
        except UncheckableBundleError as error:
            self.signatures.append(Signature(SignatureState.UNTRUSTED, "keyless", detail=str(error)))
            return
        except InvalidBundleError as error:
            self.signatures.append(Signature(SignatureState.INVALID, "keyless", detail=str(error)))
            return
        covered = self._trusted.covers(proven.identity, proven.issuer)
        state = SignatureState.VERIFIED if covered else SignatureState.UNTRUSTED
        detail = "" if covered else "nobody here trusts this identity"
        who = (proven.identity, proven.issuer)
        signature = Signature(state, "keyless", *who, proven.signed_at, detail, is_logged=True)
        self._take(item, proven.payload_type, proven.payload, signature)

    def _take(self, item: Attached, payload_type: str, payload: bytes, signature: Signature | None) -> None:
        """A statement with who signed it: what it says counts only if it is about this image."""
        if payload_type != STATEMENT_TYPE:
            raise InvalidStatementError(f"signed content of an unknown type ({payload_type[:80]!r})")
        statement = parse_statement(payload)
        if not statement.subject_digests & self._digests:
            if signature is not None:
                self.signatures.append(Signature(SignatureState.INVALID, signature.method, detail=_OTHER_IMAGE))
            else:
                self.problems.append(f"a statement attached to it is about {_OTHER_IMAGE.removeprefix('it is for ')}")
            return
        if signature is not None:
            self.signatures.append(signature)
        if is_build(statement):
            self.provenance.append(Provenance(read_build(statement), signature))
        elif statement.predicate_type != COSIGN_SIGNATURE:
            kind, digest = statement.predicate_type[:MAX_TYPE], digest_of(item.content)
            self.documents.append(Document(name_type(kind), kind, digest, len(item.content), signature))


_NOTARY = "a Notary Project signature, a kind that is not checked here"
_UNKNOWN_KEY = "made with a key that nobody added here"
_OTHER_IMAGE = "it is for another image"


class _PublicKeyHint(msgspec.Struct):
    hint: str = ""


class _Material(msgspec.Struct, rename="camel"):
    public_key: _PublicKeyHint | None = None


class _Bundle(msgspec.Struct, rename="camel"):
    verification_material: _Material
    dsse_envelope: msgspec.Raw = msgspec.Raw()


def _enveloped_by_key(content: bytes) -> Envelope | None:
    """The envelope of a bundle that was signed with a key; None for a keyless one."""
    try:
        bundle = msgspec.json.decode(content, type=_Bundle)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidStatementError(f"not a Sigstore bundle: {str(error)[:160]}") from error
    if bundle.verification_material.public_key is None or not bytes(bundle.dsse_envelope):
        return None
    return parse_envelope(bytes(bundle.dsse_envelope))
