"""The values a filter offers to choose from: how many images would remain with each, within the other filters."""

import heapq
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.assessment.filters import ImageFilter
from deadlight.server.assessment.grouping import count_cards, count_images
from deadlight.server.assessment.image_tags import select_image_tags
from deadlight.server.assessment.images_schemas import Facet, FacetValue, FacetValues
from deadlight.server.assessment.live_columns import SEVERITIES, STATUSES, VIOLATIONS, ImageName, LiveColumns
from deadlight.server.assessment.live_index import LiveIndex
from deadlight.server.assessment.live_vectors import Ints, Mask, distinct
from deadlight.server.assessment.selection import Selection

VALUES_AT_ONCE = 50

# Values that only the database knows, those containing a text. Which images they leave is not counted: that would take
# a look-up for each.
_UNCOUNTED: Mapping[Facet, TextClause] = {
    Facet.CVE: text(
        """
        SELECT name FROM vulnerability WHERE name ILIKE :pattern AND EXISTS (
            SELECT FROM advisory_vulnerability JOIN vulnerability_match USING (advisory_id)
            WHERE vulnerability_id = vulnerability.id AND closed_at IS NULL)
        ORDER BY name DESC LIMIT :limit
        """
    ),
    Facet.PACKAGE: text("SELECT DISTINCT name FROM package WHERE name ILIKE :pattern ORDER BY name LIMIT :limit"),
    Facet.PACKAGE_VERSION: text(
        """
        WITH known AS MATERIALIZED (
            SELECT DISTINCT version FROM package WHERE CAST(:packages AS text[]) IS NULL OR name = ANY(:packages))
        SELECT version FROM known WHERE version ILIKE :pattern ORDER BY version LIMIT :limit
        """
    ),
    Facet.COMPONENT: text(
        """
        SELECT name || ':' || version FROM package
        WHERE name ILIKE :name_pattern AND version ILIKE :version_pattern
        GROUP BY name, version ORDER BY name, version LIMIT :limit
        """
    ),
    Facet.NODE: text(
        "SELECT DISTINCT name FROM node WHERE name ILIKE :pattern AND removed_at IS NULL ORDER BY name LIMIT :limit"
    ),
    Facet.PROCESS: text("SELECT DISTINCT name FROM program WHERE name ILIKE :pattern ORDER BY name LIMIT :limit"),
    Facet.PROCESS_HASH: text(
        """
        SELECT DISTINCT sha256 FROM program WHERE sha256 <> '' AND sha256 ILIKE :pattern ORDER BY sha256 LIMIT :limit
        """
    ),
    Facet.PATH: text("SELECT DISTINCT path FROM program WHERE path ILIKE :pattern ORDER BY path LIMIT :limit"),
}


async def list_facet_values(
    connection: AsyncConnection, live: LiveIndex, facet: Facet, wanted: ImageFilter, containing: str
) -> FacetValues:
    """The values of a filter that contain a text."""
    if facet in _UNCOUNTED:
        return await _list_uncounted(connection, facet, wanted, containing)
    values, counts = _count(await select_image_tags(connection, live, wanted), facet)
    return _list_counted(values, counts, containing.strip().lower())


def _list_counted(values: Sequence[str], counts: Ints, needle: str) -> FacetValues:
    """Values that any image has, those of most images first."""
    codes = np.flatnonzero(counts).tolist()
    if needle:
        codes = [code for code in codes if needle in values[code].lower()]
    found = zip((-counts[codes]).tolist(), (values[code] for code in codes), strict=True)
    most = heapq.nsmallest(VALUES_AT_ONCE + 1, found)
    listed = [FacetValue(value=value, count=-negative) for negative, value in most[:VALUES_AT_ONCE]]
    return FacetValues(values=listed, more=len(most) > VALUES_AT_ONCE)


async def _list_uncounted(
    connection: AsyncConnection, facet: Facet, wanted: ImageFilter, containing: str
) -> FacetValues:
    parameters: dict[str, Any] = {"pattern": f"%{_escape_like(containing.strip())}%", "limit": VALUES_AT_ONCE + 1}
    if facet is Facet.PACKAGE_VERSION:
        parameters["packages"] = list(wanted.packages) or None
    if facet is Facet.COMPONENT:
        name, _, version = containing.strip().partition(":")
        parameters |= {"name_pattern": f"%{_escape_like(name)}%", "version_pattern": f"{_escape_like(version)}%"}
    values = (await connection.execute(_UNCOUNTED[facet], parameters)).scalars().all()
    listed = [FacetValue(value=value, count=None) for value in values[:VALUES_AT_ONCE]]
    return FacetValues(values=listed, more=len(values) > VALUES_AT_ONCE)


