"""Signatures without a key of one's own: Sigstore bundles, verified offline by Sigstore's own library.

A bundle carries a short-lived certificate for an identity and the proof that the signature is in a public log. The
roots that both rest on come with the library, or from a file for a private Sigstore.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.x509 import (
    Certificate,
    ExtensionNotFound,
    ObjectIdentifier,
    RFC822Name,
    SubjectAlternativeName,
    UniformResourceIdentifier,
    UnrecognizedExtension,
)

MAX_BUNDLE_BYTES = 4 * 1024 * 1024

_ISSUER = ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_ISSUER_V1 = ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
"""Fulcio's certificate extensions: the issuer as a DER string, and in the older one as bare text."""


class InvalidBundleError(ValueError):
    """A bundle that proves nothing; the text says why."""


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
    """Verifies bundles against Sigstore's public roots as the library ships them, or those of a file."""

    def __init__(self, trusted_root: Path | None = None) -> None:
        """Load the roots; raises InvalidBundleError where the file is not a trusted root."""
        # Here, because it imports 300 modules that only who verifies a bundle needs.
        from sigstore.errors import Error  # noqa: PLC0415
        from sigstore.models import ClientTrustConfig, TrustedRoot  # noqa: PLC0415
        from sigstore.verify import Verifier  # noqa: PLC0415

        try:
            root = (
                TrustedRoot.from_file(str(trusted_root))
                if trusted_root
                else ClientTrustConfig.production(offline=True).trusted_root
            )
            self._verifier = Verifier(trusted_root=root)
        except (Error, OSError, ValueError) as error:
            raise InvalidBundleError(f"Sigstore's roots cannot be loaded: {str(error)[:200]}") from error

    def __call__(self, content: bytes) -> KeylessSignature:
        """Verify a bundle around a DSSE envelope; raises InvalidBundleError."""
        from sigstore.errors import Error  # noqa: PLC0415
        from sigstore.models import Bundle  # noqa: PLC0415

        signer = _AnySigner()
        try:
            bundle = Bundle.from_json(content)
            payload_type, payload = self._verifier.verify_dsse(bundle, signer)
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
