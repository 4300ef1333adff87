"""Debian: dpkg's version order and releases as OSV numbers them."""

import re
from collections.abc import Mapping

from deadlight.ecosystems.dpkg import DPKG
from deadlight.ecosystems.ecosystem import Ecosystem, InvalidVersionError, VersionKey, require_length, unchanged

_EPOCH = re.compile(r"[0-9]+")
_UPSTREAM = re.compile(r"[A-Za-z0-9.+~:-]+")
_REVISION = re.compile(r"[A-Za-z0-9.+~]+")
_NUMBERS = re.compile(r"([0-9]+)")

_END = "\x02"
"""An exhausted run of non-digits: after `~`, before everything else."""

_ORDER = str.maketrans({"~": "\x01"} | {other: chr(ord(other) + 256) for other in ".+-:"})
"""dpkg's order of characters in terms of Python's: tilde, the end, letters, then the rest."""

_CODENAMES = {"bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14", "duke": "15"}
"""Testing images carry their codename before they carry a number."""


def debian_version_key(version: str) -> VersionKey:
    """A key in the order of `dpkg --compare-versions` (Debian policy 5.6.12, deb-version(7)).

    Raises:
        InvalidVersionError: characters dpkg refuses, an empty revision or upstream version.
    """
    require_length(version)
    epoch, _, rest = version.partition(":") if ":" in version else ("0", "", version)
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "0")
    if not (_EPOCH.fullmatch(epoch) and _UPSTREAM.fullmatch(upstream) and _REVISION.fullmatch(revision)):
        raise InvalidVersionError(f"not a Debian version: {version!r}")
    return (int(epoch), _part_key(upstream), _part_key(revision))


def _part_key(part: str) -> VersionKey:
    """Alternating runs of non-digits and numbers, as dpkg compares them.

    dpkg goes on with empty runs and zeros where one side has ended. So a trailing (0, end) says nothing and is dropped,
    and one such pair closes every key: it is what a longer version is compared with.
    """
    runs: list[int | str] = [
        int(piece) if i % 2 else piece.translate(_ORDER) + _END for i, piece in enumerate(_NUMBERS.split(part))
    ]
    if runs[-2:] == [0, _END]:
        del runs[-2:]
    return (*runs, 0, _END)


def _release(os_release: Mapping[str, str]) -> str:
    version = os_release.get("VERSION_ID", "").partition(".")[0]
    return version or _CODENAMES.get(os_release.get("VERSION_CODENAME", ""), "")


DEBIAN = Ecosystem(
    name="Debian",
    purl_type="deb",
    version_key=debian_version_key,
    normalise_name=unchanged,
    cataloguer=DPKG,
    os_ids=("debian",),
    os_release=_release,
)
