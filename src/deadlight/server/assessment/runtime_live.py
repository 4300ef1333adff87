"""The list of running images that clients of the documented product ask its own console's endpoint for.

It is not part of the documented API, but is what published MCP tools call; shapes are those such clients read.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.live_list import TimePeriod
from deadlight.model.risk import Risk
from deadlight.model.vulnerability import Severity
from deadlight.server.assessment.filters import ImageFilter
from deadlight.server.assessment.grouping import Images, ImagesOrder, count_cards, gather
from deadlight.server.assessment.image_tags import select_image_tags
from deadlight.server.assessment.images import iter_rows
from deadlight.server.assessment.images_schemas import ImageRow
from deadlight.server.assessment.live_columns import SEVERITIES, LiveColumns
from deadlight.server.assessment.live_index import LiveDep, LiveIndex
from deadlight.server.assessment.runtime_schemas import RuntimeFilters, check_limit
from deadlight.server.assessment.selection import Selection
from deadlight.server.auth.requests import Viewer
from deadlight.server.db.engine import autocommit
from deadlight.server.db.zero_bytes import PlainText
from deadlight.server.errors import BadRequestError
from deadlight.server.services import ServicesDep

router = APIRouter(prefix="/runtime/api/v1/live", tags=["runtime"])

MAX_PAGE = 100_000


class LiveImagesQuery(BaseModel):
    """What the list is narrowed by; `filters` is the JSON of the documented filters, or empty."""

    num_of_rows: int = 100
    page_num: int = Field(default=1, ge=1, le=MAX_PAGE)
    statistics: bool = True
    time_period: TimePeriod = Field(default=TimePeriod.NOW, alias="timePeriod")
    filters: PlainText = Field(default="", max_length=16_384)


class _Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)


class TagVulnerabilities(_Camel):
    """How many vulnerabilities a tag has; without `isScannedByXray` nobody knows."""

    image_tag: str
    is_scanned_by_xray: bool
    total: int
    critical: int
    high: int
    medium: int
    low: int
    unknown: int


class RuntimeImage(_Camel):
    """An image with its riskiest tag."""

    name: str
    registry: str
    repository_path: str
    status: str
    risks: list[Risk]
    riskiest_tag: str
    riskiest_tag_risks: list[Risk]
    riskiest_tag_vulns: TagVulnerabilities
    vulnerabilities_per_version: list[TagVulnerabilities]
    clusters_count: int
    workloads_count: int
    cloud_providers: list[str]


class StatisticAction(BaseModel):
    """What choosing a statistic does: it filters the list."""

    payload: str
    type: str


class Statistic(BaseModel):
    """How many images have a risk."""

    key: str
    value: int
    actions: list[StatisticAction]


class RuntimeImages(_Camel):
    """A page of images."""

    images: list[RuntimeImage]
    statistics: list[Statistic]
    total_count: int


@router.get("/images", operation_id="listRunningImages")
async def get_live_images(
    query: Annotated[LiveImagesQuery, Query()], _: Viewer, services: ServicesDep, live: LiveDep
) -> RuntimeImages:
    """Images that run now, or ran within the time period, riskiest first."""
    rows = check_limit(query.num_of_rows, "num_of_rows")
    wanted = _parse_filters(query)
    async with autocommit(services.engine) as connection:
        return await _list(connection, live, wanted, query, (query.page_num - 1) * rows)


def _parse_filters(query: LiveImagesQuery) -> ImageFilter:
    try:
        given = msgspec.json.decode(query.filters) if query.filters.strip() else {}
        filters = RuntimeFilters.model_validate({"time_period": query.time_period, **given})
    except (msgspec.DecodeError, ValidationError, TypeError, RecursionError) as error:
        raise BadRequestError(
            "filters should be empty or a JSON object of filters as in POST /runtime/api/v1/images/tags"
        ) from error
    return filters.image_filter()


async def _list(
    connection: AsyncConnection, live: LiveIndex, wanted: ImageFilter, query: LiveImagesQuery, start: int
) -> RuntimeImages:
    selection = await select_image_tags(connection, live, wanted)
    images = gather(selection, ImagesOrder.RISK)
    end = min(start + query.num_of_rows, len(images.codes))
    tags = _tags_by_image(selection, images, start, end)
    return RuntimeImages(
        images=[
            _image(selection.columns, row, of_image)
            for row, of_image in zip(iter_rows(selection, images, start, end), tags, strict=True)
        ],
        statistics=_statistics(selection) if query.statistics else [],
        total_count=len(images.codes),
    )


def _tags_by_image(selection: Selection, images: Images, start: int, end: int) -> list[list[int]]:
    chosen = np.flatnonzero(selection.tags())
    codes = selection.columns.image.values[chosen]
    return [chosen[codes == code].tolist() for code in images.codes[start:end]]


def _image(columns: LiveColumns, row: ImageRow, tags: Sequence[int]) -> RuntimeImage:
    return RuntimeImage(
        name=row.repository.rpartition("/")[2],
        registry=row.registry,
        repository_path=row.repository,
        status=row.runtime_status,
        risks=row.risks,
        riskiest_tag=row.riskiest_tag,
        riskiest_tag_risks=row.risks,
        riskiest_tag_vulns=_count(columns, columns.position[row.riskiest_tag_id]),
        vulnerabilities_per_version=[_count(columns, position) for position in tags],
        clusters_count=row.clusters_count,
        workloads_count=row.workloads_count,
        cloud_providers=row.providers,
    )


def _count(columns: LiveColumns, position: int) -> TagVulnerabilities:
    counts = dict(zip(SEVERITIES, columns.severities[position].tolist(), strict=True))
    return TagVulnerabilities(
        image_tag=columns.tag_names.values[columns.tag.values[position]],
        is_scanned_by_xray=bool(columns.is_scanned[position]),
        total=sum(counts.values()),
        **{severity.value.lower(): counts[severity] for severity in Severity},
    )


def _statistics(selection: Selection) -> list[Statistic]:
    return [
        Statistic(key=risk.value, value=count, actions=[StatisticAction(payload=risk.value, type="filter")])
        for risk, count in count_cards(selection).items()
    ]
