"""What workloads execute, as columns in memory beside those of image tags and places."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from sqlalchemy import Row

from deadlight.model.risk import Risk
from deadlight.model.vulnerability import Severity
from deadlight.server.assessment.live_columns import RISK_BITS, SEVERITIES, LiveColumns
from deadlight.server.assessment.live_vectors import Codes, Ints, Mask, Vector


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


class ProgramOrder:
    """Programs that have codes, sorted."""

    def __init__(self, programs: Sequence[Program]) -> None:
        order = sorted(range(len(programs)), key=programs.__getitem__)
        self.programs = [programs[code] for code in order]
        self.places: Ints = np.empty(len(order), np.int64)
        """The place of each by its code."""
        self.places[order] = np.arange(len(order))


class LiveProcesses:
    """One position for each program of an image tag (an executable), and one for each of these in a workload."""

    def __init__(self, columns: LiveColumns) -> None:
        self.columns = columns
        self.program_ids: Codes[UUID] = Codes()
        self.programs: list[Program] = []
        """By code."""
        self.texts: list[str] = []
        """What a search looks at, by code: path, and name with arguments."""

        self.executables: Codes[tuple[int, int]] = Codes()
        """Positions of an image tag and codes of a program of it."""
        self.image_tag = Vector(np.int64)
        """Of an executable."""
        self.program = Vector(np.int64)
        """Of an executable."""
        self.severities = Vector(np.int32, width=len(SEVERITIES))
        """Vulnerabilities of the packages an executable was seen to use."""
        self.badges = Vector(np.int64)
        """What these packages bring, as `RISK_BITS`."""
        self._of_tag: dict[int, list[int]] = {}
        self._risks: dict[tuple[int, UUID], Row[Any]] = {}

        self.processes: Codes[tuple[int, int]] = Codes()
        """A placement and the executable that it executed."""
        self.placement = Vector(np.int64)
        self.executable = Vector(np.int64)
        self.changed = Vector(np.bool_)
        self.last_at = Vector(np.float64)
        """Seconds since 1970."""
        self._order = ProgramOrder(())

    @property
    def order(self) -> ProgramOrder:
        """Every program, sorted; made anew when there are more."""
        if len(self._order.programs) != len(self.programs):
            self._order = ProgramOrder(self.programs)
        return self._order

    def set_processes(self, rows: Iterable[Row[Any]]) -> None:
        """Rows of `process`, with their programs."""
        placements = self.columns.placement
        known = [row for row in rows if (row.workload_id, row.image_tag_id) in placements]
        at = [self._add_process(placements[row.workload_id, row.image_tag_id], row) for row in known]
        self.changed.values[at] = [row.changed for row in known]
        self.last_at.values[at] = [row.last_at.timestamp() for row in known]

    def _add_process(self, placement: int, row: Row[Any]) -> int:
        executable = self._add_executable(self.columns.position[row.image_tag_id], self._add_program(row))
        position = self.processes[placement, executable]
        if position == len(self.placement):
            self.placement.extend([placement])
            self.executable.extend([executable])
            self.changed.grow(1)
            self.last_at.grow(1)
        return position

    def _add_program(self, row: Row[Any]) -> int:
        code = self.program_ids[row.program_id]
        if code == len(self.programs):
            program = Program(row.name, row.program_id, row.path, tuple(row.arguments))
            self.programs.append(program)
            self.texts.append(f"{program.path}\n{program.name} {program.line}".lower())
        return code

    def _add_executable(self, tag: int, program: int) -> int:
        position = self.executables[tag, program]
        if position == len(self.image_tag):
            self.image_tag.extend([tag])
            self.program.extend([program])
            self.severities.grow(1)
            self.badges.grow(1)
            self._of_tag.setdefault(tag, []).append(position)
            self._find_risk(position)
        return position

    def set_risks(self, rows: Iterable[Row[Any]]) -> None:
        """Rows of `program_risk`."""
        for row in rows:
            self._risks[row.image_id, row.program_id] = row
            programs = self.program_ids.find([row.program_id])
            found = [(tag, program) for tag in self.columns.tags_of_image(row.image_id) for program in programs]
            for position in self.executables.find(found):
                self._set_risk(position, row)

    def follow_links(self, tags: Iterable[int]) -> None:
        """These image tags have other contents now."""
        for tag in tags:
            for position in self._of_tag.get(tag, ()):
                self._find_risk(position)

    def _find_risk(self, position: int) -> None:
        image_id = int(self.columns.image_id.values[self.image_tag.values[position]])
        program = self.programs[self.program.values[position]]
        self._set_risk(position, self._risks.get((image_id, program.id)))

    def _set_risk(self, position: int, row: Row[Any] | None) -> None:
        counts = [getattr(row, severity.value.lower()) for severity in Severity] if row else 0
        self.severities.values[position] = counts
        is_malicious, is_critical = (row.malicious > 0, row.critical_applicable > 0) if row else (False, False)
        self.badges.values[position] = (
            is_malicious * RISK_BITS[Risk.MALICIOUS] + is_critical * RISK_BITS[Risk.CRITICAL_APPLICABLE_CVES]
        )

    def having(self, names: Sequence[str], paths: Sequence[str]) -> Mask:
        """Processes of one of these names and of one of these paths, where any are given."""
        return self.of_programs(
            (not names or program.name in names) and (not paths or program.path in paths) for program in self.programs
        )

    def of_programs(self, wanted: Iterable[bool]) -> Mask:
        """Processes of the programs that are wanted, told by code."""
        flags: Mask = np.fromiter(wanted, bool, len(self.programs))
        of_executable = flags[self.program.values]
        of_process: Mask = of_executable[self.executable.values]
        return of_process
