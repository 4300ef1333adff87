"""What can be told of a secret by itself, beyond its look: checksums, and what lies inside of an encoding."""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from deadlight.scanner.exposures.secrets.plausibility import is_words

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM_LENGTH = 6
_MAX_DECODED = 64 * 1024


def base62_checksum(text: str) -> str:
    """CRC-32 as six base62 digits, the end of GitHub's and npm's tokens.

    Source: github.blog, "Behind GitHub's new authentication token formats" (2021), and npm's announcement of the same.
    """
    number = zlib.crc32(text.encode())
    digits = ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits


def grafana_checksum(text: str) -> str:
    """CRC-32 of `glsa_<32 characters>` in hexadecimal, least byte first (Grafana's pkg/components/satokengen)."""
    return zlib.crc32(text.encode()).to_bytes(4, "little").hex()


def _has_base62_checksum(secret: str) -> bool:
    body = secret.partition("_")[2]
    return base62_checksum(body[:-_CHECKSUM_LENGTH]) == body[-_CHECKSUM_LENGTH:]


def _has_grafana_checksum(secret: str) -> bool:
    body, _, checksum = secret.rpartition("_")
    return grafana_checksum(body) == checksum.lower()


def decode_base64(text: str) -> bytes:
    """The bytes of either alphabet, padded or not; empty for what is neither, or longer than any secret."""
    plain = text.translate(_URL_SAFE).rstrip("=")
    if len(plain) > _MAX_DECODED:
        return b""
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


_URL_SAFE = str.maketrans("-_", "+/")


def _parse_object(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(decode_base64(text))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _is_jwt(secret: str) -> bool:
    """RFC 7519: a header with an algorithm that signs, and claims; not jwt.io's John Doe."""
    header, _, rest = secret.partition(".")
    claims = _parse_object(rest.partition(".")[0])
    algorithm = _parse_object(header).get("alg")
    signs = isinstance(algorithm, str) and algorithm.lower() != "none"
    return signs and bool(claims) and claims.get("sub") != "1234567890"


def _is_kubernetes_jwt(secret: str) -> bool:
    claims = _parse_object(secret.split(".")[1]) if _is_jwt(secret) else {}
    return any(str(name).startswith("kubernetes.io") for name in claims)


def _is_basic_auth(secret: str) -> bool:
    """Base64 of `user:password`, as Docker's config.json and npm's `_auth` have it."""
    user, colon, password = decode_base64(secret).partition(b":")
    return bool(user and colon and password) and all(0x20 <= byte < 0x7F for byte in user)


def _is_encoded_key(secret: str) -> bool:
    return b"PRIVATE KEY-----" in decode_base64(secret)


def _is_plain_key(secret: str) -> bool:
    """A private key without a passphrase, as far as its container tells."""
    return not _is_locked_key(secret)


def _is_locked_key(secret: str) -> bool:
    """OpenSSH's container names its cipher (PROTOCOL.key in OpenSSH's source); older ones have headers."""
    if "ENCRYPTED" in secret[:300] or "ENCRYPTED" in secret[-60:]:
        return True
    body = re.sub(r"^[A-Z0-9 ]*PRIVATE KEY-----|\\[rnt]|\s", "", secret[:400])
    opened = decode_base64(body[:64])
    return opened.startswith(b"openssh-key-v1\0") and opened[15:23] != b"\0\0\0\x04none"


def _is_mixed(secret: str) -> bool:
    """Letters with digits, or in such an order of cases that they are no words."""
    has_digit = any(char.isdigit() for char in secret)
    return any(char.isalpha() for char in secret) and (has_digit or not is_words(secret))


def _has_digit(secret: str) -> bool:
    return any(char.isdigit() for char in secret)


CHECKS: Mapping[str, Callable[[str], bool]] = {
    "base62-crc32": _has_base62_checksum,
    "grafana-crc32": _has_grafana_checksum,
    "jwt": _is_jwt,
    "kubernetes-jwt": _is_kubernetes_jwt,
    "basic-auth": _is_basic_auth,
    "encoded-key": _is_encoded_key,
    "plain-key": _is_plain_key,
    "locked-key": _is_locked_key,
    "digit": _has_digit,
    "mixed": _is_mixed,
}
