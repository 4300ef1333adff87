"""Signatures without a key of one's own: Sigstore bundles, verified offline by Sigstore's own library.

A bundle carries a short-lived certificate for an identity and the proof that the signature is in a public log. The
roots that both rest on come with the library, or from a file for a private Sigstore.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.x509 import (
    Certificate,
    ExtensionNotFound,
    ObjectIdentifier,
    RFC822Name,
    SubjectAlternativeName,
    UniformResourceIdentifier,
    UnrecognizedExtension,
)

if TYPE_CHECKING:
    from sigstore.verify import Verifier

_ISSUER = ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_ISSUER_V1 = ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
"""Fulcio's certificate extensions: the issuer as a DER string, and in the older one as bare text."""


class InvalidBundleError(ValueError):
    """A bundle that proves nothing; the text says why."""


class UncheckableBundleError(InvalidBundleError):
    """A bundle that this version cannot check, which says nothing against it; the text says why."""


@dataclass(frozen=True, slots=True)
class KeylessSignature:
    """Who signed a payload, proven."""

    identity: str
    issuer: str
    signed_at: datetime | None
    payload: bytes
    payload_type: str


VerifyBundle = Callable[[bytes], KeylessSignature]
"""Verifies a bundle; raises InvalidBundleError."""


class SigstoreVerifier:
    """Verifies bundles against Sigstore's public roots as the library ships them, or those of a file.

    The library imports 300 modules, so it is only loaded when there is a bundle to verify.
    """

    def __init__(self, trusted_root: Path | None = None) -> None:
        """Remember where the roots are."""
        self._trusted_root = trusted_root

    @cached_property
    def _verifier(self) -> "Verifier":
        from sigstore.models import ClientTrustConfig, TrustedRoot  # noqa: PLC0415 - see above
        from sigstore.verify import Verifier  # noqa: PLC0415

        file = self._trusted_root
        root = TrustedRoot.from_file(str(file)) if file else ClientTrustConfig.production(offline=True).trusted_root
        return Verifier(trusted_root=root)

    def __call__(self, content: bytes) -> KeylessSignature:
        """Verify a bundle around a DSSE envelope; raises InvalidBundleError."""
        from sigstore.errors import Error  # noqa: PLC0415
        from sigstore.models import Bundle  # noqa: PLC0415

        signer = _AnySigner()
        try:
            verifier = self._verifier
        except (Error, OSError, ValueError) as error:
            raise UncheckableBundleError(f"Sigstore's roots cannot be loaded: {str(error)[:200]}") from error
        try:
            bundle = Bundle.from_json(content)
        except (Error, ValueError, RecursionError) as error:
            raise UncheckableBundleError(f"a bundle that cannot be checked here: {str(error)[:200]}") from error
        try:
            payload_type, payload = verifier.verify_dsse(bundle, signer)
        except (Error, ValueError, RecursionError) as error:
            raise InvalidBundleError(f"the signature does not hold: {str(error)[:200]}") from error
        at = bundle.signing_certificate.not_valid_before_utc.astimezone(UTC)
        return KeylessSignature(signer.identity, signer.issuer, at, payload, payload_type)


class _AnySigner:
    """Notes who signed; whether that counts is decided by the caller, for whom an unknown signer is no error."""

    identity = ""
    issuer = ""

    def verify(self, cert: Certificate) -> None:
        """Sigstore's protocol of a policy."""
        self.identity, self.issuer = _identity(cert), _issuer(cert)


def _identity(certificate: Certificate) -> str:
    try:
        names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    except ExtensionNotFound:
        return ""
    found = [*names.get_values_for_type(UniformResourceIdentifier), *names.get_values_for_type(RFC822Name)]
    return next(iter(found), "")


def _issuer(certificate: Certificate) -> str:
    for oid, prefix in ((_ISSUER, 2), (_ISSUER_V1, 0)):
        try:
            extension = certificate.extensions.get_extension_for_oid(oid).value
        except ExtensionNotFound:
            continue
        if isinstance(extension, UnrecognizedExtension):
            return extension.value[prefix:].decode("utf-8", errors="replace")
    return ""
