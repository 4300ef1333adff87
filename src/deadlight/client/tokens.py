"""Access tokens of an agent: fetched by a short-lived child process, kept while they last."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from deadlight.client.credential_process import CHILD_SECONDS, Identity, Token, parse_answer
from deadlight.client.errors import TokenUnavailableError

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
            if self._token is None or not self._token.lasts(self._now()):
                self._token = await self._fetch()
            return self._token

    def discard(self, token: Token) -> None:
        """Forget `token`, which the service refused; a newer one stays."""
        if self._token is token:
            self._token = None


async def fetch_token(identity: Identity) -> Token:
    """Run the child once.

    Raises:
        TokenUnavailableError, IdentityRefusedError: as `parse_answer`; also where the child does not answer in time.
    """
    process = await asyncio.create_subprocess_exec(*identity.command(), stdin=DEVNULL, stdout=PIPE)
    try:
        async with asyncio.timeout(CHILD_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        raise TokenUnavailableError(f"no token within {CHILD_SECONDS:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return parse_answer(output, process.returncode or 0)
