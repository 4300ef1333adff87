"""The Python side of `bpf/events.h`: every structure and number that crosses between the kernel and this process.

Byte order is the machine's own ("="): the object was built for it. `tests/sensor/test_layout.py` compares each offset
and number here with the type information inside the built object.
"""

from enum import IntEnum, IntFlag
from struct import Struct
from typing import NamedTuple


class EventKind(IntEnum):
    """`enum event_kind`: what happened."""

    EXECUTED = 1
    MAPPED = 2
    OPENED = 3
    CGROUP_MADE = 4
    IO_URING = 5
    EXITED = 6
    WRITTEN = 7
    """A file was created or opened for writing."""
    PTRACED = 8
    MOUNTED = 9
    MODULE_LOADED = 10
    PRIVILEGE_CHANGED = 11
    CONNECTED = 12
    LISTENING = 13
    NAMESPACE_ENTERED = 14
    """By setns(2) or unshare(2)."""
    MODE_CHANGED = 15
    """A file became executable, setuid or setgid."""


class EventFlags(IntFlag):
    """`enum event_flags`: what is special about the file, or about the record."""

    UPPER = 1
    """overlayfs: made or changed above the image's layers."""
    MEMFD = 2
    """Lives in memory without a place in any directory."""
    UNLINKED = 4
    """Has no name left."""
    TMPFS = 8
    """On a file system that only exists in memory."""
    PATH_CUT = 16
    """Too deep: the components nearest to the root are missing."""
    TOOL = 32
    """The process is a program that reads whatever there is: a package manager, a scanner, a backup, a shell."""
    KILLED = 64
    """The process was sent SIGKILL for it."""
    DENIED = 128
    """It was refused; the program never ran."""
    WOULD_BLOCK = 256
    """A blocking policy in audit: enforced, it would have stopped this."""
    MOUNTED = 512
    """Not on the process's root file system: of a volume, or of what the container runtime mounts."""


class Verdict(IntEnum):
    """`enum verdict`: what the kernel half does with the tasks of a control group."""

    IGNORE = 1
    WATCH = 2


class Subject(IntEnum):
    """`enum subject`: what is counted separately."""

    EXECUTIONS = 0
    EXITS = 1
    GROUPS = 2
    OPENS = 3
    MAPPINGS = 4
    IO_URING = 5
    TRACES = 6
    MOUNTS = 7
    MODULES = 8
    PRIVILEGES = 9
    CONNECTIONS = 10
    NAMESPACES = 11
    MODES = 12
    BLOCKS = 13


class Blocking(IntEnum):
    """`enum blocking_mode`: what is done about a program that a policy is against."""

    OFF = 0
    AUDIT = 1
    ENFORCE = 2


class Call(IntEnum):
    """`enum call`: what a system call is to the kernel half, and the place of its program in the map `handlers`."""

    NONE = 0
    OPEN = 1
    MAP = 2
    PTRACE = 3
    WRITE_MEMORY = 4
    MOUNT = 5
    MOVE_MOUNT = 6
    SETNS = 7
    UNSHARE = 8
    CHMOD = 9
    FCHMOD = 10
    FCHMODAT = 11
    CREDENTIALS = 12


REQUEST_WRITE_MEMORY = 0x10000
"""The request of a `PTRACED` that is none of ptrace(2): another process's memory was written (process_vm_writev)."""

CALL_NUMBERS = 512
"""System calls that the kernel half tells apart."""


class CgroupKey(NamedTuple):
    """`struct cgroup_key`: a control group's inode number and hierarchy (0 is version 2)."""

    id: int
    hierarchy: int


EVENT_FIELDS = (
    ("at", "Q"),
    ("cgroup.id", "Q"),
    ("cgroup.hierarchy", "I"),
    ("cgroup.zero", "I"),
    ("kind", "I"),
    ("flags", "I"),
    ("pid", "I"),
    ("ppid", "I"),
    ("uid", "I"),
    ("device", "I"),
    ("inode", "Q"),
    ("changed_at", "Q"),
    ("detail", "QQ"),
    ("mode", "I"),
    ("path_length", "H"),
    ("argv_length", "H"),
    ("comm", "16s"),
)
CGROUP_KEY_FIELDS = (("id", "Q"), ("hierarchy", "I"), ("zero", "I"))
COUNTERS_FIELDS = (
    ("seen", "Q"),
    ("sent", "Q"),
    ("deduplicated", "Q"),
    ("lost", "Q"),
    ("skipped", "Q"),
    ("filtered", "Q"),
    ("unremembered", "Q"),
)
GROUP_FIELDS = (("verdict", "I"), ("generation", "I"))
FILE_KEY_FIELDS = (("inode", "Q"), ("changed_at", "Q"), ("device", "I"), ("zero", "I"))
BLOCKING_FIELDS = (("mode", "I"), ("drift", "I"), ("mismatch", "I"))
SEEN_KEY_FIELDS = (
    ("cgroup", "QII"),
    ("inode", "Q"),
    ("device", "I"),
    ("kind", "H"),
    ("tool", "H"),
)
CONFIG_FIELDS = (
    ("host_mount_namespace", "I"),
    ("v1_hierarchy", "I"),
    ("denies", "I"),
    ("calls", f"{2 * CALL_NUMBERS}s"),
)


def structure(fields: tuple[tuple[str, str], ...]) -> Struct:
    """The packed structure of `fields`, each a name and a format character of the `struct` module."""
    return Struct("=" + "".join(code for _, code in fields))


EVENT = structure(EVENT_FIELDS)
CGROUP_KEY = structure(CGROUP_KEY_FIELDS)
COUNTERS = structure(COUNTERS_FIELDS)
CONFIG = structure(CONFIG_FIELDS)
GROUP = structure(GROUP_FIELDS)
FILE_KEY = structure(FILE_KEY_FIELDS)
BLOCKING = structure(BLOCKING_FIELDS)
SEEN_KEY = structure(SEEN_KEY_FIELDS)
COMM = Struct("=16s")
NUMBER = Struct("=I")
