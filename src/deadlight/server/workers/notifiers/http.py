"""Posting JSON and reading what the answer means."""

from collections.abc import Mapping

import aiohttp

from deadlight.server.workers.notifiers.notifier import (
    MAX_RESPONSE_CHARACTERS,
    SEND_TIMEOUT_SECONDS,
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
            timeout=aiohttp.ClientTimeout(total=SEND_TIMEOUT_SECONDS),
        ) as response:
            text = (await response.content.read(MAX_RESPONSE_CHARACTERS)).decode(errors="replace")
            return _judge(Receipt(response.status, text), response.headers)
    except (aiohttp.InvalidURL, ValueError) as error:
        raise RefusedError(f"not a usable address: {error}") from None
    except aiohttp.ClientError as error:
        raise RetryableError(f"not reached: {error}") from None
    except TimeoutError:
        raise RetryableError(f"no answer within {SEND_TIMEOUT_SECONDS:.0f} seconds") from None


def _judge(receipt: Receipt, headers: Mapping[str, str]) -> Receipt:
    status = receipt.status_code or 0
    if 200 <= status < 300:
        return receipt
    if status in _RETRYABLE or status >= 500:
        raise RetryableError(f"answered {status}", receipt, _retry_after(headers))
    raise RefusedError(f"answered {status}", receipt)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("Retry-After", "")
    return float(text) if text.isdecimal() and len(text) < 7 else None
