"""What workloads execute, as columns in memory beside those of image tags and places."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row

from deadlight.model.risk import Risk
from deadlight.model.vulnerability import Severity
from deadlight.server.assessment.live_columns import NONE, RISK_BITS, SEVERITIES, Codes, Ints, LiveColumns, Mask, Vector

PROGRAM_BITS = 32


class Program(NamedTuple):
    """A program with its arguments, in the order of lists."""

    name: str
    id: UUID
    path: str
    arguments: tuple[str, ...]

    @property
    def line(self) -> str:
        """Its arguments as one reads them, without its own name."""
        return " ".join(self.arguments[1:])


class LiveProcesses:
    """One position for each program that a workload executed in an image; and the risks of an image's programs."""

    def __init__(self, columns: LiveColumns) -> None:
        self.columns = columns
        self.ids: Codes[UUID] = Codes()
        self.programs: dict[int, Program] = {}
        """By code."""
        self.position: dict[tuple[int, int], int] = {}
        """Of a process, by its placement and the code of its program."""
        self.placement = Vector(np.int64)
        self.program = Vector(np.int64)
        self.changed = Vector(np.bool_)
        self.last_at = Vector(np.float64)
        """Seconds since 1970."""
        self._risk_position: dict[int, int] = {}
        self._risk_key = Vector(np.int64)
        self._severities = Vector(np.int32, width=len(SEVERITIES))
        self._badges = Vector(np.int64)
        self._order: list[Program] = []

    def set_processes(self, rows: Sequence[Row[Any]]) -> None:
        """Rows of `process`, with their programs."""
        for row in rows:
            placement = self.columns.placement.get((row.workload_id, row.image_tag_id))
            if placement is None:
                continue
            code = self.ids[row.program_id]
            self.programs.setdefault(code, Program(row.name, row.program_id, row.path, tuple(row.arguments)))
            position = self.position.setdefault((placement, code), len(self.position))
            if position == len(self.placement.values):
                self.placement.append(placement)
                self.program.append(code)
                self.changed.append(row.changed)
                self.last_at.append(0)
            self.changed.values[position] = row.changed
            self.last_at.values[position] = row.last_at.timestamp()

    def set_risks(self, rows: Sequence[Row[Any]]) -> None:
        """Rows of `program_risk`."""
        for row in rows:
            key = row.image_id << PROGRAM_BITS | self.ids[row.program_id]
            position = self._risk_position.setdefault(key, len(self._risk_position))
            if position == len(self._risk_key.values):
                self._risk_key.append(key)
                self._severities.append(0)
                self._badges.append(0)
            self._severities.values[position] = [getattr(row, severity.value.lower()) for severity in Severity]
            self._badges.values[position] = (row.malicious > 0) * RISK_BITS[Risk.MALICIOUS] + (
                row.critical_applicable > 0
            ) * RISK_BITS[Risk.CRITICAL_APPLICABLE_CVES]

    @property
    def image_tag(self) -> Ints:
        """The position of each process's image tag."""
        positions: Ints = self.columns.placed_tag.values[self.placement.values]
        return positions

    def risks(self) -> tuple[NDArray[np.int32], Ints]:
        """Of each process, the vulnerabilities of packages it was seen to use by severity, and badges for these."""
        keys = self.columns.image_id.values[self.image_tag] << PROGRAM_BITS | self.program.values
        severities = np.zeros((len(keys), len(SEVERITIES)), np.int32)
        badges = np.zeros(len(keys), np.int64)
        known = self._risk_key.values
        if len(known) and len(keys):
            order = np.argsort(known)
            places = np.minimum(np.searchsorted(known, keys, sorter=order), len(known) - 1)
            found = order[places]
            is_known = known[found] == keys
            severities[is_known] = self._severities.values[found[is_known]]
            badges[is_known] = self._badges.values[found[is_known]]
        return severities, badges

    @property
    def order(self) -> list[Program]:
        """Every program, sorted."""
        if len(self._order) != len(self.programs):
            self._order = sorted(self.programs.values())
        return self._order

    def rank(self) -> Ints:
        """The place of each program in `order`, by its code."""
        ranks = np.full(len(self.ids.values), NONE, np.int64)
        for place, program in enumerate(self.order):
            ranks[self.ids[program.id]] = place
        return ranks

    def having(self, names: Sequence[str], paths: Sequence[str]) -> Mask:
        """Processes of one of these names and of one of these paths, where any are given."""
        wanted = np.zeros(len(self.ids.values), dtype=bool)
        for code, program in self.programs.items():
            wanted[code] = (not names or program.name in names) and (not paths or program.path in paths)
        having: Mask = wanted[self.program.values]
        return having
