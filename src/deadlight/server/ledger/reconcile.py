"""Opening and closing windows so that they say what the tables say that hold the truth.

Integrity violations, untrusted registries and threats have places (`integrity.locations`, `detections.exposure`): each
place is a window, one at a time for a workload's image tag, of threats one for each detection. Risks that
come from what is in an image are live on a workload as long as it has the image and the image has the risk.

Every change of a workload passes here and mostly there is nothing to do: one statement finds that out, and one more
opens and closes, after which the teams of what opened are looked up. It may be repeated: what is in line stays as it
is. Transactions that reconcile several workloads hold their row locks, taken by id.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.ledger.findings import bad_findings
from deadlight.server.ledger.team import assign_teams


class OpenedBasis(StrEnum):
    """What `opened_at` rests on: of the moments that all had to be there, the last."""

    DEPLOYED = "deployed"
    """The workload's first container with the image started."""
    TAG_PUSHED = "tag_pushed"
    """What the registry has under the tag was pushed, as the registry says."""
    TAG_CHANGED = "tag_changed"
    """The registry was first seen to have another digest under the tag."""
    LAST_SEEN_PRESENT = "last_seen_present"
    """The registry last had the image; it went some time after."""
    PUBLISHED = "published"
    """The vulnerability was published."""
    MATCHED = "matched"
    """The vulnerability, of which nobody says when it was published, was first matched with a package."""
    FIRED = "fired"
    """A threat rule matched, as the sensor says."""
    REOPENED = "reopened"
    """The previous window closed."""
    DETECTED = "detected"
    """Nothing earlier is known."""


class Reconciled(NamedTuple):
    """How many windows were opened (some of them closed already) and how many closed."""

    opened: int
    closed: int


# What is or was exposed and has no closed window: a row per risk x workload x image tag, and per place where there are
# places. Those that are gone and have a window are left out.
_TRUTH = """
    SELECT 'integrity_violation' AS risk, place.workload_id, violation.image_tag_id, violation.type AS violation_type,
           place.id AS location_id, CAST(NULL AS bigint) AS image_id, place.detected_at, place.gone_at,
           nullif(violation.close_reason, '') AS over, CAST(NULL AS uuid) AS detection_key,
           CAST(NULL AS timestamptz) AS fired_at
    FROM violation_location AS place JOIN violation ON violation.id = place.violation_id
    WHERE {place} AND (place.gone_at IS NULL OR NOT EXISTS (
        SELECT FROM exposure_window AS known
        WHERE known.location_id = place.id AND known.risk = 'integrity_violation'))
    UNION ALL
    SELECT 'untrusted_registry', place.workload_id, place.image_tag_id, NULL, place.id, NULL, place.detected_at,
           place.gone_at, NULL, NULL, NULL
    FROM untrusted_location AS place
    WHERE {place} AND (place.gone_at IS NULL OR NOT EXISTS (
        SELECT FROM exposure_window AS known
        WHERE known.location_id = place.id AND known.risk = 'untrusted_registry'))
    UNION ALL
    SELECT 'threat', place.workload_id, place.image_tag_id, NULL, place.id, NULL, place.detected_at, place.gone_at,
           place.gone_because, detection.key, place.first_at
    FROM detection_location AS place JOIN detection ON detection.id = place.detection_id
    WHERE {place} AND (place.gone_at IS NULL OR NOT EXISTS (
        SELECT FROM exposure_window AS known WHERE known.location_id = place.id AND known.risk = 'threat'))
    UNION ALL
    SELECT badge.risk, workload.id, image_tag_image.image_tag_id, NULL, NULL, image_tag_image.image_id, now(),
           NULL, NULL, NULL, NULL
    FROM workload
    JOIN image_tag_image ON image_tag_image.image_tag_id = ANY(workload.image_tag_ids)
    JOIN image_risk ON image_risk.image_id = image_tag_image.image_id
    JOIN (VALUES ('critical_applicable_cves'), ('malicious')) AS badge(risk)
      ON CASE badge.risk WHEN 'malicious' THEN image_risk.malicious ELSE image_risk.critical_applicable END > 0
    WHERE {workload} AND workload.removed_at IS NULL
"""
_OF_THESE = {"place": "place.workload_id = ANY(:workload_ids)", "workload": "workload.id = ANY(:workload_ids)"}
_OF_ALL = {"place": "true", "workload": "true"}

_SAME_EXPOSURE = """
    known.workload_id = truth.workload_id AND known.image_tag_id = truth.image_tag_id AND known.risk = truth.risk
    AND known.detection_key IS NOT DISTINCT FROM truth.detection_key
"""

# The window of a truth that is live: its place's, or the one that is open.
_STANDS = f"""
    {_SAME_EXPOSURE} AND CASE WHEN truth.location_id IS NULL THEN known.closed_at IS NULL
                              ELSE known.location_id = truth.location_id END
"""

