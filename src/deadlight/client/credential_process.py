"""The child process that brings an agent's access tokens: how it is called and what it answers.

Agents that live long never load a cryptography library, and the sensor not even asyncio: each runs the child in its own
way and reads its answer here.
"""

import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from deadlight.client.errors import ExitCode, IdentityRefusedError, TokenUnavailableError

CHILD_SECONDS = 60.0
"""Longer than the child's own two requests may take."""

RENEW_BEFORE = timedelta(seconds=60)
"""How long before its end a token is replaced."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What the child prints."""

    access_token: str
    expires_at: datetime
    agent_id: str
    cluster_id: str

    def lasts(self, now: datetime) -> bool:
        """Whether it is good for another minute."""
        return self.expires_at - now >= RENEW_BEFORE


class _Failure(msgspec.Struct, frozen=True):
    error: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who an agent is and where it keeps its key. Without `registration_token_file` the child reads its environment."""

    server: str
    state: Path
    kind: str
    cluster_uid: str
    cluster_name: str
    node: str = ""
    registration_token_file: Path | None = None
    ca_file: Path | None = None
    demonstration: bool = False

    def command(self) -> tuple[str, ...]:
        """The child's command line."""
        options = {
            "--server": self.server,
            "--state": self.state,
            "--kind": self.kind,
            "--cluster-uid": self.cluster_uid,
            "--cluster-name": self.cluster_name,
            "--node": self.node,
            "--registration-token-file": self.registration_token_file,
            "--ca-file": self.ca_file,
        }
        given = [f"{name}={value}" for name, value in options.items() if value]
        flags = ["--demonstration"] if self.demonstration else []
        # -P: the working directory is no place to import a security agent's modules from.
        return (sys.executable, "-P", "-m", "deadlight.client.credentials", *given, *flags)


def parse_answer(output: bytes, code: int) -> Token:
    """The token in a child's output that ended with `code`.

    Raises:
        TokenUnavailableError: the service cannot be asked now, or the child gave no answer.
        IdentityRefusedError: the service refuses the identity, or options or state are unusable.
    """
    try:
        if code == ExitCode.OK:
            return msgspec.json.decode(output, type=Token)
        failure = msgspec.json.decode(output, type=_Failure)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TokenUnavailableError(f"the credentials process ended with {code} and without an answer") from error
    if code == ExitCode.UNAVAILABLE:
        raise TokenUnavailableError(failure.error)
    raise IdentityRefusedError(failure.error, failure.advice)
