"""Threat rules as they hold here: those that come with Deadlight, those people wrote, and what people changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Row, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.vulnerability import Severity
from deadlight.server.detections.changes import Change, Subject, record_change
from deadlight.server.errors import BadRequestError, ConflictError, NotFoundError
from deadlight.server.tables.detections import threat_rule
from deadlight.threats.engine import RULES, Engine, iter_builtin_files
from deadlight.threats.errors import RuleError
from deadlight.threats.rule import Rule, RuleFile, load_lists, parse_rule_file

MAX_CUSTOM_RULES = 200
"""Rules that people wrote. Sensors hold what containers do to each of them."""

MAX_CUSTOM_CHARACTERS = 1_000_000
"""Of all their files: a sensor takes a policy of 4 MiB at the most, and what it stops is in there too."""


class Origin(StrEnum):
    """Where a rule is from."""

    BUILT_IN = "built-in"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class BookedRule:
    """A rule and what people decided about it."""

    id: str
    origin: Origin
    file: RuleFile | None
    """None where this version cannot use what is stored."""
    problem: str = ""
    """Why it cannot."""
    source: str = ""
    """Of a custom rule."""
    replaces: bool = False
    """A custom rule instead of a built-in one of the same id."""
    enabled: bool = True
    severity: Severity | None = None
    """Instead of the rule's own."""
    changed_by: str = ""
    changed_at: datetime | None = None

    @property
    def rule(self) -> Rule | None:
        """The rule without its samples."""
        return self.file.rule if self.file else None


def read_source(item: BookedRule) -> str:
    """A rule's file: what somebody wrote, or what came with this version; empty where it came with another."""
    if item.source or item.id not in built_in_rules():
        return item.source
    return (RULES / f"{item.id}.toml").read_text("utf-8")


@dataclass(frozen=True, slots=True)
class SampleResult:
    """What a rule said of one of its own samples."""

    says: str
    expected: bool
    matched: bool


@cache
def built_in_rules() -> Mapping[str, RuleFile]:
    """The rules that come with this version, by id."""
    return {file.rule.id: file for file in iter_builtin_files()}


async def list_book(connection: AsyncConnection) -> list[BookedRule]:
    """Every rule, by id."""
    rows = {row.id: row for row in await connection.execute(select(threat_rule))}
    built_in = built_in_rules()
    return [_booked(id_, built_in.get(id_), rows.get(id_)) for id_ in sorted(built_in.keys() | rows.keys())]


async def get_rule(connection: AsyncConnection, rule_id: str) -> BookedRule:
    """One rule; raises NotFoundError."""
    row = (await connection.execute(select(threat_rule).where(threat_rule.c.id == rule_id))).first()
    built_in = built_in_rules().get(rule_id)
    if row is None and built_in is None:
        raise NotFoundError(f"there is no threat rule {rule_id!r}")
    return _booked(rule_id, built_in, row)


async def find_recommendation(connection: AsyncConnection, rule_id: str) -> str:
    """What a rule recommends; empty where it says nothing or is not known here."""
    row = (await connection.execute(select(threat_rule).where(threat_rule.c.id == rule_id))).first()
    rule = _booked(rule_id, built_in_rules().get(rule_id), row).rule
    return rule.recommendation if rule else ""


def _booked(rule_id: str, built_in: RuleFile | None, row: Row[Any] | None) -> BookedRule:
    if row is None:
        return BookedRule(rule_id, Origin.BUILT_IN, built_in)
    file, problem = built_in, "" if built_in else "this version of Deadlight does not bring this rule any more"
    if row.source is not None:
        file, problem = try_source(row.source)
    return BookedRule(
        rule_id,
        Origin.BUILT_IN if row.source is None else Origin.CUSTOM,
        file,
        problem,
        row.source or "",
        replaces=row.source is not None and built_in is not None,
        enabled=row.enabled,
        severity=Severity(row.severity) if row.severity else None,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
    )


@lru_cache(maxsize=2 * MAX_CUSTOM_RULES)
def try_source(source: str) -> tuple[RuleFile | None, str]:
    """The rule of a source, or else the place and what is wrong there. Remembered: all are asked for often."""
    try:
        return parse_rule_file(source, load_lists()), ""
    except RuleError as error:
        return None, str(error)


def try_samples(file: RuleFile) -> list[SampleResult]:
    """What a rule says of its own samples."""
    engine = Engine([file.rule])
    return [SampleResult(item.says, item.matches, bool(engine.match(item.activity))) for item in file.samples]


def find_mistake(file: RuleFile) -> str:
    """Which samples a rule fails, for people; empty where it says of all of them what it should."""
    wrong = [item.says for item in try_samples(file) if item.matched != item.expected]
    return f"it does not say what its samples expect: {'; '.join(wrong[:5])}" if wrong else ""