_GONE_AT = """
    CASE known.risk
        WHEN 'integrity_violation' THEN (SELECT gone_at FROM violation_location WHERE id = known.location_id)
        WHEN 'untrusted_registry' THEN (SELECT gone_at FROM untrusted_location WHERE id = known.location_id)
        WHEN 'threat' THEN (SELECT gone_at FROM detection_location WHERE id = known.location_id)
    END
"""


def _why_closed(risk: str, image_tag_id: str, over: str) -> str:
    """SQL that says why a window closes, over a row `workload`."""
    return f"""
        CASE WHEN {risk} = 'threat' THEN coalesce({over}, 'detection forgotten')
             WHEN workload.removed_at IS NOT NULL THEN 'workload removed'
             WHEN NOT workload.image_tag_ids @> ARRAY[{image_tag_id}] THEN 'image no longer deployed here'
             ELSE CASE {risk}
                 WHEN 'integrity_violation' THEN coalesce({over}, 'violation over')
                 WHEN 'untrusted_registry' THEN 'registry trusted now'
                 WHEN 'malicious' THEN 'no malicious package any more'
                 ELSE 'no critical and applicable vulnerability any more' END
        END
    """


_OVER = """
    CASE known.risk
        WHEN 'integrity_violation' THEN (
            SELECT nullif(violation.close_reason, '') FROM violation_location JOIN violation
            ON violation.id = violation_location.violation_id WHERE violation_location.id = known.location_id)
        WHEN 'threat' THEN (SELECT gone_because FROM detection_location WHERE id = known.location_id)
    END
"""

# When the first container of the workload that has the image started: of those that are there, or of all there were.
# No matter for a threat: it happened in a container that may have gone since.
_DEPLOYED = """
    SELECT coalesce(min(started_at) FILTER (WHERE container.removed_at IS NULL), min(started_at)) AS at
    FROM pod JOIN container ON container.pod_id = pod.id
    WHERE pod.workload_id = linked.workload_id AND container.image_tag_id = linked.image_tag_id
      AND linked.risk <> 'threat'
"""

# When the registry stopped having what runs: when it last had it, or when the tag was moved, as the evidence says.
_TURNED = """
    SELECT CASE WHEN is_missing THEN present_at ELSE updated_at END AS at,
           CASE WHEN is_missing THEN 'last_seen_present' WHEN updated_at = pushed_at THEN 'tag_pushed'
                ELSE 'tag_changed' END AS basis
    FROM violation_location JOIN violation ON violation.id = violation_location.violation_id,
    LATERAL (SELECT violation.type = 'Missing Source' AS is_missing,
                    CAST(evidence ->> 'last_seen_present_at' AS timestamptz) AS present_at,
                    CAST(evidence ->> 'tag_updated_at' AS timestamptz) AS updated_at,
                    CAST(evidence ->> 'pushed_at' AS timestamptz) AS pushed_at) AS said
    WHERE linked.risk = 'integrity_violation' AND violation_location.id = linked.location_id
"""

# Since when the image's packages have been known to be bad: the first of the vulnerabilities that make the risk.
_KNOWN_BAD = f"""
    SELECT coalesce(vulnerability.published_at, vulnerability_match.opened_at) AS at,
           CASE WHEN vulnerability.published_at IS NULL THEN 'matched' ELSE 'published' END AS basis
    {bad_findings("linked.image_id", "linked.risk")} ORDER BY 1 LIMIT 1
"""

