"""What an HTTP answer means when it is not the content that was asked for. Pure: answers in, errors out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus

import msgspec
from yarl import URL

from deadlight.registry.errors import MalformedAnswerError, TransientError, UnavailableError
from deadlight.registry.limits import UNSAID_QUIET_SECONDS

_ABSENT = frozenset({"MANIFEST_UNKNOWN", "NAME_UNKNOWN", "BLOB_UNKNOWN", "NOT_FOUND"})
"""Error codes that say "no such thing": those of the OCI distribution specification, and Harbor's own."""

_PASSING = frozenset({502, 503, 504})
_UNPRINTABLE = re.compile(r"[^ -~]+")


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer."""

    url: URL
    """What answered, after redirects."""
    redirected: bool
    """Whether that is another host than the one asked."""
    status: int
    headers: Mapping[str, str]
    """Case-insensitive."""
    body: bytes

    @property
    def registry(self) -> str:
        """The host that answered, for messages."""
        return host_of(self.url)

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()


class _Error(msgspec.Struct):
    code: str = ""


class _Errors(msgspec.Struct):
    errors: list[_Error]


def host_of(url: URL) -> str:
    """Host of a URL, and its port where that is not the scheme's own, as people write it."""
    return url.host_port_subcomponent or str(url)


def printable(text: str, limit: int = 80) -> str:
    """Foreign text made fit for a message: printable ASCII only, at most `limit` characters."""
    return _UNPRINTABLE.sub("?", text[: 4 * limit])[:limit]


def error_codes(body: bytes) -> tuple[str, ...]:
    """The codes of a registry's error document; empty where `body` is not one."""
    try:
        return tuple(error.code for error in msgspec.json.decode(body, type=_Errors).errors)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return ()


def is_html(answer: Answer) -> bool:
    """Whether a person, not a registry client, was answered."""
    return "html" in answer.content_type or answer.body.lstrip()[:1] == b"<"


def states_absence(answer: Answer) -> bool | None:
    """Read a 404: True where a registry says "no such thing", False where something else talks, None for silence."""
    codes = error_codes(answer.body)
    if codes:
        return _ABSENT.issuperset(codes)
    return False if answer.redirected or is_html(answer) else None


def is_version_check(answer: Answer) -> bool:
    """Whether an answer to `GET /v2/` is a registry's (OCI distribution specification, "Determining Support")."""
    if answer.status != HTTPStatus.OK or is_html(answer):
        return False
    if answer.headers.get("Docker-Distribution-Api-Version", "").startswith("registry/2"):
        return True
    return not answer.body.strip() or answer.body.lstrip()[:1] == b"{"


def is_limited(answer: Answer) -> bool:
    """Whether our requests are limited: 429, or what GitHub says instead."""
    used_up = answer.headers.get("X-RateLimit-Remaining", "").strip() == "0"
    return answer.status == HTTPStatus.TOO_MANY_REQUESTS or (answer.status == HTTPStatus.FORBIDDEN and used_up)


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """The wait that `Retry-After` asks for (RFC 9110, section 10.2.3); a date is read relative to the answer's own.

    Docker Hub and GitHub write the moment in seconds since 1970 into headers of their own.
    """
    value = headers.get("Retry-After", "").strip()
    if not value:
        value = _as_date(headers.get("X-Retry-After") or headers.get("X-RateLimit-Reset") or "")
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        until = _parse_date(value)
        return max(0.0, (until - _parse_date(headers.get("Date", ""))).total_seconds())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _as_date(epoch: str) -> str:
    number = epoch.strip()
    plausible = number.isascii() and number.isdigit() and 9 <= len(number) <= 10
    return formatdate(int(number), usegmt=True) if plausible else ""


def _parse_date(text: str) -> datetime:
    date = parsedate_to_datetime(text)
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def refusal(answer: Answer) -> UnavailableError:
    """The error for an answer that neither is the content nor says that there is none."""
    registry, wait = answer.registry, retry_after_seconds(answer.headers)
    named = _name(answer)
    match answer.status:
        case _ if is_limited(answer):
            wait = UNSAID_QUIET_SECONDS if wait is None else wait
            return TransientError(registry, f"it limits our requests ({named})", retry_after_seconds=wait)
        case status if status in _PASSING:
            return TransientError(registry, f"it is out of order ({named})", retry_after_seconds=wait)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return UnavailableError(registry, f"it does not let us in ({named})")
        case HTTPStatus.NOT_FOUND:
            return MalformedAnswerError(registry, f"no registry answers there ({named}, {_describe(answer)})")
        case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return UnavailableError(registry, f"it failed ({named})", retry_after_seconds=wait)
        case _:
            return MalformedAnswerError(registry, f"unexpected answer ({named}, {_describe(answer)})")


def _name(answer: Answer) -> str:
    """Status, its phrase and the registry's first error code: `403 Forbidden, DENIED`."""
    try:
        phrase = " " + HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = ""
    code = printable(next(iter(error_codes(answer.body)), ""), 40)
    return f"{answer.status}{phrase}" + (f", {code}" if code else "")


def _describe(answer: Answer) -> str:
    return printable(answer.content_type) or "no content type"
