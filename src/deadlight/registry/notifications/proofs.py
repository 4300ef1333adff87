"""How senders prove who they are: a secret in a header, a signature of the body, a token in the address.

All comparisons take the same time whatever differs. None of the products puts the time into what it signs, so a
delivery that somebody overheard can be repeated; it then only makes us look again.
"""

import hmac
from base64 import b64decode

from deadlight.registry.notifications.notification import Delivery

_MAX_HEADER_CHARACTERS = 4096


def authorization(delivery: Delivery, secret: str) -> bool:
    """The secret as `Authorization` header: as it is, as a Bearer token or as the password of Basic."""
    return sent_in(delivery, "authorization", secret)


def sent_in(delivery: Delivery, header: str, secret: str) -> bool:
    """The secret in a header: as it is, as a Bearer token or as the password of Basic."""
    value = delivery.headers.get(header, "")[:_MAX_HEADER_CHARACTERS]
    return equal(value, secret) | equal(_credential(value), secret)


def signed_in(delivery: Delivery, header: str, secret: str) -> bool:
    """HMAC-SHA256 of the body with the secret in a header, in hexadecimal, with or without `sha256=` before it."""
    expected = hmac.digest(secret.encode("utf-8", "replace"), delivery.body, "sha256").hex()
    stated = delivery.headers.get(header, "")[:_MAX_HEADER_CHARACTERS].strip().lower()
    return equal(stated.removeprefix("sha256="), expected)


def address(delivery: Delivery, secret: str) -> bool:
    """The secret as the parameter `token` of the address, for products that can send nothing else."""
    return equal(delivery.url_token, secret)


def equal(stated: str, secret: str) -> bool:
    """Whether two texts are equal, in a time that depends on their lengths alone."""
    return hmac.compare_digest(stated.encode("utf-8", "backslashreplace"), secret.encode("utf-8", "backslashreplace"))


def _credential(value: str) -> str:
    """The token or password of an `Authorization` value; empty where it is of another scheme."""
    scheme, _, rest = value.strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return rest.strip()
        case "basic":
            return _password(rest.strip())
        case _:
            return ""


def _password(encoded: str) -> str:
    try:
        return b64decode(encoded, validate=True).decode().partition(":")[2]
    except ValueError:  # binascii.Error and UnicodeDecodeError are both
        return ""
