"""From an event to alerts: which workers want it, and a row for each destination, in the event's own transaction."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from pydantic import ValidationError
from sqlalchemy import CursorResult, Insert, Row, Update, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.event import EventType
from deadlight.server.errors import BadRequestError, ConflictError, NotFoundError
from deadlight.server.events.outbox import Event
from deadlight.server.jobs.queue import enqueue
from deadlight.server.ledger.suppressions import find_suppression
from deadlight.server.secrets import Cipher
from deadlight.server.tables.workers import alert, destination, worker
from deadlight.server.workers.criteria import InvalidCriteriaError, check_criteria, evaluate_criteria
from deadlight.server.workers.jobs import DeliverAlert
from deadlight.server.workers.notifiers import NOTIFIERS
from deadlight.server.workers.payload import cloud_event, find_data
from deadlight.server.workers.samples import sample_data
from deadlight.server.workers.schemas import DestinationIn, WorkerIn


async def dispatch(public_url: str, connection: AsyncConnection, event: Event) -> None:
    """Make the alerts that follow from an event and enqueue their delivery."""
    workers = await _list_listening(connection, event.type)
    if not workers:
        return
    data = await find_data(connection, event, public_url)
    if data is None:
        return  # the workload has been deleted with its cluster: there is nothing left to alert about
    suppression = await find_suppression(connection, event)
    seen = {"type": event.type.value, "time": event.recorded_at.isoformat(), "data": data}
    for row in workers:
        outcome = evaluate_criteria(row.criteria, seen)
        if outcome.error:
            await _count_criteria_error(connection, row.id, outcome.error)
        if outcome.met:
            body = partial(cloud_event, event_type=event.type, source=public_url, data=data)
            email = data["owner"]["email"]
            await _make_alerts(
                connection,
                row.id,
                event.type,
                body,
                event_id=event.id,
                owner_email=email,
                suppression=suppression,
            )


async def _list_listening(connection: AsyncConnection, event_type: EventType) -> Sequence[Any]:
    query = select(worker.c.id, worker.c.criteria).where(
        worker.c.enabled, worker.c.event_types.contains([event_type.value])
    )
    return (await connection.execute(query)).all()


async def _count_criteria_error(connection: AsyncConnection, worker_id: int, error: str) -> None:
    await connection.execute(
        update(worker)
        .where(worker.c.id == worker_id)
        .values(criteria_errors=worker.c.criteria_errors + 1, criteria_error=error)
    )


async def _make_alerts(
    connection: AsyncConnection,
    worker_id: int,
    event_type: EventType,
    body: Callable[[UUID], dict[str, Any]],
    *,
    event_id: int | None,
    owner_email: str = "",
    suppression: str = "",
) -> list[UUID]:
    """One alert for each destination, once per event whatever is repeated. `body` makes it from the alert's id.

    With a reason for their `suppression` they are kept for people to see, and not sent.
    """
    query = select(destination.c.id, destination.c.owner_domains).where(destination.c.worker_id == worker_id)
    made: list[UUID] = []
    for target in (await connection.execute(query)).all():
        alert_id = uuid4()
        statement = upsert(alert).values(
            id=alert_id,
            event_id=event_id,
            worker_id=worker_id,
            destination_id=target.id,
            recipients=owner_recipients(owner_email, target.owner_domains),
            event_type=event_type.value,
            body=body(alert_id),
            status="suppressed" if suppression else "pending",
            problem=suppression,
        )
        inserted = await connection.execute(statement.on_conflict_do_nothing().returning(alert.c.id))
        made += inserted.scalars()
    if not suppression:
        await enqueue(connection, [DeliverAlert(str(alert_id)) for alert_id in made])
    return made


def owner_recipients(email: str, domains: Sequence[str]) -> list[str]:
    """The owner's address, where it is in one of the domains; else nobody.

    Addresses come from labels of images as well, which strangers write: alerts stay in the user's own domains.
    """
    return [email] if email.partition("@")[2].lower() in {domain.lower() for domain in domains} else []


async def send_test(connection: AsyncConnection, worker_id: int, event_type: EventType, public_url: str) -> list[UUID]:
    """Send a sample of an event to a worker's destinations, whatever its criteria; raises NotFoundError."""
    await get_worker(connection, worker_id)
    body = partial(cloud_event, event_type=event_type, source=public_url, data=sample_data(event_type))
    return await _make_alerts(connection, worker_id, event_type, body, event_id=None)


# --- workers -----------------------------------------------------------------------------------------------------


async def get_worker(connection: AsyncConnection, worker_id: int) -> Row[Any]:
    """A worker's row; raises NotFoundError."""
    row = (await connection.execute(select(worker).where(worker.c.id == worker_id))).first()
    if row is None:
        raise NotFoundError("no such worker")
    return row


