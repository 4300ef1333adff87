"""What an observation proves of the packages that its file belongs to. Pure."""

from collections.abc import Sequence

from deadlight.ecosystems import describes_package
from deadlight.model.observation import ARCHIVES, INSIDE, Grade

_NAME_BYTES = 15
"""Of a process's name, as Linux keeps it."""

_PROGRAM_FOLDERS = frozenset(f"{place}/{name}" for place in ("", "/usr", "/usr/local") for name in ("bin", "sbin"))


def file_of(path: str) -> str:
    """The file of an observation's path: of an entry, the archive that it lies in."""
    archive, inside, _ = path.partition(INSIDE)
    return archive if inside and _is_archive(archive) else path


def proves_use(grade: Grade, path: str, process: str, arguments: Sequence[str]) -> bool:
    """Whether what a process did with a file shows that the packages of the file are used.

    To open something is not always to use it: what a package is called (`describes_package`), an archive of which no
    entry was seen to be read, because a JVM opens all of its class path, and a program that is looked at without being
    run, as `ldd` by whoever wants to know which C library there is. A script that is run is opened, too: the process
    has it among its arguments or bears its name.
    """
    if describes_package(file_of(path)):
        return False
    if grade is not Grade.OPENED:
        return True
    if _is_archive(path):
        return file_of(path) != path
    folder, _, name = path.rpartition("/")
    is_run = name[:_NAME_BYTES] == process or any(name == argument.rpartition("/")[2] for argument in arguments)
    return is_run or folder not in _PROGRAM_FOLDERS


def _is_archive(path: str) -> bool:
    return path.lower().endswith(ARCHIVES)
