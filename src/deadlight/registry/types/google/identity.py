"""Who we are at Google: a service account by its key, which signs for access tokens of an hour.

As Google documents it ("Using OAuth 2.0 for server to server applications"). The address of the token server that a
key file names is not used: the key's signature is meant for Google alone.
"""

from base64 import b64decode
from dataclasses import dataclass, field

import aiohttp
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from yarl import URL

from deadlight.registry.endpoint import Endpoint, TlsTrust
from deadlight.registry.errors import InvalidEndpointError
from deadlight.registry.leases import Lease
from deadlight.registry.limits import Timing
from deadlight.registry.tokens import TokenServer, signed_assertion

KEY_USERS = frozenset({"_json_key", "_json_key_base64"})
"""User names with which the password is a service account's key (Artifact Registry, "Configure authentication")."""

_TOKEN_URL = URL("https://oauth2.googleapis.com")
_TOKEN_PATH = "token"  # noqa: S105 - a path
_SCOPE = "https://www.googleapis.com/auth/cloud-platform.read-only"
_ASSERTION_SECONDS = 3600


class _KeyFile(msgspec.Struct):
    client_email: str
    private_key: str
    private_key_id: str = ""
    universe_domain: str = "googleapis.com"


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A service account and its key."""

    email: str
    key: RSAPrivateKey = field(repr=False)
    key_id: str = ""


def parse_key(endpoint: Endpoint) -> ServiceAccount:
    """The service account whose key is an endpoint's password; raises InvalidEndpointError for what is none."""
    try:
        content = endpoint.password.encode()
        if endpoint.username == "_json_key_base64":
            content = b64decode(content)
        file = msgspec.json.decode(content, type=_KeyFile)
        key = load_pem_private_key(file.private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm, RecursionError) as error:  # DecodeError is a ValueError
        raise InvalidEndpointError(
            f"registry {endpoint.host}: the password is not the JSON key of a service account"
        ) from error
    if not isinstance(key, RSAPrivateKey) or file.universe_domain != "googleapis.com":
        raise InvalidEndpointError(f"registry {endpoint.host}: the key is not an RSA key of Google's public cloud")
    return ServiceAccount(file.client_email, key, file.private_key_id)


class AccountTokens:
    """Access tokens of one service account."""

    def __init__(
        self, account: ServiceAccount, session: aiohttp.ClientSession, trust: TlsTrust, timing: Timing
    ) -> None:
        """Prepare to ask."""
        self._account = account
        self._server = TokenServer(_TOKEN_URL, session, trust=trust, timing=timing)
        self._timing = timing

    async def lend(self) -> Lease[str]:
        """A token of an hour; raises UnavailableError."""
        issued_at = int(self._timing.now().timestamp())
        claims = {
            "iss": self._account.email,
            "scope": _SCOPE,
            "aud": str(_TOKEN_URL / _TOKEN_PATH),
            "iat": issued_at,
            "exp": issued_at + _ASSERTION_SECONDS,
        }
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": signed_assertion(claims, self._account.key, self._account.key_id),
        }
        grant = self._server.grant(await self._server.post_form(_TOKEN_PATH, form))
        return self._server.lease(grant.access_token, grant.expires_in)
