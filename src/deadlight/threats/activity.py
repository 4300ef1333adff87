"""What containers do, as threat rules see it. The names in it were chosen by whoever runs in the container."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from deadlight.threats.programs import program_names


class ActivityKind(StrEnum):
    """What a process did."""

    EXECUTED = "executed"
    OPENED = "opened"
    """For reading."""
    WRITTEN = "written"
    """Opened for writing, or created."""
    MAPPED = "mapped"
    """Into memory, as code."""
    TRACED = "traced"
    """Took control of another process (ptrace)."""
    MOUNTED = "mounted"
    MODULE_LOADED = "module_loaded"
    PRIVILEGE_CHANGED = "privilege_changed"
    CONNECTED = "connected"
    LISTENING = "listening"
    NAMESPACE_ENTERED = "namespace_entered"
    """Or made a new one (setns, unshare)."""
    MODE_CHANGED = "mode_changed"
    """A file became setuid, setgid or executable."""


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """A process. An empty text, or None, is what the sensor does not know.

    Thousands are remembered, and few do something now: what is derived from one is not kept with it.
    """

    name: str = ""
    """What the kernel calls it: 15 characters of the file that was executed, or what it calls itself."""
    path: str = ""
    """Of its program, without symbolic links. A script's is that of its interpreter."""
    arguments: tuple[str, ...] = ()
    """From the program's own name on; the kernel half reports 255 bytes of them."""
    pid: int = 0
    user: int | None = None

    @property
    def programs(self) -> tuple[str, ...]:
        """Every name the program goes by: its file's, its own, and those that it runs on behalf of a wrapper."""
        return _program_names(self.name, self.path, self.arguments)

    @property
    def command(self) -> str:
        """The arguments as one line."""
        return _join(self.arguments)


_program_names = lru_cache(maxsize=512)(program_names)
_join = lru_cache(maxsize=512)(" ".join)


@dataclass(frozen=True, slots=True)
class Activity:
    """One thing that a process did in a container."""

    kind: ActivityKind
    at: int
    """Nanoseconds of a clock that only goes forward."""
    container_id: str
    process: ProcessFacts
    """As it is afterwards: of an executed program, the program."""
    ancestors: tuple[ProcessFacts, ...] = ()
    """Its parent first, as far as they are in the container."""
    file_path: str = ""
    """The file it is about, without symbolic links, as its process sees it; where something was mounted."""
    changed: bool = False
    """The file is not the image's own."""
    upper: bool = False
    """The file was made or changed above the image's layers."""
    memfd: bool = False
    """The file lives in memory, in no directory."""
    unlinked: bool = False
    """The file has no name any more."""
    tmpfs: bool = False
    """The file is on a file system that only exists in memory."""
    first_program: bool = False
    """The process is the container's first, or began as it."""
    address: str = ""
    """Of the other side for `CONNECTED`, of its own for `LISTENING`."""
    port: int = 0
    arguments: tuple[str, ...] = ()
    """For `MOUNTED`: what was mounted, and the type of its file system."""
    detail: tuple[int, int] = (0, 0)
    """As the kernel half reports it: the request and pid for `TRACED`, user before and after for `PRIVILEGE_CHANGED`,
    flags of clone(2) for `NAMESPACE_ENTERED`, the file's mode for `MODE_CHANGED`."""
