"""Access tokens from a short-lived child process, so that this one never loads a cryptography library."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from deadlight.sensor.errors import SensorError

CHILD_SECONDS = 60.0
"""Longer than the child's own two requests may take."""

RENEW_BEFORE = timedelta(seconds=60)
"""How long before its end a token is replaced."""


class NoTokenError(SensorError):
    """There is no access token now; the message is the child's own reason and advice."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What the child prints."""

    access_token: str
    expires_at: datetime
    agent_id: str
    cluster_id: str


class _Failure(msgspec.Struct, frozen=True):
    error: str
    advice: str


class Tokens:
    """The current token, renewed when it is about to end. For one thread."""

    def __init__(self, command: Sequence[str], *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """`command` prints a token as one JSON line, or `{"error", "advice"}` and ends with another code than 0."""
        self._command = tuple(command)
        self._now = now
        self._token: Token | None = None

    def get(self) -> str:
        """An access token that lasts for another minute.

        Raises:
            NoTokenError: the child has none, or does not answer.
        """
        if self._token is None or self._token.expires_at - self._now() < RENEW_BEFORE:
            self._token = _fetch(self._command)
        return self._token.access_token

    def discard(self) -> None:
        """Forget the token: the service refused it."""
        self._token = None


def _fetch(command: Sequence[str]) -> Token:
    try:
        child = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=CHILD_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoTokenError(f"no token: {error}") from error
    try:
        if child.returncode == 0:
            return msgspec.json.decode(child.stdout, type=Token)
        failure = msgspec.json.decode(child.stdout, type=_Failure)
    except msgspec.DecodeError as error:
        code = child.returncode
        raise NoTokenError(f"no token: the credentials process ended with {code} and without an answer") from error
    raise NoTokenError(f"no token: {failure.error} ({failure.advice})")


def credentials_command(
    *,
    server: str,
    state: Path,
    cluster_uid: str,
    cluster_name: str,
    node: str,
    registration_token_file: Path | None,
    ca_file: Path | None,
) -> tuple[str, ...]:
    """The command of the product's own child. Without a file it reads the registration token from its environment."""
    options = {
        "--server": server,
        "--state": state,
        "--kind": "sensor",
        "--cluster-uid": cluster_uid,
        "--cluster-name": cluster_name,
        "--node": node,
        "--registration-token-file": registration_token_file,
        "--ca-file": ca_file,
    }
    # -P: the working directory is no place to import a security agent's modules from.
    child = (sys.executable, "-P", "-m", "deadlight.client.credentials")
    return (*child, *(f"{name}={value}" for name, value in options.items() if value))