def _escape_like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _count(selection: Selection, facet: Facet) -> tuple[Sequence[str], Ints]:
    """Values, and how many images would remain with each."""
    columns = selection.columns
    if facet is Facet.RISK:
        cards = count_cards(selection)
        return list(cards), np.array(list(cards.values()))
    if facet is Facet.SEVERITY:
        return _count_severities(selection)
    if facet is Facet.DETECTION:
        return _count_detections(selection)
    if facet in _PLACE_FACETS:
        filter_name, codes, values = _PLACE_FACETS[facet](columns)
        places = selection.placements(without=filter_name)
        return _count_codes(codes[places], columns.image.values[columns.placed_tag.values[places]], values)
    filter_name, codes, values = _TAG_FACETS[facet](columns)
    tags = selection.tags(without=filter_name)
    return _count_codes(codes[tags], columns.image.values[tags], values)


def _count_codes(codes: Ints, images: Ints, values: Sequence[str]) -> tuple[Sequence[str], Ints]:
    """Distinct images by value."""
    known = codes >= 0
    pairs = distinct(codes[known].astype(np.int64) << 32 | images[known])
    return values, np.bincount(pairs >> 32, minlength=len(values))


def _count_severities(selection: Selection) -> tuple[Sequence[str], Ints]:
    columns, tags = selection.columns, selection.tags(without="severities")
    found: Mask = columns.severities.values > 0
    return SEVERITIES, np.array([count_images(columns, tags & found[:, index]) for index in range(len(SEVERITIES))])


def _count_detections(selection: Selection) -> tuple[Sequence[str], Ints]:
    columns, places = selection.columns, selection.placements(without="detections")
    found: Mask = columns.detections.values[places] > 0
    images = columns.image.values[columns.placed_tag.values[places]]
    return SEVERITIES, np.array([len(distinct(images[of_level])) for of_level in found.T])


_Facet = tuple[str, Ints, Sequence[str]]
"""The filter's name, a code for each position and what the codes mean."""


def _cluster_names(columns: LiveColumns) -> list[str]:
    known = columns.clusters
    return [known[code].name if code in known else "" for code in range(len(columns.cluster_ids.values))]


def _repositories(columns: LiveColumns) -> list[str]:
    return [image.repository for image in columns.images.values]


def _areas(columns: LiveColumns) -> list[str]:
    return [_area(image) for image in columns.images.values]


_PLACE_FACETS: Mapping[Facet, Callable[[LiveColumns], _Facet]] = {
    Facet.CLUSTER: lambda live: ("clusters", live.cluster.values, _cluster_names(live)),
    Facet.NAMESPACE: lambda live: ("namespaces", live.namespace.values, live.namespaces.values),
    Facet.WORKLOAD: lambda live: ("workloads", live.workload_name.values, live.workload_names.values),
    Facet.WORKLOAD_TYPE: lambda live: ("workload_types", live.workload_type.values, live.workload_types.values),
}

_TAG_FACETS: Mapping[Facet, Callable[[LiveColumns], _Facet]] = {
    Facet.INTEGRITY_STATUS: lambda live: ("integrity_statuses", live.status.values, STATUSES),
    Facet.VIOLATION: lambda live: ("violations", live.violation.values, VIOLATIONS),
    Facet.IMAGE: lambda live: ("images", *_recoded(live, _repositories(live))),
    Facet.REPOSITORY: lambda live: ("repositories", *_recoded(live, _areas(live))),
    Facet.TAG: lambda live: ("tags", live.tag.values, live.tag_names.values),
    Facet.ARCHITECTURE: lambda live: ("architectures", live.architecture.values, live.architectures.values),
    Facet.DIGEST: lambda live: ("digests", np.arange(len(live.digests)), live.digests),
}


def _area(image: ImageName) -> str:
    """The registry with the first part of the path, where there is more than one."""
    first, slash, _ = image.repository.partition("/")
    return f"{image.registry}/{first}" if slash else image.registry


def _recoded(columns: LiveColumns, texts: Sequence[str]) -> tuple[Ints, list[str]]:
    """Codes of texts that several images may share."""
    values = sorted(set(texts))
    places = {value: place for place, value in enumerate(values)}
    return np.array([places[item] for item in texts], np.int64)[columns.image.values], values
