"""Whose signatures count: public keys and keyless identities that the user trusts. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey


class InvalidKeyError(ValueError):
    """A text that is not a public key of a kind that signs images; it says why."""


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key and what it is called here."""

    name: str
    pem: str

    def load(self) -> PublicKey:
        """The key itself; raises InvalidKeyError."""
        return load_public_key(self.pem)


@dataclass(frozen=True, slots=True)
class TrustedIdentity:
    """Who may sign without a key of their own: an identity as an OpenID issuer names it."""

    identity: str
    """A pattern (`*` and `?`): an e-mail address, or the address of a workflow."""
    issuer: str
    """Exactly as the certificate names it: `https://token.actions.githubusercontent.com`."""

    def covers(self, identity: str, issuer: str) -> bool:
        """Whether a certificate with these is trusted."""
        return issuer == self.issuer and fnmatchcase(identity, self.identity)


@dataclass(frozen=True, slots=True)
class TrustedSigners:
    """Everybody whose signature counts for an image."""

    keys: Sequence[TrustedKey] = ()
    identities: Sequence[TrustedIdentity] = ()

    def find_key(self, signature: bytes, signed: bytes) -> TrustedKey | None:
        """The key that made a signature over these bytes, or None where it is none of them."""
        return next((key for key in self.keys if _verifies(key.load(), signature, signed)), None)

    def covers(self, identity: str, issuer: str) -> bool:
        """Whether one of the identities covers a certificate with these."""
        return any(trusted.covers(identity, issuer) for trusted in self.identities)


def load_public_key(pem: str) -> PublicKey:
    """A public key in PEM, of the kinds cosign signs with (ECDSA, Ed25519, RSA); raises InvalidKeyError."""
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidKeyError("not a public key in PEM: paste what `cosign public-key` prints") from error
    if not isinstance(key, PublicKey):
        raise InvalidKeyError(f"a {type(key).__name__.lstrip('_')} cannot sign images: ECDSA, Ed25519 or RSA can")
    return key


def _verifies(key: PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        match key:
            case ec.EllipticCurvePublicKey():
                key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
            case rsa.RSAPublicKey():
                key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
            case ed25519.Ed25519PublicKey():
                key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True
