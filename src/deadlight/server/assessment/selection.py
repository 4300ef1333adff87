"""From a filter to the image tags that meet it, over columns in memory. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import numpy as np

from deadlight.model.live_list import TimePeriod
from deadlight.server.assessment.filters import ImageFilter
from deadlight.server.assessment.live_columns import (
    RISK_BITS,
    SEVERITIES,
    STATUSES,
    STILL_THERE,
    VIOLATIONS,
    ImageName,
    LiveColumns,
)
from deadlight.server.assessment.live_vectors import Ints, Mask
from deadlight.server.assessment.lookups import Lookups
from deadlight.server.findings.risk import APPLICABILITY_BITS


class Selection:
    """Image tags and placements that meet every condition of a filter, or every one but some.

    Conditions go by the names of the fields of `ImageFilter`. What is offered to choose from in a filter is what the
    others leave.
    """

    def __init__(
        self, columns: LiveColumns, of_tags: Mapping[str, Mask], of_placements: Mapping[str, Mask], period: Mask
    ) -> None:
        self.columns = columns
        self.period = period
        """Placements that are, or were within the period."""
        self._of_tags = of_tags
        self._of_placements = of_placements

    def placements(self, *, without: str = "") -> Mask:
        """Of tags that meet their conditions too."""
        tags = _all_of(self._of_tags, without, len(self.columns.digests))
        placements: Mask = self._places(without) & tags[self.columns.placed_tag.values]
        return placements

    def tags(self, *, without: str = "") -> Mask:
        """Image tags that are somewhere where they meet the conditions on places."""
        somewhere = np.zeros(len(self.columns.digests), dtype=bool)
        somewhere[self.columns.placed_tag.values[self._places(without)]] = True
        return somewhere & _all_of(self._of_tags, without, len(somewhere))

    def everywhere(self) -> Mask:
        """Image tags of the period, whatever the other conditions."""
        somewhere = np.zeros(len(self.columns.digests), dtype=bool)
        somewhere[self.columns.placed_tag.values[self.period]] = True
        return somewhere

    def _places(self, without: str) -> Mask:
        places: Mask = self.period & _all_of(self._of_placements, without, len(self.period))
        return places


def select(columns: LiveColumns, wanted: ImageFilter, found: Lookups, now: datetime) -> Selection:
    """The image tags that meet a filter; `found` answers what the columns do not know."""
    period = _within(columns, wanted.period, now)
    return Selection(columns, _tag_masks(columns, wanted, found), _place_masks(columns, wanted, found), period)


def _all_of(masks: Mapping[str, Mask], without: str, length: int) -> Mask:
    every = np.ones(length, dtype=bool)
    for name, mask in masks.items():
        if name != without:
            every &= mask
    return every


def _within(columns: LiveColumns, period: TimePeriod, now: datetime) -> Mask:
    """What runs now; over a period also what is there and has ended, and what went since its beginning."""
    gone = columns.gone_at.values
    within: Mask = columns.running.values
    if period is not TimePeriod.NOW:
        within = (gone == STILL_THERE) | (gone > (now - period.length).timestamp())
    return columns.in_known_clusters & within


def _among(codes: Ints, wanted: Iterable[int], count: int) -> Mask:
    table = np.zeros(count, dtype=bool)
    table[list(wanted)] = True
    among: Mask = table[codes]
    return among


def _tag_masks(columns: LiveColumns, wanted: ImageFilter, found: Lookups) -> dict[str, Mask]:
    masks: dict[str, Mask] = {}
    if wanted.search:
        needle = wanted.search.strip().lower()
        masks["search"] = np.fromiter((needle in text for text in columns.texts), bool, len(columns.texts))
    if wanted.digests:
        digests = set(wanted.digests)
        masks["digests"] = np.fromiter((digest in digests for digest in columns.digests), bool, len(columns.digests))
    images = columns.images.values
    for name, codes in _image_codes(images, wanted).items():
        masks[name] = _among(columns.image.values, codes, len(images))
    if wanted.tags:
        codes = columns.tag_names.find(wanted.tags)
        masks["tags"] = _among(columns.tag.values, codes, len(columns.tag_names.values))
    if wanted.architectures:
        codes = columns.architectures.find(wanted.architectures)
        masks["architectures"] = _among(columns.architecture.values, codes, len(columns.architectures.values))
    masks |= _verdict_masks(columns, wanted)
    if wanted.applicabilities:
        bits = sum(APPLICABILITY_BITS[item] for item in set(wanted.applicabilities))
        masks["applicabilities"] = columns.applicabilities.values & bits > 0
    for name, image_ids in found.images.items():
        masks[name] = np.isin(columns.image_id.values, image_ids)
    return masks


def _image_codes(images: Sequence[ImageName], wanted: ImageFilter) -> dict[str, list[int]]:
    codes: dict[str, list[int]] = {}
    if wanted.name:
        codes["name"] = [code for code, image in enumerate(images) if str(image) == wanted.name]
    if wanted.images:
        names = set(wanted.images)
        codes["images"] = [
            code
            for code, image in enumerate(images)
            if image.repository in names or image.repository.rpartition("/")[2] in names
        ]
    if wanted.repositories:
        beginnings = tuple(f"{item.rstrip('/')}/" for item in wanted.repositories)
        codes["repositories"] = [code for code, image in enumerate(images) if f"{image}/".startswith(beginnings)]
    return codes


def _verdict_masks(columns: LiveColumns, wanted: ImageFilter) -> dict[str, Mask]:
    masks: dict[str, Mask] = {}
    if wanted.risks:
        masks["risks"] = (columns.badges & sum(RISK_BITS[risk] for risk in set(wanted.risks))) > 0
    if wanted.severities:
        levels = [SEVERITIES.index(item) for item in wanted.severities]
        masks["severities"] = columns.severities.values[:, levels].max(axis=1) > 0
    if wanted.integrity_statuses:
        statuses = [STATUSES.index(item) for item in wanted.integrity_statuses]
        masks["integrity_statuses"] = np.isin(columns.status.values, statuses)
    if wanted.violations:
        masks["violations"] = np.isin(columns.violation.values, [VIOLATIONS.index(item) for item in wanted.violations])
    return masks


def _place_masks(columns: LiveColumns, wanted: ImageFilter, found: Lookups) -> dict[str, Mask]:
    masks: dict[str, Mask] = {}
    if wanted.clusters:
        names = set(wanted.clusters)
        codes = [code for code, item in columns.clusters.items() if item.name in names or str(item.id) in names]
        masks["clusters"] = _among(columns.cluster.values, codes, len(columns.cluster_ids.values))
    for name, values, known, vector in (
        ("namespaces", wanted.namespaces, columns.namespaces, columns.namespace),
        ("workloads", wanted.workloads, columns.workload_names, columns.workload_name),
        ("workload_types", wanted.workload_types, columns.workload_types, columns.workload_type),
    ):
        if values:
            masks[name] = _among(vector.values, known.find(values), len(known.values))
    if wanted.detections:
        levels = [SEVERITIES.index(item) for item in wanted.detections]
        masks["detections"] = columns.detections.values[:, levels].max(axis=1) > 0
    for name, pairs in found.placements.items():
        masks[name] = np.zeros(len(columns.placement), dtype=bool)
        masks[name][[columns.placement[pair] for pair in pairs if pair in columns.placement]] = True
    return masks
