"""Endpoints of threat rules and blocking, and the policy that sensors get."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Response
from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.detection import BlockingMode
from deadlight.server.auth.requests import Admin, Operator, Sensor, Viewer
from deadlight.server.db.engine import autocommit
from deadlight.server.detections.advice import techniques
from deadlight.server.detections.blocking import (
    SYSTEM_NAMESPACES,
    Blocking,
    change_blocking,
    count_stopped,
    find_objection,
    get_blocking,
    list_blocking,
    list_containers,
    read_blocking,
)
from deadlight.server.detections.changes import list_changes
from deadlight.server.detections.dry_run import (
    MAX_RECORDS,
    MAX_SHOWN,
    Replayed,
    Source,
    describe_gaps,
    read_records,
    replay_in_time,
)
from deadlight.server.detections.policy import build_policy, list_standing
from deadlight.server.detections.rule_book import (
    BookedRule,
    built_in_rules,
    decide_rule,
    effective_severity,
    find_mistake,
    get_rule,
    list_book,
    read_source,
    remove_custom_rule,
    save_custom_rule,
    try_samples,
    try_source,
)
from deadlight.server.detections.rules_schemas import (
    BlockingIn,
    BlockingOut,
    PolicyStanding,
    RuleCheck,
    RuleDecision,
    RuleDetail,
    RuleDryRun,
    RuleRow,
    RuleSource,
    RuleTrial,
    SampleOut,
    SensorBehind,
    TrialMatch,
    TrialSource,
)
from deadlight.server.detections.schemas import ChangeOut, TechniqueOut
from deadlight.server.services import Services, ServicesDep
from deadlight.server.tables.detections import detection
from deadlight.threats.rule import Rule, RuleFile

router = APIRouter(tags=["threat rules"])

RULES = "/api/v1/threat-rules"
BLOCKING = "/api/v1/blocking"


@router.get("/agent/v1/policy", include_in_schema=False)
async def get_policy(principal: Sensor, services: ServicesDep) -> Response:
    """What a sensor looks for and stops."""
    async with autocommit(services.engine) as connection:
        policy = await build_policy(connection, principal)
    return Response(msgspec.json.encode(policy), media_type="application/json")


@router.get(RULES, operation_id="listThreatRules")
async def get_rules(_: Viewer, services: ServicesDep) -> list[RuleRow]:
    """Every threat rule, built-in and custom, by id."""
    async with autocommit(services.engine) as connection:
        counts = await _counts(connection)
        return [RuleRow(**_row(item, counts)) for item in await list_book(connection)]


async def _counts(connection: AsyncConnection) -> dict[str, int]:
    query = select(detection.c.rule, func.count().label("n")).where(detection.c.status != "resolved")
    return {row.rule: row.n for row in await connection.execute(query.group_by(detection.c.rule))}


def _row(item: BookedRule, counts: dict[str, int]) -> dict[str, Any]:
    names = ("id", "origin", "enabled", "replaces", "problem", "changed_by", "changed_at")
    told: dict[str, Any] = {name: getattr(item, name) for name in names}
    rule = item.rule
    texts = ("title", "description", "tactic", "recommendation", "false_positives")
    return told | {
        **{name: getattr(rule, name) if rule else "" for name in texts},
        "severity": effective_severity(item),
        "own_severity": rule.severity if rule else None,
        "techniques": [TechniqueOut(**each._asdict()) for each in techniques(rule.techniques if rule else ())],
        "kinds": sorted(kind.value for kind in rule.kinds) if rule else [],
        "detections": counts.get(item.id, 0),
    }


async def _detail(connection: AsyncConnection, rule_id: str) -> RuleDetail:
    item = await get_rule(connection, rule_id)
    row = _row(item, await _counts(connection))
    return RuleDetail(**row, source=read_source(item), samples=_samples(item.file) if item.file else [])


def _samples(file: RuleFile) -> list[SampleOut]:
    return [SampleOut.model_validate(item, from_attributes=True) for item in try_samples(file)]


@router.post(f"{RULES}/check", operation_id="checkThreatRule")
async def post_check(body: RuleSource, _: Viewer) -> RuleCheck:
    """Say whether a rule could be used and what it says of its own samples; saves nothing."""
    return (await asyncio.to_thread(_check, body.source))[1]


@router.post(f"{RULES}/dry-run", operation_id="dryRunThreatRule")
async def post_dry_run(body: RuleTrial, _: Operator, services: ServicesDep) -> RuleDryRun:
    """Say what a rule would have matched of what sensors reported in the last days; saves nothing."""
    file, check = await asyncio.to_thread(_check, body.source)
    since = datetime.now(UTC) - min(timedelta(days=body.days), services.settings.retention)
    sources = [await _try(services, file.rule, source, since) for source in Source] if file else []
    gaps = describe_gaps(file.rule) if file else []
    return RuleDryRun(check=check, since=since, sources=sources, gaps=gaps)


async def _try(services: Services, rule: Rule, source: Source, since: datetime) -> TrialSource:
    async with autocommit(services.engine) as connection:
        records = await read_records(connection, source, since)
    found, looked_at = await asyncio.to_thread(replay_in_time, rule, records[:MAX_RECORDS])
    found.sort(key=lambda each: each.perhaps)
    perhaps = sum(each.perhaps for each in found)
    return TrialSource(
        source=source,
        looked_at=looked_at,
        complete=looked_at == len(records),
        matches=len(found) - perhaps,
        perhaps=perhaps,
        shown=[_match(each) for each in found[:MAX_SHOWN]],
    )


def _match(found: Replayed) -> TrialMatch:
    record, activity = found.record, found.record.activity
    return TrialMatch(
        perhaps=found.perhaps,
        kind=activity.kind,
        program=activity.process.path or activity.process.name,
        command=activity.process.command,
        file_path=activity.file_path,
        changed=activity.changed,
        user=activity.process.user,
        workload=record.workload,
        containers=record.containers,
        times=record.times,
        last_at=record.last_at,
    )


def _check(source: str) -> tuple[RuleFile | None, RuleCheck]:
    """In a thread, because a rule may take its time over its samples; everybody may ask."""
    file, problem = try_source(source)
    if file is None:
        return None, RuleCheck(usable=False, problem=problem, id="", title="", replaces=False, samples=[])
    mistake = find_mistake(file)
    return file, RuleCheck(
        usable=not mistake,
        problem=mistake,
        id=file.rule.id,
        title=file.rule.title,
        replaces=file.rule.id in built_in_rules(),
        samples=_samples(file),
    )


@router.get(f"{RULES}/{{rule_id}}", operation_id="getThreatRule")
async def get_one(rule_id: str, _: Viewer, services: ServicesDep) -> RuleDetail:
    """A threat rule."""
    async with autocommit(services.engine) as connection:
        return await _detail(connection, rule_id)


@router.post(RULES, operation_id="addThreatRule", status_code=201)
async def post_rule(body: RuleSource, principal: Admin, services: ServicesDep) -> RuleDetail:
    """Add a custom rule; one with the id of a built-in rule holds instead of it."""
    async with services.engine.begin() as connection:
        return await _detail(connection, await save_custom_rule(connection, body.source, principal.name))


@router.put(f"{RULES}/{{rule_id}}", operation_id="changeThreatRule")
async def put_rule(rule_id: str, body: RuleSource, principal: Admin, services: ServicesDep) -> RuleDetail:
    """Change a custom rule."""
    async with services.engine.begin() as connection:
        await save_custom_rule(connection, body.source, principal.name, rule_id=rule_id)
        return await _detail(connection, rule_id)


@router.delete(f"{RULES}/{{rule_id}}", operation_id="removeThreatRule", status_code=204)
async def delete_rule(rule_id: str, principal: Admin, services: ServicesDep) -> None:
    """Remove a custom rule."""
    async with services.engine.begin() as connection:
        await remove_custom_rule(connection, rule_id, principal.name)


@router.put(f"{RULES}/{{rule_id}}/decision", operation_id="decideThreatRule")
async def put_decision(rule_id: str, body: RuleDecision, principal: Admin, services: ServicesDep) -> RuleDetail:
    """Enable or disable a rule, and say what it is worth."""
    async with services.engine.begin() as connection:
        await decide_rule(connection, rule_id, enabled=body.enabled, severity=body.severity, actor=principal.name)
        return await _detail(connection, rule_id)


@router.get("/api/v1/threat-changes", operation_id="listThreatChanges")
async def get_changes(_: Viewer, services: ServicesDep) -> list[ChangeOut]:
    """What people changed about rules, exceptions and blocking, newest first."""
    async with autocommit(services.engine) as connection:
        return [ChangeOut.model_validate(row, from_attributes=True) for row in await list_changes(connection)]


@router.get("/api/v1/sensor-policies", operation_id="listSensorPolicies")
async def get_standing(_: Viewer, services: ServicesDep) -> list[PolicyStanding]:
    """How many sensors have the current policy in force, cluster by cluster, and which have not."""
    async with autocommit(services.engine) as connection:
        return [_standing(row) for row in await list_standing(connection)]


def _standing(row: Row[Any]) -> PolicyStanding:
    return PolicyStanding(
        cluster_id=str(row.cluster_id),
        cluster=row.cluster,
        policy=row.policy,
        sensors=row.sensors,
        current=row.sensors - row.behind_count,
        behind=[SensorBehind.model_validate(item) for item in row.behind],
        demonstration=row.demonstration,
    )


@router.get(BLOCKING, operation_id="listBlocking")
async def get_all_blocking(_: Viewer, services: ServicesDep) -> list[BlockingOut]:
    """What sensors stop, cluster by cluster."""
    async with autocommit(services.engine) as connection:
        return [await _blocking(connection, row) for row in await list_blocking(connection)]


@router.get(f"{BLOCKING}/{{cluster_id}}", operation_id="getBlocking")
async def get_one_blocking(cluster_id: UUID, _: Viewer, services: ServicesDep) -> BlockingOut:
    """What sensors stop in a cluster."""
    async with autocommit(services.engine) as connection:
        return await _blocking(connection, await get_blocking(connection, cluster_id))


@router.put(f"{BLOCKING}/{{cluster_id}}", operation_id="changeBlocking")
async def put_blocking(cluster_id: UUID, body: BlockingIn, principal: Admin, services: ServicesDep) -> BlockingOut:
    """Change what sensors stop in a cluster; to enforce, audit first, or say that you know."""
    policy = Blocking(body.mode, body.drift, body.mismatch, tuple(body.included), tuple(body.excluded))
    async with services.engine.begin() as connection:
        await change_blocking(connection, cluster_id, policy, principal.name, unproven=body.unproven)
        return await _blocking(connection, await get_blocking(connection, cluster_id))


async def _blocking(connection: AsyncConnection, row: Row[Any]) -> BlockingOut:
    policy = read_blocking(row)
    enforced = replace(policy, mode=BlockingMode.ENFORCE)
    found = await count_stopped(connection, row)
    return BlockingOut(
        cluster_id=str(row.cluster_id),
        cluster=row.cluster,
        mode=policy.mode,
        drift=policy.drift,
        mismatch=policy.mismatch,
        included=list(policy.included),
        excluded=list(policy.excluded),
        audited_since=row.audited_since,
        changed_by=row.changed_by or "",
        changed_at=row.changed_at,
        sensors=row.sensors,
        containers=len(await list_containers(connection, row.cluster_id, policy)),
        **found._mapping,  # noqa: SLF001 - SQLAlchemy's public name
        objection=find_objection(policy, row.audited_since, enforced, datetime.now(UTC)),
        system_namespaces=list(SYSTEM_NAMESPACES),
    )
