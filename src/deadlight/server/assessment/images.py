"""The list of images people look at first: a row for each image, riskiest first, with what its tags add up to."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.workload import RuntimeStatus
from deadlight.server.assessment.filters import ImageFilter
from deadlight.server.assessment.grouping import (
    Images,
    ImagesOrder,
    count_by_image,
    count_cards,
    count_images,
    find_after,
    gather,
    risks_of,
)
from deadlight.server.assessment.image_tags import select_image_tags
from deadlight.server.assessment.images_schemas import ImageList, ImageRow, ImageSummary
from deadlight.server.assessment.live_columns import SEVERITIES, STATUSES, VIOLATIONS, ImageName, LiveColumns
from deadlight.server.assessment.live_index import LiveIndex
from deadlight.server.assessment.live_vectors import NONE, distinct
from deadlight.server.assessment.selection import Selection
from deadlight.server.assessment.workload_groups import sum_by
from deadlight.server.db.paging import Number, Text, decode_key, encode_key


async def list_images(
    connection: AsyncConnection, live: LiveIndex, wanted: ImageFilter, *, order: ImagesOrder, limit: int, next_key: str
) -> ImageList:
    """A page of the images with tags that run (or ran within the period) and meet the filter.

    Raises:
        BadRequestError: `next_key` is not of this list.
    """
    after = decode_key(next_key, order.value, (Number, Text, Text)) if next_key else None
    selection = await select_image_tags(connection, live, wanted)
    images = gather(selection, order)
    start = find_after(selection.columns, images, after[0], ImageName(*after[1:])) if after else 0
    end = min(start + limit, len(images.codes))
    return ImageList(
        images=list(iter_rows(selection, images, start, end)),
        total=len(images.codes),
        next_key=_key(selection.columns, images, order, end - 1) if end < len(images.codes) else "",
    )


def _key(columns: LiveColumns, images: Images, order: ImagesOrder, last: int) -> str:
    return encode_key(order.value, [int(images.values[last]), *columns.images.values[images.codes[last]]])


async def summarise_images(connection: AsyncConnection, live: LiveIndex, wanted: ImageFilter) -> ImageSummary:
    """How many images meet the filter, of how many, and the quick filters' counts within the other filters."""
    selection = await select_image_tags(connection, live, wanted)
    columns = selection.columns
    return ImageSummary(
        matching=count_images(columns, selection.tags()),
        total=count_images(columns, selection.everywhere()),
        risks=count_cards(selection),
        is_connected=bool(columns.clusters),
    )


def iter_rows(selection: Selection, images: Images, start: int, end: int) -> Iterator[ImageRow]:
    """The rows of a part of a list."""
    columns, codes = selection.columns, images.codes[start:end]
    listed = np.zeros(len(columns.images.values), dtype=bool)
    listed[codes] = True
    of_place = columns.image.values[columns.placed_tag.values]
    places = selection.period & listed[of_place]
    workloads = count_by_image(columns, places, columns.workload.values)
    clusters = _clusters_by_image(columns, places)
    badges = columns.badges
    detections = sum_by(of_place[places], columns.detections.values[places], len(listed))
    running = set(of_place[places & columns.running.values].tolist())
    for index, code in enumerate(codes.tolist(), start):
        found = [columns.clusters[cluster] for cluster in clusters[code]]
        yield ImageRow(
            registry=columns.images.values[code].registry,
            repository=columns.images.values[code].repository,
            tags_count=int(images.tags[index]),
            runtime_status=RuntimeStatus.RUNNING if code in running else RuntimeStatus.STOPPED,
            workloads_count=int(workloads[code]),
            clusters_count=len(found),
            providers=sorted({cluster.provider for cluster in found}),
            demonstration=any(cluster.demonstration for cluster in found),
            risks=risks_of(int(badges[images.riskiest[index]])),
            detections=dict(zip(SEVERITIES, detections[code].tolist(), strict=True)),
            **_describe_tag(columns, int(images.riskiest[index])),
        )


def _clusters_by_image(columns: LiveColumns, places: Any) -> dict[int, Sequence[int]]:
    pairs = distinct(columns.image.values[columns.placed_tag.values[places]] << 32 | columns.cluster.values[places])
    found: dict[int, list[int]] = {}
    for pair in pairs.tolist():
        found.setdefault(pair >> 32, []).append(pair & 0xFFFFFFFF)
    return dict(found)


def _describe_tag(columns: LiveColumns, position: int) -> dict[str, Any]:
    """What a row says of an image's riskiest tag."""
    counts = columns.severities[position].tolist()
    status, violation = int(columns.status.values[position]), int(columns.violation.values[position])
    return {
        "riskiest_tag_id": int(columns.tag_id.values[position]),
        "riskiest_tag": columns.tag_names.values[columns.tag.values[position]],
        "severities": dict(zip(SEVERITIES, counts, strict=True)) if columns.is_scanned[position] else None,
        "integrity_status": None if status == NONE else STATUSES[status],
        "violation_type": None if violation == NONE else VIOLATIONS[violation],
    }
