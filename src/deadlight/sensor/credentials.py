"""Access tokens from a short-lived child process, so that this one never loads a cryptography library."""

import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from deadlight.client.credential_process import CHILD_SECONDS, Token, parse_answer
from deadlight.client.errors import IdentityRefusedError, TokenUnavailableError
from deadlight.sensor.errors import SensorError


class NoTokenError(SensorError):
    """There is no access token now; the message is the child's own reason and advice."""


class Tokens:
    """The current token, renewed when it is about to end. For one thread."""

    def __init__(self, command: Sequence[str], *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """`command` answers as the credentials process does."""
        self._command = tuple(command)
        self._now = now
        self._token: Token | None = None

    def get(self) -> str:
        """An access token that lasts for another minute.

        Raises:
            NoTokenError: the child has none, or does not answer.
        """
        if self._token is None or not self._token.lasts(self._now()):
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
        return parse_answer(child.stdout, child.returncode)
    except IdentityRefusedError as error:
        raise NoTokenError(f"no token: {error} ({error.advice})") from error
    except (OSError, subprocess.TimeoutExpired, TokenUnavailableError) as error:
        raise NoTokenError(f"no token: {error}") from error
