"""The kernel's directory of tracepoints.

Attaching to a tracepoint takes its number, which only tracefs tells. systemd mounts it on every node; a machine without
systemd may not have it, and then this process mounts it for itself alone.
"""

import ctypes
import os
from pathlib import Path

from deadlight.sensor.errors import SensorError

TRACEFS = Path("/sys/kernel/tracing")

_CLONE_NEWNS = 0x00020000
_MS_REC = 0x4000
_MS_PRIVATE = 1 << 18


class TracefsError(SensorError):
    """tracefs is not mounted and cannot be."""


def is_mounted(directory: Path = TRACEFS) -> bool:
    """Whether the tracepoints of system calls can be looked up."""
    return (directory / "events/syscalls").is_dir()


def mount_privately(directory: Path = TRACEFS) -> None:
    """Move this thread into a mount namespace of its own and mount tracefs there. Threads started later follow.

    Raises:
        TracefsError: the kernel refuses, usually for want of CAP_SYS_ADMIN.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]
    target = os.fsencode(directory)
    if (
        libc.unshare(_CLONE_NEWNS)
        or libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
        or libc.mount(b"tracefs", target, b"tracefs", 0, None)
    ):
        reason = os.strerror(ctypes.get_errno())
        raise TracefsError(f"tracefs is not mounted: {reason} (mount -t tracefs tracefs {directory})")
