"""How to reach the registry behind a host name of image references."""

import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from yarl import URL

from deadlight.model.image import DOCKER_HUB
from deadlight.registry.errors import InvalidEndpointError

_DOCKER_HUB_URL = "https://registry-1.docker.io"
"""Docker Hub serves the distribution API under another name than its references carry."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One registry: where it is, who we are there and whom it must prove to be.

    Raises:
        InvalidEndpointError: a URL that is not a plain http(s) base URL, or half a pair of credentials.
    """

    host: str
    """As image references name it: `docker.io`, `registry.example.com:5000`."""
    url: str = ""
    """Base URL of the API, before `/v2/`. Empty means `https://<host>`; only a URL that says http is asked in clear."""
    mirrors: tuple[str, ...] = ()
    """Base URLs asked first and anonymously. A mirror's answer counts, its failure or ignorance does not."""
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    """PEM file of authorities trusted besides the system's."""
    verify_tls: bool = True
    """False skips certificate checks for the registry's own host, never for a mirror, token server or CDN."""

    def __post_init__(self) -> None:
        for url in (str(self.base_url), *self.mirrors):
            parse_base_url(url)
        if bool(self.username) != bool(self.password):
            raise InvalidEndpointError(f"registry {self.host}: give both a user name and a password, or neither")
        if ":" in self.username:
            raise InvalidEndpointError(f"registry {self.host}: a user name cannot contain a colon (RFC 7617)")

    @property
    def base_url(self) -> URL:
        """Where the API is, without a trailing slash."""
        default = _DOCKER_HUB_URL if self.host == DOCKER_HUB else f"https://{self.host}"
        return parse_base_url(self.url or default)

    @property
    def mirror_urls(self) -> tuple[URL, ...]:
        """The mirrors' base URLs, without trailing slashes."""
        return tuple(parse_base_url(url) for url in self.mirrors)

    @property
    def basic_authorization(self) -> str:
        """The credentials as an `Authorization` header (RFC 7617), or an empty text."""
        if not self.username:
            return ""
        return "Basic " + b64encode(f"{self.username}:{self.password}".encode()).decode("ascii")


SignIn: TypeAlias = Callable[[], Awaitable[Endpoint]]
"""Gives an endpoint with a user name and password that are good now, where a cloud lends them for some hours.

Raises UnavailableError where that cloud cannot be asked or refuses.
"""


def parse_base_url(text: str) -> URL:
    """A plain http(s) base URL without its trailing slash; raises InvalidEndpointError for anything else."""
    shown = text.rpartition("@")[2]
    try:
        url = URL(text.rstrip("/"))
        usable = url.scheme in {"http", "https"} and bool(url.host) and url.explicit_port != 0
    except ValueError as error:
        raise InvalidEndpointError(f"not a registry URL: {shown!r}") from error
    if not usable or url.raw_user is not None or url.raw_query_string or url.raw_fragment:
        raise InvalidEndpointError(
            f"not a registry URL: {shown!r} (expected http(s)://host[:port][/path], credentials apart)"
        )
    return url


@dataclass(frozen=True, slots=True)
class TlsTrust:
    """Which certificates are believed, by the URL that is asked."""

    context: ssl.SSLContext | None
    unverified_host: str = ""

    @classmethod
    def of(cls, endpoint: Endpoint) -> "TlsTrust":
        """Load what `endpoint` says; raises InvalidEndpointError where its `ca_file` cannot be used."""
        unverified = "" if endpoint.verify_tls else endpoint.base_url.host or ""
        if not endpoint.ca_file:
            return cls(None, unverified)
        context = ssl.create_default_context()
        try:
            context.load_verify_locations(cafile=endpoint.ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise InvalidEndpointError(
                f"registry {endpoint.host}: cannot use CA file {endpoint.ca_file}: {error}"
            ) from error
        return cls(context, unverified)

    def for_url(self, url: URL) -> ssl.SSLContext | bool:
        """The `ssl` argument of an aiohttp request to `url`."""
        if self.unverified_host and url.host == self.unverified_host:
            return False
        return self.context or True
