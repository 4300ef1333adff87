"""Who we are at AWS: keys a person entered, or the role of the service's own pod.

EKS gives a pod a web identity token in a file and names the role in its environment ("IAM roles for service
accounts"); the Security Token Service exchanges it for keys (AssumeRoleWithWebIdentity).
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

import aiohttp
from yarl import URL

from deadlight.registry.endpoint import Endpoint, TlsTrust
from deadlight.registry.errors import InvalidEndpointError, MalformedAnswerError
from deadlight.registry.leases import Lease, Leased
from deadlight.registry.limits import Timing
from deadlight.registry.times import parse_time
from deadlight.registry.tokens import LONGEST_LIFE_SECONDS, SHORTEST_LIFE_SECONDS, TokenServer, read_token_file
from deadlight.registry.types.amazon.signing import AwsKeys

Keys = Callable[[], Awaitable[AwsKeys]]
"""Gives the keys that are good now."""

_FIELDS = re.compile(r"<(AccessKeyId|SecretAccessKey|SessionToken|Expiration)>([^<>&]{1,8192})</")


def keys_of(
    endpoint: Endpoint, sts: URL, session: aiohttp.ClientSession, timing: Timing, environment: Mapping[str, str]
) -> Keys:
    """The keys for an endpoint: its user name and password, or else those that the environment's role is lent.

    Raises:
        InvalidEndpointError: there are none.
    """
    if endpoint.username:
        entered = _entered(endpoint)

        async def give() -> AwsKeys:
            return entered

        return give
    role, token_file = environment.get("AWS_ROLE_ARN", ""), environment.get("AWS_WEB_IDENTITY_TOKEN_FILE", "")
    if not role or not token_file:
        raise InvalidEndpointError(
            f"registry {endpoint.host}: enter an access key ID as user name and its secret access key as password, "
            "or run the service with an IAM role for its service account"
        )
    server = TokenServer(sts, session, trust=TlsTrust.of(endpoint), timing=timing)
    name = environment.get("AWS_ROLE_SESSION_NAME", "deadlight")
    return Leased(lambda: _assume(server, role, name, token_file, timing), timing).get


def _entered(endpoint: Endpoint) -> AwsKeys:
    """A session token may follow the secret access key, after a space."""
    secret, _, token = endpoint.password.strip().partition(" ")
    return AwsKeys(endpoint.username, secret, token.strip())


async def _assume(server: TokenServer, role: str, name: str, token_file: str, timing: Timing) -> Lease[AwsKeys]:
    form = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": role,
        "RoleSessionName": name,
        "WebIdentityToken": await read_token_file(token_file, "AWS"),
    }
    answer = await server.post_form("", form)
    return _read_keys(server.name, answer, timing.now())


def _read_keys(server: str, content: bytes, now: datetime) -> Lease[AwsKeys]:
    """The credentials in an answer. It is XML, of which these four plain elements are all that matters."""
    found = dict(_FIELDS.findall(content.decode("utf-8", "replace")))
    if not {"AccessKeyId", "SecretAccessKey", "SessionToken"} <= found.keys():
        raise MalformedAnswerError(server, "it gives no keys")
    ends_at = parse_time(found.get("Expiration", "")) or datetime.min.replace(tzinfo=UTC)
    seconds = min(max((ends_at - now).total_seconds(), SHORTEST_LIFE_SECONDS), LONGEST_LIFE_SECONDS)
    return Lease(AwsKeys(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]), seconds)
