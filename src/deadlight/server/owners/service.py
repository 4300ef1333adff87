"""Changing the owners map, in the caller's transaction. Changes wait for each other: rules have an order."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.image import ImageReference, InvalidReferenceError
from deadlight.server.errors import BadRequestError, ConflictError, NotFoundError
from deadlight.server.owners.lookup import UNKNOWN, find_builder, list_rules, load_subject, owner_of
from deadlight.server.owners.rules import Rule, Subject, conditions, find_rule
from deadlight.server.owners.schemas import MAX_RULES, CheckedRule, OwnerOut, RuleIn, RuleOut, TrialIn, TrialOut
from deadlight.server.tables.owners import owner_rule

_LOCK = text("LOCK TABLE owner_rule IN SHARE ROW EXCLUSIVE MODE")


async def list_map(connection: AsyncConnection) -> list[RuleOut]:
    """The rules in order, counted from 1."""
    rows = (await connection.execute(select(owner_rule).order_by(owner_rule.c.position))).mappings().all()
    return [RuleOut(**_fields(row), id=row["id"], position=number) for number, row in enumerate(rows, 1)]


def _fields(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in RuleIn.model_fields}


async def add_rule(connection: AsyncConnection, body: RuleIn) -> int:
    """Add a rule at the end; raises ConflictError where the map is full."""
    await connection.execute(_LOCK)
    last, count = (await connection.execute(select(func.max(owner_rule.c.position), func.count()))).one()
    if count >= MAX_RULES:
        raise ConflictError(f"the owners map has at most {MAX_RULES} rules: use patterns")
    values = {**body.model_dump(), "position": (last or 0) + 1}
    added: int = (await connection.execute(insert(owner_rule).values(values).returning(owner_rule.c.id))).scalar_one()
    return added


async def change_rule(connection: AsyncConnection, rule_id: int, body: RuleIn) -> None:
    """Change a rule in its place; raises NotFoundError."""
    statement = update(owner_rule).where(owner_rule.c.id == rule_id).values(**body.model_dump(), updated_at=func.now())
    if not (await connection.execute(statement)).rowcount:
        raise NotFoundError("no such rule")


async def remove_rule(connection: AsyncConnection, rule_id: int) -> None:
    """Remove a rule; raises NotFoundError."""
    if not (await connection.execute(delete(owner_rule).where(owner_rule.c.id == rule_id))).rowcount:
        raise NotFoundError("no such rule")


async def remove_demonstration_rules(connection: AsyncConnection) -> int:
    """Remove the demonstration's rules; returns how many."""
    return (await connection.execute(delete(owner_rule).where(owner_rule.c.demonstration))).rowcount


async def reorder(connection: AsyncConnection, ids: Sequence[int]) -> None:
    """Put the rules in this order; raises ConflictError unless it names every rule there is once."""
    await connection.execute(_LOCK)
    known = (await connection.execute(select(owner_rule.c.id))).scalars().all()
    if sorted(ids) != sorted(known):
        raise ConflictError("the rules have changed meanwhile: load them again")
    for position, rule_id in enumerate(ids, 1):
        await connection.execute(update(owner_rule).where(owner_rule.c.id == rule_id).values(position=position))


async def replace_map(connection: AsyncConnection, rules: Sequence[RuleIn]) -> int:
    """Replace all rules; returns how many there are now."""
    await connection.execute(_LOCK)
    await connection.execute(delete(owner_rule))
    rows = [{**rule.model_dump(), "position": position} for position, rule in enumerate(rules, 1)]
    if rows:
        await connection.execute(insert(owner_rule), rows)
    return len(rows)


async def try_map(connection: AsyncConnection, body: TrialIn) -> TrialOut:
    """Who would be responsible, and what was compared.

    Raises:
        NotFoundError: there is no such workload.
        BadRequestError: the image is none.
    """
    rules = await list_rules(connection)
    row, repositories = None, _repositories(body.image)
    if body.workload_id is not None:
        row, own = await load_subject(connection, body.workload_id)
        repositories = repositories or own
    subject = _subject(body, row, repositories)
    rule = find_rule(rules, subject)
    owner = rule.owner if rule else None
    if owner is None and row is not None:
        owner = owner_of((), row, repositories) or await find_builder(connection, row.image_tag_ids)
    return TrialOut(
        owner=OwnerOut.model_validate(owner, from_attributes=True) if owner else None,
        explanation=owner.source if owner else UNKNOWN,
        checked=list(_checked(rules, subject)),
    )


def _repositories(image: str) -> list[str]:
    if not image:
        return []
    try:
        reference = ImageReference.parse(image)
    except InvalidReferenceError as error:
        raise BadRequestError(str(error)) from None
    return [f"{reference.registry}/{reference.repository}"]


def _subject(body: TrialIn, row: Row[Any] | None, repositories: Sequence[str]) -> Subject:
    if row is None:
        return Subject(body.cluster, body.namespace, tuple(repositories), body.labels)
    labels = {**(row.namespace_labels or {}), **row.labels, **body.labels}
    return Subject(body.cluster or row.cluster, body.namespace or row.namespace, tuple(repositories), labels)


def _checked(rules: Sequence[Rule], subject: Subject) -> list[CheckedRule]:
    """The rules up to the first that matches."""
    checked: list[CheckedRule] = []
    for position, rule in enumerate(rules, 1):
        made = list(conditions(rule, subject))
        holds = all(condition.holds for condition in made)
        reasons = [condition.told for condition in made] or ["it has no patterns and matches everything"]
        checked.append(CheckedRule(id=rule.id, position=position, matches=holds, reasons=reasons))
        if holds:
            break
    return checked