_RECONCILE = text(
    f"""
    WITH truth AS MATERIALIZED ({_TRUTH.format(**_OF_THESE)}),
    closed AS (
        UPDATE exposure_window AS known
        SET closed_at = greatest(known.detected_at, coalesce({_GONE_AT}, workload.removed_at, now())),
            close_reason = {_why_closed("known.risk", "known.image_tag_id", _OVER)},
            repaired = repaired OR :repaired
        FROM workload
        WHERE workload.id = known.workload_id AND workload.id = ANY(:workload_ids) AND known.closed_at IS NULL
          AND NOT EXISTS (SELECT FROM truth WHERE truth.gone_at IS NULL AND {_STANDS})
        RETURNING known.id, known.closed_at
    ), fresh AS MATERIALIZED (
        SELECT nextval(pg_get_serial_sequence('exposure_window', 'id')) AS id, in_order.*
        FROM (SELECT * FROM truth WHERE NOT EXISTS (SELECT FROM exposure_window AS known WHERE {_STANDS})
              ORDER BY location_id) AS in_order
    ), linked AS (
        SELECT truth.*, coalesce(lag(truth.id) OVER chain, last.id) AS previous_id,
               coalesce(lag(truth.gone_at) OVER chain, ended.closed_at, last.closed_at) AS previous_closed_at
        FROM fresh AS truth
        CROSS JOIN (SELECT count(*) FROM closed) AS first_close
        LEFT JOIN LATERAL (
            SELECT known.id, known.closed_at FROM exposure_window AS known
            WHERE {_SAME_EXPOSURE} ORDER BY known.id DESC LIMIT 1) AS last ON true
        LEFT JOIN closed AS ended ON ended.id = last.id
        WINDOW chain AS (PARTITION BY truth.workload_id, truth.image_tag_id, truth.risk, truth.detection_key
                         ORDER BY truth.location_id)
    ), opened AS (
        INSERT INTO exposure_window (id, workload_id, image_tag_id, risk, violation_type, location_id,
            detection_key, opened_at, opened_basis, detected_at, closed_at, close_reason, previous_id, repaired)
        OVERRIDING SYSTEM VALUE
        SELECT linked.id, linked.workload_id, linked.image_tag_id, linked.risk, linked.violation_type,
               linked.location_id, linked.detection_key,
               least(coalesce(start.at, linked.detected_at), linked.detected_at),
               CASE WHEN start.at <= linked.detected_at THEN start.basis ELSE 'detected' END,
               linked.detected_at, greatest(linked.gone_at, CASE WHEN linked.gone_at IS NOT NULL
                                                                 THEN linked.detected_at END),
               CASE WHEN linked.gone_at IS NULL THEN ''
                    ELSE {_why_closed("linked.risk", "linked.image_tag_id", "linked.over")} END,
               linked.previous_id, :repaired
        FROM linked
        JOIN workload ON workload.id = linked.workload_id
        LEFT JOIN LATERAL ({_DEPLOYED}) AS deployed ON true
        LEFT JOIN LATERAL ({_TURNED}) AS turned ON true
        LEFT JOIN LATERAL ({_KNOWN_BAD}) AS bad ON true
        LEFT JOIN LATERAL (
            SELECT moment.at, moment.basis
            FROM (VALUES (deployed.at, 'deployed'), (turned.at, turned.basis), (bad.at, bad.basis),
                         (linked.fired_at, 'fired'), (linked.previous_closed_at, 'reopened')) AS moment(at, basis)
            WHERE moment.at IS NOT NULL ORDER BY moment.at DESC LIMIT 1) AS start ON true
        ON CONFLICT DO NOTHING
        RETURNING id, workload_id, image_tag_id
    )
    SELECT (SELECT coalesce(jsonb_agg(opened), '[]') FROM opened) AS opened,
           (SELECT count(*) FROM closed) AS closed
    """  # noqa: S608 - constants
)

# Workloads with an open window that should not be, or without one that should.
_OUT_OF_LINE = f"""
    SELECT known.workload_id FROM exposure_window AS known
    WHERE {{window}} AND known.closed_at IS NULL
      AND NOT EXISTS (SELECT FROM truth WHERE truth.gone_at IS NULL AND {_STANDS})
    UNION
    SELECT truth.workload_id FROM truth
    WHERE NOT EXISTS (SELECT FROM exposure_window AS known WHERE {_STANDS})
"""  # noqa: S608 - constants

_IS_OUT_OF_LINE = text(
    f"""
    WITH truth AS MATERIALIZED ({_TRUTH.format(**_OF_THESE)})
    SELECT EXISTS ({_OUT_OF_LINE.format(window="known.workload_id = ANY(:workload_ids)")})
    """
)

# An event that is pending will see to its workload: that is not missed, only not done yet.
_MISSED = text(
    f"""
    WITH truth AS MATERIALIZED ({_TRUTH.format(**_OF_ALL)}), missed AS ({_OUT_OF_LINE.format(window="true")})
    SELECT workload_id FROM missed
    WHERE NOT EXISTS (SELECT FROM event WHERE event.status = 'pending' AND event.key = 'workload:' || workload_id)
      AND NOT EXISTS (SELECT FROM event WHERE event.status = 'pending' AND event.type = 'DetectionChanged'
                                          AND CAST(event.data ->> 'workload_id' AS bigint) = workload_id)
    ORDER BY workload_id LIMIT :limit
    """  # noqa: S608 - constants
)


_LOCK_WORKLOADS = text("SELECT id FROM workload WHERE id = ANY(:workload_ids) ORDER BY id FOR NO KEY UPDATE")


async def lock_workloads(connection: AsyncConnection, workload_ids: Sequence[int]) -> None:
    """Take the row locks of workloads by id, in the order of every transaction that locks several.

    They order the workloads' events, too.
    """
    if workload_ids:
        await connection.execute(_LOCK_WORKLOADS, {"workload_ids": list(workload_ids)})


async def reconcile(connection: AsyncConnection, workload_ids: Sequence[int], *, repaired: bool = False) -> Reconciled:
    """Open and close the windows of these workloads; the caller holds their locks if there are several.

    `repaired` says that no event led here, and is noted on the windows.
    """
    concerned = {"workload_ids": list(workload_ids)}
    # Asking is much cheaper than planning the statement that also writes, and mostly all is in line.
    if not (await connection.execute(_IS_OUT_OF_LINE, concerned)).scalar_one():
        return Reconciled(0, 0)
    row = (await connection.execute(_RECONCILE, {**concerned, "repaired": repaired})).one()
    await assign_teams(connection, row.opened)
    return Reconciled(len(row.opened), row.closed)


async def list_missed(connection: AsyncConnection, limit: int) -> list[int]:
    """Workloads whose windows are not in line with the truth though no event about them is pending, by id."""
    return list((await connection.execute(_MISSED, {"limit": limit})).scalars())
