"""Access tokens of an agent: fetched by a short-lived child process, kept while they last."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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


FetchToken = Callable[[], Awaitable[Token]]


class TokenHolder:
    """The current token. However many requests find it missing, one child runs."""

    def __init__(self, fetch: FetchToken, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._fetch = fetch
        self._now = now
        self._token: Token | None = None
        self._fetching = asyncio.Lock()

    async def get(self) -> Token:
        """A token that still lasts a minute, or a new one.

        Raises:
            TokenUnavailableError: not now.
            IdentityRefusedError: not without a person's help.
        """
        async with self._fetching:
            if self._token is None or self._token.expires_at - self._now() < RENEW_BEFORE:
                self._token = await self._fetch()
            return self._token

    def discard(self, token: Token) -> None:
        """Forget `token`, which the service refused; a newer one stays."""
        if self._token is token:
            self._token = None


async def fetch_token(identity: Identity) -> Token:
    """Run `python -m deadlight.client.credentials` once.

    Raises:
        TokenUnavailableError: the service cannot be asked now, or the child did not answer in time.
        IdentityRefusedError: the service refuses the identity, or options or state are unusable.
    """
    # -P: the working directory is no place to import a security agent's modules from.
    command = [sys.executable, "-P", "-m", "deadlight.client.credentials", *_arguments(identity)]
    process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE)
    try:
        async with asyncio.timeout(CHILD_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        raise TokenUnavailableError(f"no token within {CHILD_SECONDS:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _parse(output, process.returncode or 0)


def _parse(output: bytes, code: int) -> Token:
    try:
        if code == 0:
            return msgspec.json.decode(output, type=Token)
        failure = msgspec.json.decode(output, type=_Failure)
    except msgspec.DecodeError as error:
        raise TokenUnavailableError(f"the credentials process ended with {code} and without an answer") from error
    if code == ExitCode.UNAVAILABLE:
        raise TokenUnavailableError(failure.error)
    raise IdentityRefusedError(failure.error, failure.advice)


def _arguments(identity: Identity) -> list[str]:
    options = {
        "--server": identity.server,
        "--state": str(identity.state),
        "--kind": identity.kind,
        "--cluster-uid": identity.cluster_uid,
        "--cluster-name": identity.cluster_name,
        "--node": identity.node,
        "--registration-token-file": str(identity.registration_token_file or ""),
        "--ca-file": str(identity.ca_file or ""),
    }
    given = [f"{name}={value}" for name, value in options.items() if value]
    return [*given, "--demonstration"] if identity.demonstration else given
