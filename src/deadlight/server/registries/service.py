"""Registries as rows, and the client that asks the one behind an image."""

from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Insert, Row, Update, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.event import EventType
from deadlight.model.image import ImageReference
from deadlight.registry import Endpoint, RegistryClient, RegistryError, Traffic
from deadlight.registry.connection import Address, Connection, connect
from deadlight.registry.foreign import web_link
from deadlight.registry.names import manifest_path
from deadlight.server.errors import ConflictError, NotFoundError
from deadlight.server.events.outbox import NewEvent, record_events
from deadlight.server.registries.entries import column_values, read_options, shown_options
from deadlight.server.registries.origins import Origin, find_origin
from deadlight.server.registries.scanning import ScanWith
from deadlight.server.registries.schemas import RegistryIn, RegistryOut
from deadlight.server.registries.trust import trusts_repository
from deadlight.server.secrets import Cipher, UndecipherableError
from deadlight.server.services import Services
from deadlight.server.tables.integrity import source_record
from deadlight.server.tables.registries import registry


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry the user added."""

    host: str
    type: str
    trusted: bool
    mutable_tags: tuple[str, ...]
    immutable_tags: tuple[str, ...]
    url: str
    mirrors: tuple[str, ...]
    username: str
    password_encrypted: bytes | None
    verify_tls: bool
    trusted_repositories: tuple[str, ...] = ()
    untrusted_repositories: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()
    options_encrypted: bytes | None = None
    scan_with: str = ScanWith.DEADLIGHT.value

    def trusts(self, repository: str) -> bool:
        """Whether images of this repository are trusted."""
        return self.trusted and trusts_repository(repository, self.trusted_repositories, self.untrusted_repositories)

    def origin_of(self, reference: ImageReference) -> ImageReference | None:
        """What an image of this registry is a cached copy of, where the user said so."""
        return find_origin(self.origins, reference)

    def link_to(self, repository: str, reference: str, page: object = "") -> str:
        """Where a tag or digest can be looked at: the page its registry named, else its manifest.

        A manifest is at `/v2/<name>/manifests/<reference>` (OCI distribution specification 1.1, pulling manifests).
        """
        named = web_link(page) if isinstance(page, str) else ""
        return named or str(Endpoint(self.host, self.url).base_url.joinpath(manifest_path(repository, reference)))

    def endpoint(self, cipher: Cipher) -> Endpoint:
        """How to reach it; raises UndecipherableError when the secret key has changed since it was saved."""
        return Endpoint(
            self.host,
            self.url,
            self.mirrors,
            self.username,
            cipher.decrypt(self.password_encrypted) if self.password_encrypted else "",
            verify_tls=self.verify_tls,
        )

    def address(self, cipher: Cipher) -> Address:
        """The same with its type and the settings of that."""
        options = read_options(cipher, self.options_encrypted)
        return Address(self.endpoint(cipher), self.type, tuple(sorted(options.items())))


async def find_registry(connection: AsyncConnection, host: str) -> Registry | None:
    """The registry behind a host of image references, or None where nobody added it."""
    return await _find(connection, registry.c.host == host)


async def get_registry(connection: AsyncConnection, registry_id: int) -> Registry:
    """A registry by its id; raises NotFoundError."""
    found = await _find(connection, registry.c.id == registry_id)
    if found is None:
        raise NotFoundError("no such registry")
    return found


async def _find(connection: AsyncConnection, condition: ColumnElement[bool]) -> Registry | None:
    row = (await connection.execute(select(registry).where(condition))).mappings().first()
    if row is None:
        return None
    values = {field.name: row[field.name] for field in fields(Registry)}
    lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    return Registry(**values | lists | {"origins": tuple(Origin(**rule) for rule in row["origins"])})


def find_distrust(asked: Registry | None, host: str, repository: str) -> str:
    """Why images of a repository are not trusted and what to do about it; empty where they are."""
    if asked is None or not asked.trusted:
        return f"{host} is not a trusted registry: add it, or trust it"
    if not asked.trusts(repository):
        return f"{host}/{repository} is not a trusted repository: trust its path"
    return ""


def connection_for(services: Services, asked: Registry) -> Connection:
    """The one connection of this process to a registry.

    Raises:
        UndecipherableError: see `Registry.endpoint`.
        InvalidEndpointError: its settings cannot work.
    """
    address = asked.address(services.cipher)
    known = services.registries.get(address)
    if known is None:
        known = services.registries[address] = connect(address, services.http, types=services.registry_types)
    return known


def client_for(services: Services, asked: Registry) -> RegistryClient:
    """The client of `connection_for`."""
    return connection_for(services, asked).client


_IMAGES = (
    select(func.count())
    .where(source_record.c.registry == registry.c.host, source_record.c.next_check_at.is_not(None))
    .scalar_subquery()
    .label("images")
)


async def list_registries(connection: AsyncConnection, cipher: Cipher) -> list[RegistryOut]:
    """All registries by host, without their secrets."""
    rows = await connection.execute(select(registry, _IMAGES).order_by(registry.c.host))
    return [
        RegistryOut.model_validate({**row, "options": shown_options(cipher, row["type"], row["options_encrypted"])})
        for row in rows.mappings()
    ]


async def save_registry(connection: AsyncConnection, cipher: Cipher, body: RegistryIn) -> int:
    """Add a registry; raises BadRequestError for a wrong address and ConflictError for a host that is there."""
    values = column_values(body, cipher)
    statement = insert(registry).values(**values).returning(registry.c.id)
    inserted: int = (await _write(connection, statement, values["host"])).scalar_one()
    await _record_change(connection, values["host"])
    return inserted


async def change_registry(connection: AsyncConnection, cipher: Cipher, registry_id: int, body: RegistryIn) -> None:
    """Change a registry. A password left out stays, as long as there is a user name to go with it.

    Raises:
        NotFoundError: there is no such registry.
        BadRequestError, ConflictError: as `save_registry`; also where a stored password would go to another address.
    """
    before = await _lock(connection, registry_id)
    values = column_values(body, cipher, before)
    statement = update(registry).where(registry.c.id == registry_id).values(**values, updated_at=func.now())
    await _write(connection, statement, values["host"])
    for host in sorted({before.host, values["host"]}):
        await _record_change(connection, host)


async def _write(connection: AsyncConnection, statement: Insert | Update, host: str) -> CursorResult[Any]:
    try:
        return await connection.execute(statement)
    except IntegrityError:
        raise ConflictError(f"there already is a registry {host}: change that one") from None


async def remove_registry(connection: AsyncConnection, registry_id: int) -> None:
    """Forget a registry; its images become untrusted at their next check. Raises NotFoundError."""
    before = await _lock(connection, registry_id)
    await connection.execute(delete(registry).where(registry.c.id == registry_id))
    await _record_change(connection, before.host)


async def remove_demonstration_registries(connection: AsyncConnection) -> int:
    """Forget the demonstration's registries; returns how many."""
    removed = await connection.execute(delete(registry).where(registry.c.demonstration).returning(registry.c.host))
    hosts = removed.scalars().all()
    for host in sorted(hosts):
        await _record_change(connection, host)
    return len(hosts)


