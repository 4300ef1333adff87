"""Who we are at Azure: an application of Microsoft Entra, by its secret or by the token of the service's own pod.

Entra gives the application a token for container registries ("Client credentials flow"), and the registry exchanges
that for a refresh token of its own, good for three hours as the password of a fixed user name (its documentation,
"Authenticate with an Azure container registry").
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

import aiohttp
from yarl import URL

from deadlight.registry.endpoint import Endpoint, TlsTrust
from deadlight.registry.errors import InvalidEndpointError
from deadlight.registry.leases import Lease
from deadlight.registry.limits import Timing
from deadlight.registry.tokens import TokenServer, read_token_file

_TOKEN_USER = "00000000-0000-0000-0000-000000000000"  # noqa: S105 - the user name that refresh tokens are the password of
_SCOPE = "https://containerregistry.azure.net/.default"
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_REFRESH_TOKEN_SECONDS = 3 * 3600.0

_AUTHORITIES = {
    "azurecr.io": "https://login.microsoftonline.com",
    "azurecr.cn": "https://login.partner.microsoftonline.cn",
    "azurecr.us": "https://login.microsoftonline.us",
}
"""The sign-in service of each of Azure's clouds."""

_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")


@dataclass(frozen=True, slots=True)
class Application:
    """An application of a tenant, and how it proves itself."""

    tenant: str
    client_id: str
    proof: Callable[[], Awaitable[dict[str, str]]] = field(repr=False)
    """Gives the fields of the sign-in form that do."""


def find_application(endpoint: Endpoint, tenant: str, environment: Mapping[str, str]) -> Application | None:
    """The application to sign in as: the user name where a tenant is set, or the pod's; None for a plain password.

    Raises:
        InvalidEndpointError: a tenant that is none, or without an application.
    """
    if endpoint.username and not tenant:
        return None
    if endpoint.username:
        secret = endpoint.password

        async def show_secret() -> dict[str, str]:
            return {"client_secret": secret}

        return Application(_checked(endpoint, tenant), endpoint.username, show_secret)
    client_id, file = environment.get("AZURE_CLIENT_ID", ""), environment.get("AZURE_FEDERATED_TOKEN_FILE", "")
    tenant = tenant or environment.get("AZURE_TENANT_ID", "")
    if not client_id or not file or not tenant:
        return None

    async def show_token() -> dict[str, str]:
        token = await read_token_file(file, "Azure")
        return {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": token}

    return Application(_checked(endpoint, tenant), client_id, show_token)


class RefreshTokens:
    """A registry's refresh tokens for one application."""

    def __init__(
        self, endpoint: Endpoint, application: Application, session: aiohttp.ClientSession, timing: Timing
    ) -> None:
        """Prepare to ask; raises InvalidEndpointError for an address that is not Azure's own."""
        self._endpoint = endpoint
        self._application = application
        authority = _AUTHORITIES.get(".".join((endpoint.base_url.host or "").rsplit(".", 2)[-2:]))
        if authority is None or endpoint.base_url.scheme != "https":
            raise InvalidEndpointError(
                f"registry {endpoint.host}: a tenant is for hosts under azurecr.io, and tokens go to no other"
            )
        trust = TlsTrust.of(endpoint)
        self._entra = TokenServer(URL(authority), session, trust=trust, timing=timing)
        self._registry = TokenServer(endpoint.base_url, session, trust=trust, timing=timing)

    async def lend(self) -> Lease[Endpoint]:
        """The endpoint with a refresh token; raises UnavailableError."""
        form = {
            "grant_type": "access_token",
            "service": self._endpoint.base_url.host or "",
            "tenant": self._application.tenant,
            "access_token": await self._fetch_entra_token(),
        }
        grant = self._registry.grant(await self._registry.post_form("oauth2/exchange", form))
        token = self._registry.lease(grant.refresh_token, _REFRESH_TOKEN_SECONDS)
        return Lease(replace(self._endpoint, username=_TOKEN_USER, password=token.value), token.seconds)

    async def _fetch_entra_token(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._application.client_id,
            "scope": _SCOPE,
            **await self._application.proof(),
        }
        grant = self._entra.grant(await self._entra.post_form(f"{self._application.tenant}/oauth2/v2.0/token", form))
        return self._entra.lease(grant.access_token, grant.expires_in).value


def _checked(endpoint: Endpoint, tenant: str) -> str:
    if not _TENANT.fullmatch(tenant):
        raise InvalidEndpointError(f"registry {endpoint.host}: {tenant!r} is no tenant (its ID or domain)")
    return tenant
