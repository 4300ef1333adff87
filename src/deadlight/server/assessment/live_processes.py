"""What workloads execute, as columns in memory beside those of image tags and places."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from sqlalchemy import Row

from deadlight.server.assessment.live_columns import SEVERITIES, LiveColumns, risk_bits
from deadlight.server.assessment.live_vectors import Codes, Ints, Joined, Mask, Vector


class Program(NamedTuple):
    """A program with its arguments, in the order of lists."""

    name: str
    id: UUID
    path: str
    arguments: tuple[str, ...]
    sha256: str

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
    """A position for each program of an image tag (an executable), and one for each of these in a workload."""

    def __init__(self, columns: LiveColumns) -> None:
        self.columns = columns
        self.program_ids: Codes[UUID] = Codes()
        self.programs: list[Program] = []
        """By code."""
        self.texts: list[str] = []
        """What a search looks at, by code: path, name with arguments, and hash."""

        self.executables: Codes[tuple[int, int]] = Codes()
        """The position of an image tag, and the code of a program of it."""
        self.image_tag = Vector(np.int64)
        self.program = Vector(np.int64)
        self._risk = Vector(np.int64)

        self._risks: Codes[tuple[int, int]] = Codes()
        """The id of an image and the code of a program of it, whether or not anything is known of that."""
        self._severities = Vector(np.int32, width=len(SEVERITIES))
        self._risk_bits = Vector(np.int64)
        self.severities = Joined(self._risk, self._severities)
        """Vulnerabilities of the packages that an executable was seen to use, in the order of `SEVERITIES`."""
        self.badges = Joined(self._risk, self._risk_bits)
        """What these packages bring, as `RISK_BITS`."""

        self.processes: Codes[tuple[int, int]] = Codes()
        """A placement, and the executable that it executed."""
        self.placement = Vector(np.int64)
        self.executable = Vector(np.int64)
        self.changed = Vector(np.bool_)
        self.ended = Vector(np.bool_)
        """Sensors say that no container of the placement runs it any more."""
        self.superseded = Vector(np.bool_)
        """Told of with its hash at another position."""
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
        columns = self.columns
        known = [row for row in rows if (row.workload_id, row.image_tag_id) in columns.placement]
        tags = [columns.position[row.image_tag_id] for row in known]
        executables = self._add_executables(list(zip(tags, self._add_programs(known), strict=True)))
        placements = [columns.placement[row.workload_id, row.image_tag_id] for row in known]
        at = self.processes.add(zip(placements, executables, strict=True))
        self.placement.put(at, placements)
        self.executable.put(at, executables)
        self.changed.put(at, [row.changed for row in known])
        self.ended.put(at, [row.running is False for row in known])
        self.superseded.put(at, [row.superseded for row in known])
        self.last_at.put(at, [row.last_at.timestamp() for row in known])

    def _add_programs(self, rows: Sequence[Row[Any]]) -> list[int]:
        codes = self.program_ids.add(row.program_id for row in rows)
        for code, row in zip(codes, rows, strict=True):
            if code == len(self.programs):
                program = Program(row.name, row.program_id, row.path, tuple(row.arguments), row.sha256)
                self.programs.append(program)
                self.texts.append(f"{program.path}\n{program.name} {program.line}\n{program.sha256}".lower())
        return codes

    def _add_executables(self, keys: Sequence[tuple[int, int]]) -> list[int]:
        at = self.executables.add(keys)
        self.image_tag.put(at, [tag for tag, _ in keys])
        self.program.put(at, [program for _, program in keys])
        self._find_risks(at)
        return at

    def set_risks(self, rows: Sequence[Row[Any]]) -> None:
        """Rows of `program_risk`, with their programs."""
        at = self._risks.add(zip((row.image_id for row in rows), self._add_programs(rows), strict=True))
        self._severities.put(at, [(row.critical, row.high, row.medium, row.low, row.unknown) for row in rows])
        self._risk_bits.put(at, [risk_bits(row) for row in rows])

    def follow_links(self, tags: Sequence[int]) -> None:
        """These image tags may have other contents now."""
        self._find_risks(np.flatnonzero(np.isin(self.image_tag.values, tags)).tolist())

    def _find_risks(self, executables: Sequence[int]) -> None:
        """Where what is known of these is."""
        tags, programs = self.image_tag.values[executables], self.program.values[executables]
        keys = zip(self.columns.image_id[tags].tolist(), programs.tolist(), strict=True)
        self._risk.put(executables, self._risks.add(keys))
        for column in (self._severities, self._risk_bits):
            column.reach(len(self._risks))

    def having(self, names: Sequence[str], paths: Sequence[str], hashes: Sequence[str]) -> Mask:
        """Processes of one of these names, of one of these paths and of one of these hashes, where any are given."""
        return self.of_programs(
            (not names or program.name in names)
            and (not paths or program.path in paths)
            and (not hashes or program.sha256 in hashes)
            for program in self.programs
        )

    def of_programs(self, wanted: Iterable[bool]) -> Mask:
        """Processes of the programs that are wanted, told by code."""
        flags: Mask = np.fromiter(wanted, bool, len(self.programs))
        of_executable = flags[self.program.values]
        of_process: Mask = of_executable[self.executable.values]
        return of_process