async def _lock(connection: AsyncConnection, registry_id: int) -> Row[Any]:
    row = (await connection.execute(select(registry).where(registry.c.id == registry_id).with_for_update())).first()
    if row is None:
        raise NotFoundError("no such registry")
    return row


async def _record_change(connection: AsyncConnection, host: str) -> None:
    """What runs from this host is to be judged anew: how it is reached, or whether it is trusted, has changed."""
    await record_events(connection, [NewEvent(EventType.REGISTRY_CHANGED, f"registry:{host}", {"host": host})])


async def note_answer(connection: AsyncConnection, host: str, problem: str) -> None:
    """Note how asking went, at most once a minute unless it changed: hundreds of checks share this row."""
    news = (registry.c.problem != problem) | registry.c.asked_at.is_(None) | (registry.c.asked_at < text(_A_MINUTE_AGO))
    await connection.execute(
        update(registry).where(registry.c.host == host, news).values(asked_at=func.now(), problem=problem)
    )


async def note_round(connection: AsyncConnection, services: Services, asked: Registry, problem: str) -> None:
    """Note how asking about many images went, and what it cost."""
    try:
        traffic = client_for(services, asked).traffic.take()
    except (UndecipherableError, RegistryError):
        traffic = Traffic()  # it could not be asked at all
    await connection.execute(
        update(registry)
        .where(registry.c.host == asked.host)
        .values(
            asked_at=func.now(),
            problem=problem,
            requests=registry.c.requests + traffic.requests,
            bytes_received=registry.c.bytes_received + traffic.bytes_received,
        )
    )


_A_MINUTE_AGO = "now() - interval '1 minute'"
