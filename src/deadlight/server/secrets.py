"""Secrets at rest: one key from the settings, one derived key per purpose."""

import base64
import hashlib
import hmac
import secrets

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

TOKEN_BYTES = 32
"""256 random bits: not guessable, so that a plain SHA-256 is enough to store them by."""


class UndecipherableError(Exception):
    """A stored secret was encrypted with another secret key."""


def derive_key(secret_key: str, purpose: str) -> bytes:
    """32 bytes for one purpose (HKDF-SHA256, RFC 5869), so that a leak of one says nothing about another."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"deadlight {purpose}".encode()).derive(
        secret_key.encode()
    )


class Cipher:
    """Encrypts what has to be read back, such as registry passwords and webhook addresses."""

    def __init__(self, secret_key: str) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(derive_key(secret_key, "stored credentials")))

    def encrypt(self, text: str) -> bytes:
        """Authenticated encryption (Fernet: AES-128-CBC with HMAC-SHA256)."""
        return self._fernet.encrypt(text.encode())

    def decrypt(self, blob: bytes) -> str:
        """The text again; raises UndecipherableError when the secret key is not the one it was written with."""
        try:
            return self._fernet.decrypt(blob).decode()
        except InvalidToken:
            raise UndecipherableError(
                "a stored credential cannot be decrypted: DEADLIGHT_SECRET_KEY differs from the one it was saved with; "
                "restore that key or enter the credential again"
            ) from None


def new_token(prefix: str) -> str:
    """A fresh random token. The prefix lets secret scanners and people recognise it."""
    return f"{prefix}_{secrets.token_urlsafe(TOKEN_BYTES)}"


def token_hash(token: str) -> bytes:
    """What is stored and looked up in a token's place."""
    return hashlib.sha256(token.encode()).digest()


def same(left: str, right: str) -> bool:
    """Compare secrets without telling by the time it takes how much of them agrees."""
    return hmac.compare_digest(left.encode(), right.encode())
