"""Who asks a double of a registry's product API, by the header that comes with the request."""

from base64 import b64decode
from binascii import Error
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from aiohttp import web
from tests.support.registries import TEST_HEADER


@dataclass(frozen=True)
class Account:
    """An account with what it may do, in the double's own words. A nameless one has not signed in."""

    name: str
    password: str = field(default="", repr=False)
    rights: frozenset[str] = frozenset()


ANONYMOUS = Account("")
ASKING = web.RequestKey("asking", Account)
"""Where a double notes who asks."""


def find_account(request: web.Request, accounts: Iterable[Account], pusher: Account) -> Account | None:
    """Who asks: `pusher` where a test pushes, nobody without a header, None with credentials that are wrong."""
    if TEST_HEADER in request.headers:
        return pusher
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        return ANONYMOUS
    try:
        login = b64decode(given, validate=True).decode() if scheme == "Basic" else None
    except (Error, UnicodeDecodeError):
        return None
    for account in accounts:
        if (scheme == "Bearer" and given == account.password) or login == f"{account.name}:{account.password}":
            return account
    return None


class Calendar:
    """The double's time: every push is a minute after the one before."""

    def __init__(self) -> None:
        self._minutes = count(1)

    def next(self) -> datetime:
        """The time of the next thing that happens."""
        return datetime(2026, 3, 1, 8, tzinfo=UTC) + timedelta(minutes=next(self._minutes))


def written(time: datetime) -> str:
    """As Java and Go write times, to the millisecond."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
