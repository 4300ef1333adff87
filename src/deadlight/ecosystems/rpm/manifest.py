"""The list of packages that distroless images of Azure Linux carry instead of rpm's database.

One package a line; its fields are divided by tabs, as rpm's query format of the image's build wrote them: name,
version-release, times of installation and build, vendor, epoch, size, architecture, epoch as a number, source package.
"""

from collections.abc import Iterator

from deadlight.ecosystems.rpm.budget import MAX_PACKAGES, UnreadableDatabaseError
from deadlight.ecosystems.rpm.header import Identity

_FIELDS = 10
_ABSENT = "(none)"


def iter_manifest(content: bytes) -> Iterator[Identity]:
    """The packages of a manifest; which files are theirs it does not say.

    Raises:
        UnreadableDatabaseError: a line is not a package's, or there are too many.
    """
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        fields = ["" if field == _ABSENT else field for field in line.split("\t", _FIELDS)]
        if len(fields) < _FIELDS or number > MAX_PACKAGES:
            raise UnreadableDatabaseError(f"is no list of packages from line {number} on")
        version, _, release = fields[1].partition("-")
        yield Identity(
            name=fields[0],
            epoch=int(fields[8]) if fields[8].isascii() and fields[8].isdigit() and len(fields[8]) < 10 else 0,
            version=version,
            release=release,
            architecture=fields[7],
            source_rpm=fields[9],
            modularity_label="",
        )
