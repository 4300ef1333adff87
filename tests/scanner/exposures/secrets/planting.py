"""Makes secrets from the templates of rules: random, so that no source file ever holds one.

`<base62:20>` is twenty random characters; `<crc:30>` thirty and their checksum; `<gap>` is nothing, and keeps a marker
that other scanners know apart.
"""

import base64
import json
import random
import re
import string
from collections.abc import Callable
from dataclasses import dataclass

from deadlight.scanner.exposures.secrets import secrets_scanner
from deadlight.scanner.exposures.secrets.checks import base62_checksum, grafana_checksum

SECRETS = secrets_scanner()
"""The scanner with the rules of this version."""

_ALPHABETS = {
    "hex": "0123456789abcdef",
    "hexupper": "0123456789ABCDEF",
    "base62": string.ascii_letters + string.digits,
    "letters": string.ascii_letters,
    "lower": string.ascii_lowercase + string.digits,
    "upper": string.ascii_uppercase + string.digits,
    "b32": string.ascii_uppercase + "234567",
    "bech32": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
    "b64": string.ascii_letters + string.digits + "+/",
    "b64url": string.ascii_letters + string.digits + "-_",
    "digits": string.digits,
}
_PLACE = re.compile(r"<([a-z0-9]+)(?::(\d+))?>")


@dataclass(frozen=True)
class Planted:
    """A text with secrets in it."""

    text: str
    secrets: tuple[str, ...]
    """Its random parts of eight characters or more: none may ever be seen again."""


def plant(template: str, seed: int) -> Planted:
    """The text of a template; another seed gives other secrets."""
    chance = random.Random(seed)
    secrets: list[str] = []

    def fill(place: re.Match[str]) -> str:
        made = _make(place[1], int(place[2] or 0), chance)
        if made is None:
            return place[0]
        if len(made) >= 8:
            secrets.append(made)
        return made

    text = _PLACE.sub(fill, template)
    return Planted(text, tuple(secrets))


def _make(kind: str, length: int, chance: random.Random) -> str | None:
    if length and kind in _ALPHABETS:
        return _random(_ALPHABETS[kind], length, chance)
    if kind == "crc":
        body = _random(_ALPHABETS["base62"], length, chance)
        return body + base62_checksum(body)
    if kind == "password" and length:
        return _password(length, chance)
    made = _WHOLE.get(kind)
    return made(chance) if made else None


def _random(alphabet: str, length: int, chance: random.Random) -> str:
    return "".join(chance.choice(alphabet) for _ in range(length))


def _password(length: int, chance: random.Random) -> str:
    """As a generator of passwords makes them: no repeats, letters, digits and a sign inside."""
    letters = chance.sample(string.ascii_letters, length - 4)
    return "".join([letters[0], *chance.sample(string.digits, 3), chance.choice("-_+^"), *letters[1:]])


def _grafana(chance: random.Random) -> str:
    body = "glsa_" + _random(_ALPHABETS["base62"], 32, chance)
    return f"{body}_{grafana_checksum(body)}"


def _uuid(chance: random.Random) -> str:
    return "-".join(_random(_ALPHABETS["hex"], length, chance) for length in (8, 4, 4, 4, 12))


def _url_base64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _jwt(claims: dict[str, str], chance: random.Random) -> str:
    header = _url_base64({"alg": "HS256", "typ": "JWT"})
    return f"{header}.{_url_base64(claims)}.{_random(_ALPHABETS['b64url'], 43, chance)}"


def _user_jwt(chance: random.Random) -> str:
    return _jwt({"sub": _random(_ALPHABETS["base62"], 12, chance), "iss": "acme"}, chance)


def _kubernetes_jwt(chance: random.Random) -> str:
    subject = "system:serviceaccount:shop:" + _random(_ALPHABETS["lower"], 8, chance)
    return _jwt({"kubernetes.io/serviceaccount/namespace": "shop", "sub": subject}, chance)


def _john_doe(chance: random.Random) -> str:
    return _jwt({"sub": "1234567890", "name": "John Doe"}, chance)


def _basic(chance: random.Random) -> str:
    return base64.b64encode(f"bob:{_password(14, chance)}".encode()).decode()


def _encoded_key(chance: random.Random) -> str:
    body = _random(_ALPHABETS["b64"], 64, chance)
    pem = f"-----BEGIN PRIVATE {''}KEY-----\n{body}\n-----END PRIVATE {''}KEY-----\n"
    return base64.b64encode(pem.encode()).decode()


def _openssh(cipher: bytes, chance: random.Random) -> str:
    head = b"openssh-key-v1\0" + len(cipher).to_bytes(4, "big") + cipher
    return base64.b64encode(head + chance.randbytes(180)).decode()


_WHOLE: dict[str, Callable[[random.Random], str]] = {
    "gap": lambda _: "",
    "grafana": _grafana,
    "uuid": _uuid,
    "jwt": _user_jwt,
    "k8sjwt": _kubernetes_jwt,
    "johndoe": _john_doe,
    "basic": _basic,
    "encodedkey": _encoded_key,
    "opensshkey": lambda chance: _openssh(b"none", chance),
    "lockedopensshkey": lambda chance: _openssh(b"aes256-ctr", chance),
}
