"""Registries as rows, and the client that asks the one behind an image."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.event import EventType
from deadlight.model.image import ImageReference, InvalidReferenceError
from deadlight.registry import Endpoint, InvalidEndpointError, RegistryClient, RegistryError
from deadlight.server.errors import BadRequestError, ConflictError, NotFoundError
from deadlight.server.events.outbox import NewEvent, record_events
from deadlight.server.registries.schemas import ConnectionTest, RegistryIn
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
    lists = {name: tuple(row[name]) for name in ("mutable_tags", "immutable_tags", "mirrors")}
    return Registry(**values | lists)


async def is_trusted(connection: AsyncConnection, host: str) -> bool:
    """Whether images from this host are trusted: somebody added it and left it trusted."""
    query = select(registry.c.trusted).where(registry.c.host == host)
    return bool((await connection.execute(query)).scalar_one_or_none())


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
    if (await connection.execute(select(registry.c.id).where(registry.c.host == body.host))).first():
        raise ConflictError(f"there already is a registry {body.host}: change that one")
    inserted: int = (await connection.execute(insert(registry).values(**values).returning(registry.c.id))).scalar_one()
    await _record_change(connection, body.host)
    return inserted


async def change_registry(connection: AsyncConnection, cipher: Cipher, registry_id: int, body: RegistryIn) -> None:
    """Change a registry. A password left out stays; raises NotFoundError and BadRequestError."""
    values = _values(body, cipher)
    if body.password is None:
        del values["password_encrypted"]
    before = await _get_host(connection, registry_id)
    await connection.execute(
        update(registry).where(registry.c.id == registry_id).values(**values, updated_at=func.now())
    )
    for host in {before, body.host}:
        await _record_change(connection, host)


async def remove_registry(connection: AsyncConnection, registry_id: int) -> None:
    """Forget a registry; its images become untrusted at their next check. Raises NotFoundError."""
    host = await _get_host(connection, registry_id)
    await connection.execute(delete(registry).where(registry.c.id == registry_id))
    await _record_change(connection, host)


async def remove_demonstration_registries(connection: AsyncConnection) -> int:
    """Forget the demonstration's registries; returns how many."""
    return (await connection.execute(delete(registry).where(registry.c.demonstration))).rowcount


async def _get_host(connection: AsyncConnection, registry_id: int) -> str:
    query = select(registry.c.host).where(registry.c.id == registry_id).with_for_update()
    host: str | None = (await connection.execute(query)).scalar_one_or_none()
    if host is None:
        raise NotFoundError("no such registry")
    return host


async def _record_change(connection: AsyncConnection, host: str) -> None:
    """What runs from this host is to be judged anew: how it is reached, or whether it is trusted, has changed."""
    await record_events(connection, [NewEvent(EventType.REGISTRY_CHANGED, f"registry:{host}", {"host": host})])


async def note_answer(connection: AsyncConnection, host: str, problem: str) -> None:
    """Note how asking went, at most once a minute unless it changed: hundreds of checks share this row."""
    news = (registry.c.problem != problem) | registry.c.asked_at.is_(None) | (registry.c.asked_at < text(_A_MINUTE_AGO))
    await connection.execute(
        update(registry).where(registry.c.host == host, news).values(asked_at=func.now(), problem=problem)
    )


_A_MINUTE_AGO = "now() - interval '1 minute'"


def _values(body: RegistryIn, cipher: Cipher) -> dict[str, object]:
    try:
        ImageReference.parse(f"{body.host}/probe/probe")
        Endpoint(
            body.host,
            body.url,
            tuple(body.mirrors),
            body.username,
            body.password or ("kept" if body.username else ""),
            verify_tls=body.verify_tls,
        )
    except (InvalidReferenceError, InvalidEndpointError) as error:
        raise BadRequestError(str(error)) from None
    return body.model_dump(exclude={"password"}) | {
        "name": body.name or body.host,
        "password_encrypted": cipher.encrypt(body.password) if body.password else None,
    }


async def check_connection(services: Services, registry_id: int, image: str) -> ConnectionTest:
    """Ask the registry for one image, as a person would to see whether the settings are right."""
    async with services.engine.connect() as connection:
        asked = await _find(connection, registry.c.id == registry_id)
    if asked is None:
        raise NotFoundError("no such registry")
    try:
        reference = ImageReference.parse(image)
        client = client_for(services, asked)
        head = await client.head_manifest(reference.repository, reference.digest or reference.tag)
    except InvalidReferenceError as error:
        raise BadRequestError(str(error)) from None
    except (RegistryError, UndecipherableError) as error:
        return ConnectionTest(ok=False, message=str(error), digest="")
    return ConnectionTest(ok=True, message=f"the registry answered for {reference}", digest=head.digest)
