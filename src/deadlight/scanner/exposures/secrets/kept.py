"""What is stored of the secrets of one file of one layer: where they are, never what they are."""

import msgspec

MAX_SECRETS = 50
"""Of one file."""


class KeptSecret(msgspec.Struct, frozen=True, array_like=True):
    """A secret without the secret."""

    rule: str
    line: int
    """From 1; 0 where the whole file is meant."""
    column: int
    """From 1, in bytes."""
    evidence: str
    fingerprint: str
    places: int = 1
    """How often it stands in the file."""


class KeptSecrets(msgspec.Struct, frozen=True, array_like=True):
    """The secrets of one file, by position."""

    secrets: tuple[KeptSecret, ...]
    is_cut: bool = False
    """Whether there may be more, that were not looked for."""


_DECODER = msgspec.json.Decoder(KeptSecrets)


def encode(kept: KeptSecrets) -> bytes:
    """As bytes to be stored."""
    return msgspec.json.encode(kept)


def decode(content: bytes) -> KeptSecrets:
    """From stored bytes.

    Raises:
        msgspec.DecodeError: they are not what `encode` wrote.
    """
    return _DECODER.decode(content)