async def save_worker(connection: AsyncConnection, cipher: Cipher, body: WorkerIn) -> int:
    """Add a worker; raises BadRequestError for what cannot work and ConflictError for a name that is taken."""
    _check(body)
    statement = insert(worker).values(**_values(body)).returning(worker.c.id)
    worker_id: int = (await _write(connection, statement, body.name)).scalar_one()
    await _save_destinations(connection, cipher, worker_id, body.destinations, set())
    return worker_id


async def change_worker(connection: AsyncConnection, cipher: Cipher, worker_id: int, body: WorkerIn) -> None:
    """Change a worker; raises as `save_worker`.

    A destination that is named by its id stays itself, with the alerts on their way to it: as it is, or with another
    configuration where one is given. One that is not named is removed with its alerts.
    """
    _check(body)
    await get_worker(connection, worker_id)
    values = {**_values(body), "updated_at": func.now(), "criteria_errors": 0, "criteria_error": ""}
    await _write(connection, update(worker).where(worker.c.id == worker_id).values(**values), body.name)
    named = {item.id for item in body.destinations}
    removed = delete(destination).where(destination.c.worker_id == worker_id, destination.c.id.not_in(named - {None}))
    await connection.execute(removed)
    rows = await connection.execute(select(destination.c.id).where(destination.c.worker_id == worker_id))
    await _save_destinations(connection, cipher, worker_id, body.destinations, set(rows.scalars()))


async def _write(connection: AsyncConnection, statement: Insert | Update, name: str) -> CursorResult[Any]:
    try:
        return await connection.execute(statement)
    except IntegrityError:
        raise ConflictError(f"there already is a worker {name!r}") from None


async def remove_worker(connection: AsyncConnection, worker_id: int) -> None:
    """Remove a worker with its alerts; raises NotFoundError."""
    await get_worker(connection, worker_id)
    await connection.execute(delete(worker).where(worker.c.id == worker_id))


async def remove_demonstration_workers(connection: AsyncConnection) -> int:
    """Remove the demonstration's workers with their alerts; returns how many."""
    return (await connection.execute(delete(worker).where(worker.c.demonstration))).rowcount


def _check(body: WorkerIn) -> None:
    try:
        check_criteria(body.criteria)
    except InvalidCriteriaError as error:
        raise BadRequestError(str(error)) from None


def _values(body: WorkerIn) -> dict[str, Any]:
    return body.model_dump(exclude={"destinations", "event_types"}) | {
        "event_types": [event_type.value for event_type in body.event_types]
    }


async def _save_destinations(
    connection: AsyncConnection, cipher: Cipher, worker_id: int, destinations: Sequence[DestinationIn], known: set[int]
) -> None:
    """Write new destinations, and those of the `known` that are given another configuration."""
    for item in destinations:
        if item.id is not None and item.id not in known:
            raise BadRequestError(f"the worker has no destination {item.id}")
        if item.id is not None and item.config is None:
            continue
        values = _destination_values(cipher, item)
        if item.id is None:
            await connection.execute(insert(destination).values(worker_id=worker_id, **values))
        else:
            await connection.execute(update(destination).where(destination.c.id == item.id).values(**values))


def _destination_values(cipher: Cipher, item: DestinationIn) -> dict[str, Any]:
    notifier = NOTIFIERS[item.type]
    try:
        config = notifier.config.model_validate(item.config or {})
    except ValidationError as error:
        raise BadRequestError(f"the {item.type} destination is not usable: {_problems(error)}") from None
    encrypted = cipher.encrypt(config.model_dump_json())
    return {
        "type": item.type,
        "label": notifier.label(config),
        "config_encrypted": encrypted,
        "owner_domains": list(notifier.owner_domains(config)),
    }


def _problems(error: ValidationError) -> str:
    """What pydantic found, without the values: they are secrets."""
    details = error.errors(include_input=False, include_url=False)
    return "; ".join(
        f"{'.'.join(map(str, item['loc']))}: {item['msg'].removeprefix('Value error, ')}" for item in details
    )


async def redeliver(connection: AsyncConnection, alert_id: UUID) -> None:
    """Try a dead letter again; raises NotFoundError where there is none."""
    statement = (
        update(alert)
        .where(alert.c.id == alert_id, alert.c.status == "dead")
        .values(status="pending", attempts=0, next_attempt_at=text("now()"))
    )
    if not (await connection.execute(statement)).rowcount:
        raise NotFoundError("no such dead letter")
    await enqueue(connection, [DeliverAlert(str(alert_id))])
