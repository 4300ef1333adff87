"""Image tags gathered into images: the riskiest tag of each, counts, and in which order they are listed. Pure."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from deadlight.model.risk import Risk
from deadlight.server.assessment.live_columns import RISK_BITS, ImageName, LiveColumns, rank
from deadlight.server.assessment.live_vectors import Ints, Mask, distinct
from deadlight.server.assessment.selection import Selection


class ImagesOrder(StrEnum):
    """What a list of images is ordered by; images that are alike in it follow by name."""

    RISK = "risk"
    """Riskiest first."""
    VULNERABILITIES = "vulnerabilities"
    """Those whose riskiest tag has most first."""
    WORKLOADS = "workloads"
    """Those in most workloads first."""
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Images:
    """Images with tags that meet a filter, as columns in the order of a list."""

    codes: Ints
    riskiest: Ints
    """Positions of their riskiest tags."""
    tags: Ints
    """How many of their tags meet the filter."""
    values: Ints
    """What they are ordered by, descending."""


def gather(selection: Selection, order: ImagesOrder) -> Images:
    """The images whose tags a filter selects.

    The riskiest tag of an image is the one with the gravest badges, then with most Critical, High and Medium
    vulnerabilities, then the one first seen last.
    """
    columns = selection.columns
    chosen = np.flatnonzero(selection.tags())
    images = columns.image.values[chosen]
    ranks = rank(columns.badges[chosen], columns.severities[chosen])
    worst_last = np.lexsort((columns.tag_id.values[chosen], ranks, images))
    images, ranks, chosen = images[worst_last], ranks[worst_last], chosen[worst_last]
    is_worst = np.append(images[1:] != images[:-1], values=True) if len(images) else np.zeros(0, dtype=bool)
    codes, riskiest = images[is_worst], chosen[is_worst]
    values = _order_values(selection, order, codes, riskiest, ranks[is_worst])
    listed = np.lexsort((columns.orders.of_image[codes], -values))
    tags = np.bincount(images, minlength=len(columns.images.values))
    return Images(codes[listed], riskiest[listed], tags[codes][listed], values[listed])


def _order_values(selection: Selection, order: ImagesOrder, codes: Ints, riskiest: Ints, ranks: Ints) -> Ints:
    match order:
        case ImagesOrder.RISK:
            return ranks
        case ImagesOrder.VULNERABILITIES:
            totals: Ints = selection.columns.severities[riskiest].sum(axis=1).astype(np.int64)
            return totals
        case ImagesOrder.WORKLOADS:
            return count_by_image(selection.columns, selection.period, selection.columns.workload.values)[codes]
        case ImagesOrder.NAME:
            return np.zeros(len(codes), np.int64)


def find_after(columns: LiveColumns, images: Images, value: int, name: ImageName) -> int:
    """Where a list goes on after an image of this value and name, whether or not it is still in it."""
    later_name = columns.orders.of_image[images.codes] >= bisect_right(columns.orders.images, name)
    after = (images.values < value) | ((images.values == value) & later_name)
    return len(images.codes) - int(after.sum())


def count_by_image(columns: LiveColumns, placements: Mask, values: Ints) -> Ints:
    """How many distinct values the placements of each image have."""
    images = columns.image.values[columns.placed_tag.values[placements]]
    pairs = distinct(images << 40 | values[placements])
    return np.bincount(pairs >> 40, minlength=len(columns.images.values))


def count_images(columns: LiveColumns, tags: Mask) -> int:
    """How many images have any of these tags."""
    has_any = np.zeros(len(columns.images.values), dtype=bool)
    has_any[columns.image.values[tags]] = True
    return int(has_any.sum())


def count_cards(selection: Selection) -> dict[Risk, int]:
    """How many images have a tag with each risk, among those that meet every other condition."""
    columns, tags = selection.columns, selection.tags(without="risks")
    badges = columns.badges
    return {risk: count_images(columns, tags & (badges & bit > 0)) for risk, bit in RISK_BITS.items()}


def risks_of(badges: int) -> Sequence[Risk]:
    """Badges as risks, worst first."""
    return [risk for risk, bit in RISK_BITS.items() if badges & bit]
