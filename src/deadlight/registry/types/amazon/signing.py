"""AWS Signature Version 4 (AWS's documentation, "Create a signed AWS API request"), for requests to `/`. Pure."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """Who we are at AWS. The secret key is never sent: requests are signed with it."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)
    """Where the keys are lent."""


def sign(
    method: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    keys: AwsKeys,
    region: str,
    service: str,
    at: datetime,
) -> dict[str, str]:
    """The headers with the signature: all of them are signed, and `Host` must be among them."""
    moment, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    extra = {"X-Amz-Date": moment} | ({"X-Amz-Security-Token": keys.session_token} if keys.session_token else {})
    sent = {**headers, **extra}
    canonical = {name.lower(): " ".join(value.split()) for name, value in sent.items()}
    names = sorted(canonical)
    lines = "".join(f"{name}:{canonical[name]}\n" for name in names)
    request = "\n".join((method, "/", "", lines, ";".join(names), sha256(body).hexdigest()))
    scope = f"{day}/{region}/{service}/aws4_request"
    to_sign = "\n".join((_ALGORITHM, moment, scope, sha256(request.encode()).hexdigest()))
    signature = hmac.digest(_signing_key(keys, scope), to_sign.encode(), "sha256").hex()
    credential = f"Credential={keys.access_key_id}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return sent | {"Authorization": f"{_ALGORITHM} {credential}"}


def _signing_key(keys: AwsKeys, scope: str) -> bytes:
    key = b"AWS4" + keys.secret_access_key.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
