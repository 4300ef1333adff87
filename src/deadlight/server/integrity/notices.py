"""What a registry's webhook said, kept where the registry itself confirms it. A hint only: no verdict rests on it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.registry.notifications import Notification, NotificationAction
from deadlight.server.integrity.sources import load_tag_history, lock_source
from deadlight.server.integrity.verdict import Answer, Missing, Present

MAX_SOURCES = 100
"""Of a repository that are checked because of a notification that names no tag."""

ASK_AGAIN_AFTER = tuple(timedelta(seconds=seconds) for seconds in (1, 5, 25))
"""Pauses before a registry is asked again that does not answer yet what it told.

Distribution tells of a push before it sets the tag; others tell from one replica and answer from another.
"""

_FIND_SOURCES = text(
    """
    SELECT id FROM source_record
    WHERE registry = :host AND (repository = :repository OR :image <> '' AND (
              repository = :image OR right(repository, length(:image) + 1) = '/' || :image))
      AND (:tag = '' OR reference = :tag OR reference = :digest)
    ORDER BY reference = :tag DESC, id LIMIT :limit
    """
)

# A push without a digest is that of a digest that was not known before this very check.
_NOTE_PUSH = text(
    """
    UPDATE tag_history SET pushed_by = :actor, pushed_at = :at
    WHERE source_record_id = :source_id AND pushed_at IS NULL AND pushed_by = ''
      AND (digest = :digest OR :digest = '' AND first_seen_at = now())
    """
)

# Without a tag it is told of everything in its repository: only what had that digest was deleted with it.
_NOTE_DELETION = text(
    """
    UPDATE source_record SET deleted_by = :actor, deleted_at = :at
    WHERE id = :source_id AND state = 'missing' AND deleted_at IS NULL
      AND (reference IN (:tag, :digest) OR record ->> 'digest' = :digest)
    """
)

# The schedule may have been faster than the webhook: then the violation is there already, without a name.
_COMPLETE_EVIDENCE = text(
    """
    UPDATE violation SET evidence = violation.evidence || CASE violation.type
               WHEN 'Missing Source'
               THEN jsonb_build_object('deleted_by', source.deleted_by, 'deleted_at', source.deleted_at)
               ELSE jsonb_build_object('pushed_by', tag_history.pushed_by, 'pushed_at', tag_history.pushed_at,
                                       'tag_updated_at', CAST(:tag_updated_at AS timestamptz)) END
    FROM image_tag, source_record AS source
    LEFT JOIN tag_history ON tag_history.source_record_id = source.id
                         AND tag_history.digest = source.record ->> 'digest'
    WHERE source.id = :source_id AND violation.image_tag_id = image_tag.id AND violation.closed_at IS NULL
      AND image_tag.registry = source.registry AND image_tag.repository = source.repository
      AND coalesce(nullif(image_tag.pinned_digest, ''), image_tag.tag) = source.reference
      AND CASE violation.type
              WHEN 'Missing Source' THEN violation.evidence ->> 'deleted_at' IS NULL AND source.deleted_at IS NOT NULL
              ELSE violation.evidence ->> 'pushed_at' IS NULL AND tag_history.pushed_at IS NOT NULL
                   AND violation.evidence ->> 'registry_digest' = tag_history.digest END
    """
)


class Notice(msgspec.Struct, frozen=True):
    """Who did what, by the word of a webhook. Empty texts are unknown."""

    action: NotificationAction
    digest: str
    actor: str
    at: datetime
    tag: str = ""


async def find_sources(connection: AsyncConnection, host: str, notification: Notification) -> Sequence[int]:
    """The sources a notification may be about; none where nobody runs such an image."""
    names = {"host": host, "repository": notification.repository, "image": notification.image}
    parts = {"tag": notification.tag, "digest": notification.digest, "limit": MAX_SOURCES}
    return (await connection.execute(_FIND_SOURCES, names | parts)).scalars().all()


def is_borne_out(notice: Notice, source: Row[Any], answer: Answer) -> bool:
    """Whether an answer about a source, as it was before, is what a notice makes one expect.

    So is one of a source that the notice does not name, and one that says nothing.
    """
    is_named = source.reference in (notice.tag, notice.digest)
    if isinstance(answer, Missing):
        return notice.action is NotificationAction.DELETED or not is_named
    if not isinstance(answer, Present):
        return True
    if notice.action is NotificationAction.DELETED:
        return answer.digest != notice.digest if notice.digest else not is_named
    return not is_named or _is_pushed(notice, source, answer)


def _is_pushed(notice: Notice, source: Row[Any], answer: Present) -> bool:
    if notice.digest:
        return notice.digest in answer.digests
    return bool(source.state != "present" or answer.digest != source.record["digest"])


async def keep_notice(connection: AsyncConnection, source_id: int, notice: Notice) -> None:
    """Keep who pushed or deleted, as far as the registry's answer, which has just been stored, bears it out."""
    statement = _NOTE_PUSH if notice.action is NotificationAction.PUSHED else _NOTE_DELETION
    values = {"actor": notice.actor, "at": notice.at, "tag": notice.tag, "digest": notice.digest}
    await connection.execute(statement, values | {"source_id": source_id})
    await connection.execute(
        _COMPLETE_EVIDENCE, {"source_id": source_id, "tag_updated_at": await _tag_updated_at(connection, source_id)}
    )


async def _tag_updated_at(connection: AsyncConnection, source_id: int) -> datetime | None:
    source = await lock_source(connection, source_id)
    history = await load_tag_history(connection, source_id)
    return history.updated_at((source.record or {}).get("digest", ""), source.changed_at)
