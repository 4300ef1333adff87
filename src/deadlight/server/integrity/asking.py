"""Asking the registry behind a source. Nothing is stored here."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Row

from deadlight.model.image import ImageReference, is_digest
from deadlight.registry import (
    InvalidRecordError,
    NotFoundError,
    RegistryClient,
    RegistryError,
    SourceRecord,
    UnavailableError,
)
from deadlight.registry.types.registry_type import ArtifactFacts
from deadlight.server.integrity.sources import Reply
from deadlight.server.integrity.verdict import Missing, Present, Unavailable, Untrusted
from deadlight.server.registries.service import Registry, client_for, connection_for
from deadlight.server.registries.stored_facts import read_facts
from deadlight.server.secrets import UndecipherableError
from deadlight.server.services import Services


async def ask(services: Services, registry: Registry | None, source: Row[Any]) -> Reply:
    """What the registry says of a source now; one that is not trusted is not asked."""
    if registry is None or not registry.trusts(source.repository):
        return Reply(Untrusted())
    previous = _previous(source)
    try:
        record = await _fetch(client_for(services, registry), source, previous)
    except NotFoundError:
        known = source.facts is not None and source.state == "missing"
        return Reply(Missing(), facts=None if known else await _ask_for_facts(services, registry, source, ""))
    except (RegistryError, UndecipherableError) as error:
        return _unavailable(error)
    known = source.facts is not None and record is previous
    facts = None if known else await _ask_for_facts(services, registry, source, record.digest)
    return Reply(Present(record.digest, record.digests), record, facts=facts)


async def _ask_for_facts(services: Services, registry: Registry, source: Row[Any], digest: str) -> ArtifactFacts:
    """What the registry's own API says of what is, or was, under the name.

    That is more than a verdict needs: where it cannot be had, the policy that was known counts, and why is kept.
    """
    tag = "" if is_digest(source.reference) else source.reference
    pinned = source.reference if not tag else ""
    wanted = digest or (source.record or {}).get("digest", "") or pinned
    try:
        api = connection_for(services, registry).api
        return await api.fetch_facts(ImageReference(source.registry, source.repository, tag, pinned), wanted)
    except RegistryError as error:
        return ArtifactFacts(tag_policy=read_facts(source.facts).tag_policy, problems=(str(error),))


def _unavailable(error: RegistryError | UndecipherableError) -> Reply:
    """The reply that an error is, with how long the registry wants to be left alone."""
    if not isinstance(error, UnavailableError):
        return Reply(Unavailable(str(error)))
    pause = error.retry_after_seconds
    return Reply(Unavailable(error.reason), retry_after=timedelta(seconds=pause) if pause else None)


async def _fetch(client: RegistryClient, source: Row[Any], previous: SourceRecord | None) -> SourceRecord:
    if is_digest(source.reference):
        return await client.fetch_pinned_record(source.repository, source.reference, previous=previous)
    return await client.fetch_source_record(source.repository, source.reference, previous=previous)


def _previous(source: Row[Any]) -> SourceRecord | None:
    """The last answer that said present, unless it has been missing since or another version wrote it."""
    return read_record(source.record) if source.state == "present" else None


def read_record(stored: Mapping[str, Any] | None) -> SourceRecord | None:
    """A stored record; None where there is none or another version wrote it."""
    try:
        return SourceRecord.from_dict(stored) if stored is not None else None
    except InvalidRecordError:
        return None
