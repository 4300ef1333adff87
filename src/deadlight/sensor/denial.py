"""Which files are denied, by the policy in force: programs whose content the service found to differ from the image's.

The service names container, path and hash; the kernel half knows files. They come together here, when a program that
was executed has its hash. The same content in another container, or elsewhere in this one, is another matter.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable

from deadlight.model.wire import DeniedProgram
from deadlight.sensor.errors import SensorError
from deadlight.sensor.processes import NO_FILE, FileId

MAX_REMEMBERED = 4_096
"""Programs that were executed, of which the service may yet say that they differ; some 1 MB."""

_Program = tuple[str, str, str]
"""Container, path and hash."""

Deny = Callable[[FileId], None]
"""Has the kernel half deny a file; raises SensorError where it has no room."""


class Denier:
    """Remembers which file had which hash, and tells the kernel half what is denied."""

    def __init__(self, deny: Deny, allow_others: Callable[[Iterable[FileId]], None]) -> None:
        """`allow_others` has the kernel half forget all denied files but some."""
        self._deny = deny
        self._allow_others = allow_others
        self._wanted: frozenset[_Program] = frozenset()
        self._files: OrderedDict[_Program, FileId] = OrderedDict()
        self._denied: dict[_Program, FileId] = {}
        self.refused = 0
        """Files for which the kernel half had no room."""

    def follow(self, programs: Iterable[DeniedProgram]) -> None:
        """Have these denied and no others."""
        self._wanted = frozenset((one.container_id, one.path, one.sha256) for one in programs)
        kept = {program: file for program, file in self._denied.items() if program in self._wanted}
        if len(kept) < len(self._denied):
            self._allow_others(kept.values())
        self._denied = kept
        for program in self._wanted & self._files.keys():
            self._tell(program, self._files[program])

    def learn(self, container_id: str, path: str, sha256: str, file: FileId) -> None:
        """A program that was executed has this hash."""
        if not sha256 or file == NO_FILE:
            return
        program = (container_id, path, sha256)
        self._files[program] = file
        self._files.move_to_end(program)
        if len(self._files) > MAX_REMEMBERED:
            self._files.popitem(last=False)
        if program in self._wanted:
            self._tell(program, file)

    def _tell(self, program: _Program, file: FileId) -> None:
        if self._denied.get(program) == file:
            return
        try:
            self._deny(file)
        except SensorError:
            self.refused += 1
        else:
            self._denied[program] = file
