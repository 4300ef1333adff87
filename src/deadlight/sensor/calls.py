"""The numbers of the system calls that the kernel half looks at: each processor has its own, 32-bit programs others.

The numbers are those of the kernel's own tables: arch/x86/entry/syscalls/syscall_64.tbl and syscall_32.tbl,
scripts/syscall.tbl (arm64) and arch/arm/tools/syscall.tbl.
"""

from collections.abc import Mapping

from deadlight.sensor.layout import CALL_NUMBERS, Call

_SINCE_5_1 = {429: Call.MOVE_MOUNT, 437: Call.OPEN, 452: Call.FCHMODAT}
"""Everywhere the same: move_mount, openat2, fchmodat2."""

_X86_64 = _SINCE_5_1 | {
    **dict.fromkeys((2, 85, 257, 304), Call.OPEN),  # open, creat, openat, open_by_handle_at
    9: Call.MAP,
    101: Call.PTRACE,
    311: Call.WRITE_MEMORY,
    165: Call.MOUNT,
    308: Call.SETNS,
    272: Call.UNSHARE,
    90: Call.CHMOD,
    91: Call.FCHMOD,
    268: Call.FCHMODAT,
    **dict.fromkeys((105, 113, 117, 126), Call.CREDENTIALS),  # setuid, setreuid, setresuid, capset
}
_I386 = _SINCE_5_1 | {
    **dict.fromkeys((5, 8, 295, 342), Call.OPEN),
    192: Call.MAP,  # mmap2
    26: Call.PTRACE,
    348: Call.WRITE_MEMORY,
    21: Call.MOUNT,
    346: Call.SETNS,
    310: Call.UNSHARE,
    15: Call.CHMOD,
    94: Call.FCHMOD,
    306: Call.FCHMODAT,
    **dict.fromkeys((23, 70, 164, 185, 203, 208, 213), Call.CREDENTIALS),  # and their variants with 32-bit ids
}
_ARM64 = _SINCE_5_1 | {
    **dict.fromkeys((56, 265), Call.OPEN),
    222: Call.MAP,
    117: Call.PTRACE,
    271: Call.WRITE_MEMORY,
    40: Call.MOUNT,
    268: Call.SETNS,
    97: Call.UNSHARE,
    52: Call.FCHMOD,
    53: Call.FCHMODAT,
    **dict.fromkeys((91, 145, 146, 147), Call.CREDENTIALS),
}
_ARM = _SINCE_5_1 | {
    **dict.fromkeys((5, 8, 322, 371), Call.OPEN),
    192: Call.MAP,
    26: Call.PTRACE,
    377: Call.WRITE_MEMORY,
    21: Call.MOUNT,
    375: Call.SETNS,
    337: Call.UNSHARE,
    15: Call.CHMOD,
    94: Call.FCHMOD,
    333: Call.FCHMODAT,
    **dict.fromkeys((23, 70, 164, 185, 203, 208, 213), Call.CREDENTIALS),
}

_TABLES: Mapping[str, tuple[Mapping[int, Call], Mapping[int, Call]]] = {
    "x86_64": (_X86_64, _I386),
    "aarch64": (_ARM64, _ARM),
}
"""By `uname -m`: of 64-bit programs, of 32-bit ones."""


def call_numbers(machine: str) -> bytes:
    """The member `calls` of `struct config` for a processor; of one that we do not know, nothing is looked at."""
    native, compat = _TABLES.get(machine, ({}, {}))
    numbers = range(CALL_NUMBERS)
    return bytes(table.get(number, Call.NONE) for number in numbers for table in (native, compat))


def is_known(machine: str) -> bool:
    """Whether the system calls of a processor can be told apart."""
    return machine in _TABLES
