"""Access tokens from a short-lived child process, so that this one never loads a cryptography library."""

import subprocess
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from deadlight.client.credential_process import CHILD_SECONDS, RENEW_BEFORE, Token, parse_answer
from deadlight.client.errors import IdentityRefusedError, TokenUnavailableError
from deadlight.sensor.errors import SensorError

LAST_USE = timedelta(seconds=10)
"""How long before its end a token is used no more, even where a new one takes its time."""


class NoTokenError(SensorError):
    """There is no access token now; the message is the child's own reason and advice."""


class Tokens:
    """The current token, renewed when it is about to end. For all threads: one fetches, the others wait for it."""

    def __init__(self, command: Sequence[str], *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """`command` answers as the credentials process does."""
        self._command = tuple(command)
        self._now = now
        self._token: Token | None = None
        self._fetching = threading.Lock()

    def get(self) -> str:
        """An access token that lasts for another minute, or, while another thread gets that, for some seconds.

        Raises:
            NoTokenError: the child has none, or does not answer.
        """
        token = self._token
        if token and token.expires_at - self._now() >= (LAST_USE if self._fetching.locked() else RENEW_BEFORE):
            return token.access_token
        with self._fetching:
            if self._token is None or not self._token.lasts(self._now()):
                self._token = _fetch(self._command)
            return self._token.access_token

    def discard(self, access_token: str) -> None:
        """Forget a token that the service refused, unless it has been replaced already."""
        token = self._token
        if token and token.access_token == access_token:
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
