"""Posting JSON and reading what the answer means."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

from deadlight.server.workers.notifiers.notifier import (
    MAX_RESPONSE_CHARACTERS,
    Receipt,
    RefusedError,
    RetryableError,
    Transport,
)

_RETRYABLE = frozenset({408, 425, 429})


async def post(transport: Transport, url: str, body: bytes, headers: Mapping[str, str]) -> Receipt:
    """Send a body; a 2xx answer is a receipt.

    Raises:
        RetryableError: not reached, too slow, 408, 425, 429 or 5xx.
        RefusedError: any other answer, or an address that must not be reached.
    """
    try:
        async with transport.http.post(
            url,
            data=body,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=transport.timeout_seconds),
        ) as response:
            text = (await response.content.read(MAX_RESPONSE_CHARACTERS)).decode(errors="replace")
            return _judge(Receipt(response.status, text), response.headers)
    except ValueError:  # aiohttp.InvalidURL is one
        raise RefusedError("the address, or a header, cannot be used") from None
    except aiohttp.ClientError as error:
        raise RetryableError(f"not reached: {_cause(error)}") from None
    except TimeoutError:
        raise RetryableError(f"no answer within {transport.timeout_seconds:g} seconds") from None


def _cause(error: aiohttp.ClientError) -> str:
    """What happened, without the path of the address, which may be a secret and ends aiohttp's own text."""
    text = error.message if isinstance(error, aiohttp.ClientResponseError) else str(error)
    return text or type(error).__name__


def _judge(receipt: Receipt, headers: Mapping[str, str]) -> Receipt:
    status = receipt.status_code or 0
    if 200 <= status < 300:
        return receipt
    if status in _RETRYABLE or status >= 500:
        raise RetryableError(f"answered {status}", receipt, _retry_after(headers))
    raise RefusedError(f"answered {status}", receipt)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: the header holds them, or a date (RFC 9110, section 10.2.3)."""
    text = headers.get("Retry-After", "")
    if text.isdecimal() and len(text) < 7:
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):  # no date, one without a zone, or one beyond all calendars
        return None