async def save_custom_rule(connection: AsyncConnection, source: str, actor: str, *, rule_id: str = "") -> str:
    """Add a custom rule, or change the one of an id; returns its id.

    Raises:
        BadRequestError: it cannot be used, or does not say of its own samples what it should.
        ConflictError: a rule that is to be new is there already, one that is changed has another id, or there are too
            many or too long ones.
        NotFoundError: the rule to change is no custom rule.
    """
    file, problem = try_source(source)
    if file is None or (problem := find_mistake(file)):
        raise BadRequestError(f"the rule cannot be used: {problem}")
    rule = file.rule
    known = await _find_custom(connection, rule_id or rule.id)
    _check_place(rule, rule_id, is_known=known is not None)
    await _check_room(connection, rule.id, source)
    values: dict[str, Any] = {"source": source, "changed_by": actor, "changed_at": func.now()}
    if known is None:  # what was decided about a built-in rule of this id was not about this one
        values |= {"enabled": True, "severity": None}
    statement = insert(threat_rule).values(id=rule.id, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
    change = Change(Subject.RULE, rule.id, "changed" if known else "added", {"source": source})
    await record_change(connection, change, actor)
    return rule.id


async def _find_custom(connection: AsyncConnection, rule_id: str) -> Row[Any] | None:
    query = select(threat_rule).where(threat_rule.c.id == rule_id, threat_rule.c.source.is_not(None))
    return (await connection.execute(query)).first()


def _check_place(rule: Rule, rule_id: str, *, is_known: bool) -> None:
    if rule_id and not is_known:
        raise NotFoundError(f"there is no custom rule {rule_id!r}")
    if rule_id and rule.id != rule_id:
        raise ConflictError(f"the rule's id is {rule_id!r}; to give it another one, add it anew and remove this one")
    if not rule_id and is_known:
        raise ConflictError(f"there already is a custom rule {rule.id!r}: change that one, or choose another id")


async def _check_room(connection: AsyncConnection, rule_id: str, source: str) -> None:
    columns = func.count(), func.coalesce(func.sum(func.length(threat_rule.c.source)), 0)
    others = select(*columns).where(threat_rule.c.source.is_not(None), threat_rule.c.id != rule_id)
    count, characters = (await connection.execute(others)).one()
    if count >= MAX_CUSTOM_RULES:
        raise ConflictError(f"there are {MAX_CUSTOM_RULES} custom rules already: remove some")
    if characters + len(source) > MAX_CUSTOM_CHARACTERS:
        raise ConflictError(f"all custom rules together have at most {MAX_CUSTOM_CHARACTERS} characters: remove some")


async def remove_custom_rule(connection: AsyncConnection, rule_id: str, actor: str) -> None:
    """Remove a custom rule; a built-in one that it replaced holds again. Raises NotFoundError."""
    row = await _find_custom(connection, rule_id)
    if row is None:
        raise NotFoundError(f"there is no custom rule {rule_id!r}; built-in rules can be disabled")
    await connection.execute(delete(threat_rule).where(threat_rule.c.id == rule_id))
    await record_change(connection, Change(Subject.RULE, rule_id, "removed", {"source": row.source}), actor)


async def decide_rule(
    connection: AsyncConnection, rule_id: str, *, enabled: bool, severity: Severity | None, actor: str
) -> None:
    """Enable or disable a rule and give it a severity, or None for its own; raises NotFoundError."""
    before = await get_rule(connection, rule_id)
    values = {
        "enabled": enabled,
        "severity": severity.value if severity else None,
        "changed_by": actor,
        "changed_at": func.now(),
    }
    statement = insert(threat_rule).values(id=rule_id, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
    details = {
        "enabled": enabled,
        "enabled_before": before.enabled,
        "severity": severity,
        "severity_before": before.severity,
    }
    await record_change(connection, Change(Subject.RULE, rule_id, "decided", details), actor)


def effective_severity(item: BookedRule) -> Severity:
    """What a match of it is worth here."""
    own = item.rule.severity if item.rule else Severity.UNKNOWN
    return item.severity or own


def sent_rules(book: Sequence[BookedRule]) -> list[BookedRule]:
    """The custom rules that sensors are to use."""
    return [item for item in book if item.origin is Origin.CUSTOM and item.enabled and item.rule is not None]


def disabled_rules(book: Sequence[BookedRule]) -> list[str]:
    """Ids of built-in rules that sensors are not to use; a custom one that is disabled takes its built-in one along."""
    built_in = built_in_rules()
    return [item.id for item in book if item.id in built_in and not item.enabled]
