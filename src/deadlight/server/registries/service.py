"""Registries as rows, and the client that asks the one behind an image."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Insert, Row, Update, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.event import EventType
from deadlight.model.image import ImageReference, InvalidReferenceError
from deadlight.registry import Endpoint, InvalidEndpointError, RegistryClient, RegistryError, Traffic
from deadlight.server.errors import BadRequestError, ConflictError, NotFoundError
from deadlight.server.events.outbox import NewEvent, record_events
from deadlight.server.registries.origins import InvalidOriginError, Origin, find_origin
from deadlight.server.registries.schemas import ConnectionTest, RegistryIn
from deadlight.server.registries.trust import trusts_repository
from deadlight.server.secrets import Cipher, UndecipherableError
from deadlight.server.services import Services
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

    def trusts(self, repository: str) -> bool:
        """Whether images of this repository are trusted."""
        return self.trusted and trusts_repository(repository, self.trusted_repositories, self.untrusted_repositories)

    def origin_of(self, reference: ImageReference) -> ImageReference | None:
        """What an image of this registry is a cached copy of, where the user said so."""
        return find_origin(self.origins, reference)

    def link_to(self, repository: str, reference: str) -> str:
        """Where the manifest of a tag or digest can be read."""
        return str(Endpoint(self.host, self.url).base_url / f"v2/{repository}/manifests/{reference}")

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


async def find_registry(connection: AsyncConnection, host: str) -> Registry | None:
    """The registry behind a host of image references, or None where nobody added it."""
    return await _find(connection, registry.c.host == host)


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


def client_for(services: Services, asked: Registry) -> RegistryClient:
    """The one client of a registry in this process; raises UndecipherableError (see `Registry.endpoint`)."""
    endpoint = asked.endpoint(services.cipher)
    known = services.registry_clients.get(endpoint)
    if known is None:
        known = services.registry_clients[endpoint] = RegistryClient(endpoint, services.http)
    return known


async def list_registries(connection: AsyncConnection) -> Sequence[Row[tuple[object, ...]]]:
    """All registries by host."""
    return (await connection.execute(select(registry).order_by(registry.c.host))).all()


async def save_registry(connection: AsyncConnection, cipher: Cipher, body: RegistryIn) -> int:
    """Add a registry; raises BadRequestError for a wrong address and ConflictError for a host that is there."""
    values = _values(body, cipher)
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
    values = _values(body, cipher, before.password_encrypted)
    moved = (values["host"], values["url"]) != (before.host, before.url)
    if moved and body.password is None and values["password_encrypted"]:
        raise BadRequestError("the address is another one: enter the password again, it was meant for the old one")
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
    except UndecipherableError:
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


def _values(body: RegistryIn, cipher: Cipher, stored_password: bytes | None = None) -> dict[str, Any]:
    encrypted = stored_password if body.username else None
    if body.password is not None:
        encrypted = cipher.encrypt(body.password) if body.password else None
    host = _host(body.host)
    password = "set" if encrypted else ""
    try:
        Endpoint(host, body.url, tuple(body.mirrors), body.username, password, verify_tls=body.verify_tls)
        origins = [Origin(rule.prefix.strip("/"), rule.origin.strip("/")) for rule in body.origins]
    except (InvalidEndpointError, InvalidOriginError) as error:
        raise BadRequestError(str(error)) from None
    return body.model_dump(exclude={"password"}) | {
        "host": host,
        "name": body.name or host,
        "origins": [{"prefix": rule.prefix, "origin": rule.origin} for rule in origins],
        "password_encrypted": encrypted,
    }


def _host(text_: str) -> str:
    """The host as references are read, so that it is found again; raises BadRequestError for what names none."""
    try:
        probe = ImageReference.parse(f"{text_}/probe/probe")
    except InvalidReferenceError as error:
        raise BadRequestError(str(error)) from None
    if probe.repository != "probe/probe":
        raise BadRequestError(f"{text_!r} is no registry's host as image references name it (docker.io, host:5000)")
    return probe.registry


async def check_connection(services: Services, registry_id: int, image: str) -> ConnectionTest:
    """Ask the registry for one image, as a person would to see whether the settings are right."""
    async with services.engine.connect() as connection:
        asked = await _find(connection, registry.c.id == registry_id)
    if asked is None:
        raise NotFoundError("no such registry")
    try:
        reference = ImageReference.parse(image)
        if reference.registry != asked.host:
            raise BadRequestError(f"{reference} is an image of {reference.registry}, not of {asked.host}")
        client = client_for(services, asked)
        head = await client.head_manifest(reference.repository, reference.digest or reference.tag)
    except InvalidReferenceError as error:
        raise BadRequestError(str(error)) from None
    except (RegistryError, UndecipherableError) as error:
        return ConnectionTest(ok=False, message=str(error), digest="")
    return ConnectionTest(ok=True, message=f"the registry answered for {reference}", digest=head.digest)
