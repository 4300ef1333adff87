"""Settings of the service, read from the environment (`DEADLIGHT_*`) once, in the composition root, and passed on."""

import ipaddress
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from deadlight.advisories.feeds.feed import FeedName
from deadlight.advisories.feeds.table import FEEDS
from deadlight.ecosystems import ECOSYSTEMS

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

DENIED_DESTINATIONS = (
    "127.0.0.0/8,::1/128,169.254.0.0/16,fe80::/10,0.0.0.0/8,::/128,224.0.0.0/4,ff00::/8,"
    "100.100.100.200/32,fd00:ec2::254/128"
)
"""Loopback, link-local (cloud metadata lives there), unspecified and multicast: never a place for an alert."""


def _number(value: object) -> object:
    """Seconds, which are a text in the environment; anything else is for pydantic to read or refuse."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than zero")
    return value


Duration = Annotated[timedelta, BeforeValidator(_number), AfterValidator(_positive)]
"""A length of time, in seconds or in ISO 8601."""


class Settings(BaseSettings):
    """Every setting of `deadlight server`; docs/user/settings.md lists them and a test holds the two together."""

    model_config = SettingsConfigDict(env_prefix="DEADLIGHT_", frozen=True, extra="ignore")

    database_url: SecretStr = Field(description="PostgreSQL 14 or newer: postgresql://user:password@host/database")
    secret_key: SecretStr = Field(
        min_length=32,
        description="At least 32 characters. Encrypts stored credentials and signs agent tokens; the same on all "
        "replicas. `deadlight up` makes one and keeps it beside its data.",
    )
    public_url: str = Field(
        default="http://127.0.0.1:8480", description="Where people reach the console; links in alerts start with it."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8480, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    tls_cert_file: str = Field(default="", description="Certificate chain (PEM). With tls_key_file: serve HTTPS.")
    tls_key_file: str = Field(default="", description="Private key (PEM) of tls_cert_file.")
    log_format: Literal["text", "json"] = Field(default="text", description="`json` for log collectors.")
    integrity_interval: Duration = Field(
        default=timedelta(minutes=5), description="How often every running image is compared with its registry again."
    )
    relay_wake: Literal["notify", "poll"] = Field(
        default="notify",
        description="`poll` for databases behind a pooler that forbids LISTEN; events then wait for the sweep.",
    )
    relay_sweep: Duration = Field(
        default=timedelta(seconds=1), description="How long a lost wake-up can delay an event at most."
    )
    retention: Duration = Field(
        default=timedelta(days=10),
        description="What has been gone for longer is forgotten: workloads, pods, containers and what sensors saw in "
        "them, unless a violation happened there. Live Assessment looks back ten days at most.",
    )
    agent_timeout: Duration = Field(
        default=timedelta(seconds=90), description="An agent silent for longer counts as stopped or failed."
    )
    installation_timeout: Duration = Field(
        default=timedelta(minutes=5),
        description="Where a cluster has sensors, a node without one for longer counts as failed to install.",
    )
    sigstore_trusted_root: str = Field(
        default="", description="File with the roots of a private Sigstore; empty: those of the public one."
    )
    scan_processes: int = Field(default=1, ge=1, le=64, description="Layers scanned at the same time by this replica.")
    registry_pulls: int = Field(
        default=4,
        ge=1,
        le=64,
        description="Layers pulled from one registry at the same time by this replica; never more than it scans.",
    )
    secret_rules: str = Field(
        default="",
        description="File with more rules for secrets in images, in gitleaks' format; they join those of Deadlight.",
    )
    checkov: str = Field(
        default="",
        description="Name or path of checkov, which judges infrastructure as code in images; empty looks on PATH.",
    )
    smtp_url: SecretStr = Field(
        default=SecretStr(""),
        description="smtp://[user:password@]host[:port] or smtps://...; empty switches e-mail alerts off.",
    )
    smtp_from: str = Field(default="deadlight@localhost", description="Sender of e-mail alerts.")
    denied_destinations: Annotated[tuple[IPNetwork, ...], NoDecode] = Field(
        default=tuple(ipaddress.ip_network(network) for network in DENIED_DESTINATIONS.split(",")),
        description="Networks that alerts are never sent to, comma separated. `none` allows all.",
    )
    delivery_attempts: int = Field(default=8, ge=1, le=50, description="Attempts before an alert is a dead letter.")
    delivery_backoff: Duration = Field(
        default=timedelta(seconds=2), description="Pause after the first failed delivery; doubles up to an hour."
    )
    feeds: Annotated[tuple[FeedName, ...], NoDecode] = Field(
        default=tuple(FeedName),
        description="Public sources of advisories that are asked for what is new, comma separated. `none` switches all "
        "off, for networks without a way out.",
    )
    feed_ecosystems: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Ecosystems (OSV's names, comma separated: `Debian,PyPI`) whose advisories are kept although no "
        "known image has packages of them. Those of known images are always kept.",
    )
    feed_interval: Duration = Field(
        default=timedelta(hours=1), description="How often each source is asked whether it has anything new."
    )
    feed_osv_url: str = Field(default=FEEDS[FeedName.OSV].url, description="OSV's bucket, or a mirror of it.")
    feed_cve_url: str = Field(default=FEEDS[FeedName.CVE].url, description="The CVE list, or a mirror of it.")
    feed_kev_url: str = Field(
        default=FEEDS[FeedName.KEV].url,
        description="CISA's catalogue of known exploited vulnerabilities, or a copy of it.",
    )
    feed_epss_url: str = Field(
        default=FEEDS[FeedName.EPSS].url, description="FIRST's exploit predictions, or a copy of them."
    )
    feed_proxy: SecretStr = Field(
        default=SecretStr(""),
        description="Proxy for the sources, http://[user:password@]host:port; empty: that of HTTPS_PROXY and NO_PROXY.",
    )
    feed_budget: int = Field(
        default=8 * 1024**3,
        ge=0,
        description="Bytes that advisories may take in the database before no further ecosystem is fetched.",
    )
    withdrawn_retention_days: int = Field(
        default=90,
        ge=1,
        description="Advisories withdrawn longer ago are deleted, unless an image ever had what they were about.",
    )
    session_lifetime: Duration = Field(default=timedelta(hours=12), description="Sign-in lasts this long.")
    access_token_lifetime: Duration = Field(default=timedelta(minutes=15), description="Life of an agent's token.")

    @field_validator("denied_destinations", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        texts = [text.strip() for text in value.split(",") if text.strip() not in {"", "none"}]
        return tuple(ipaddress.ip_network(text) for text in texts)

    @field_validator("feeds", "feed_ecosystems", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(name for text in value.split(",") if (name := text.strip()) not in {"", "none"})

    @field_validator("feed_ecosystems")
    @classmethod
    def _known_ecosystems(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = [ecosystem.name for ecosystem in ECOSYSTEMS]
        if unknown := [name for name in value if name not in known]:
            raise ValueError(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
        return value

    @field_validator("feed_osv_url", "feed_cve_url", "feed_kev_url", "feed_epss_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            raise ValueError("must start with https:// or http://")
        return value.rstrip("/")

    def feed_url(self, name: FeedName) -> str:
        """Where a feed's source, or the mirror that stands in for it, is."""
        return str(getattr(self, f"feed_{name.value}_url"))

    def sqlalchemy_url(self) -> str:
        """The database URL with the driver this service uses."""
        return with_driver(self.database_url.get_secret_value())


def with_driver(url: str) -> str:
    """Turn a libpq URL into SQLAlchemy's with psycopg; raises ValueError for anything but PostgreSQL."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
        raise ValueError("DEADLIGHT_DATABASE_URL must start with postgresql:// (PostgreSQL is the one engine)")
    return f"postgresql+psycopg://{rest}"
