"""The scanner of secrets: what it reads of layers, and what it makes of an image."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from deadlight.model.exposure import ExposureCategory
from deadlight.model.image import ImageSettings
from deadlight.scanner.exposures.exposure_scanner import ExposureScanner, Judgement, KeptFile
from deadlight.scanner.exposures.secrets.kept import encode
from deadlight.scanner.exposures.secrets.paths import is_named_for_secrets, may_hold_secrets
from deadlight.scanner.exposures.secrets.rules import SecretRule, load_rules, read_rule_files

if TYPE_CHECKING:
    from deadlight.scanner.exposures.secrets.engine import Engine
    from deadlight.scanner.exposures.secrets.judgement import Judge

DEFAULT_SALT = b"deadlight: fingerprints of secrets, for whoever keeps none of their own"
"""For the command line, which stores nothing. A service gives its own: who has the salt can try out weak passwords."""

MAX_BYTES = 5 << 20
"""Of one file. Larger texts are data: dumps, logs, bundles."""

_CODE_VERSION = 1
"""Raise it when the same rules would find something else."""


def secrets_scanner(salt: bytes = DEFAULT_SALT, rules: tuple[SecretRule, ...] | None = None) -> ExposureScanner:
    """A scanner whose fingerprints are made with a salt, by the rules that come with this version or by given ones.

    Rules are read and compiled when the first file is. The version stands for the rules and the salt as well, so that
    layers are read again when either changes.
    """
    work = _Work(salt, rules)
    return ExposureScanner(
        name=ExposureCategory.SECRETS.value,
        version=_version(salt, rules),
        category=ExposureCategory.SECRETS,
        wants=may_hold_secrets,
        take=work.take,
        judge=work.judge,
        tells_unread=is_named_for_secrets,
        max_bytes=MAX_BYTES,
    )


def _version(salt: bytes, rules: tuple[SecretRule, ...] | None) -> int:
    """31 bits over everything that decides what is kept of a file."""
    said = "".join(read_rule_files().values()) if rules is None else repr(rules)
    return int.from_bytes(sha256(f"{_CODE_VERSION}\0{salt.hex()}\0{said}".encode()).digest()[:4], "big") >> 1


@dataclass
class _Work:
    """What the scanner needs, once it is asked for something."""

    salt: bytes
    given: tuple[SecretRule, ...] | None

    @cached_property
    def rules(self) -> tuple[SecretRule, ...]:
        return load_rules() if self.given is None else self.given

    @cached_property
    def engine(self) -> "Engine":
        from deadlight.scanner.exposures.secrets.engine import Engine  # noqa: PLC0415 - what never scans pays nothing

        return Engine(self.rules)

    @cached_property
    def judge_of_images(self) -> "Judge":
        from deadlight.scanner.exposures.secrets.judgement import Judge  # noqa: PLC0415 - see above

        return Judge(self.engine, self.salt, self.rules)

    def take(self, path: str, content: bytes) -> bytes | None:
        from deadlight.scanner.exposures.secrets.reading import read_secrets  # noqa: PLC0415 - see above

        kept = read_secrets(self.engine, self.salt, path, content)
        return encode(kept) if kept.secrets or kept.is_cut else None

    def judge(self, files: Sequence[KeptFile], settings: ImageSettings) -> Judgement:
        return self.judge_of_images.judge(files, settings)
