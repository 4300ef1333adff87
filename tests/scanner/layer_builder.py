"""Writes layers with the standard library's tarfile, so that reader and writer share no code."""

import io
import tarfile
from collections.abc import Sequence
from typing import Self

from deadlight.scanner import DEFAULT_LIMITS, Analyzer, LayerFacts, Limits, scan_layer

STATUS_ENTRY = "Package: {0}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {1}\n\n"
OS_RELEASE = 'ID=debian\nVERSION_ID="12"\n'


class LayerBuilder:
    """Members in the order they are given."""

    def __init__(self, format: int = tarfile.PAX_FORMAT) -> None:  # noqa: A002 - tarfile's own word
        self._buffer = io.BytesIO()
        self._tar = tarfile.TarFile(fileobj=self._buffer, mode="w", format=format)

    def file(self, path: str, content: str | bytes = b"", mode: int = 0o644) -> Self:
        data = content.encode() if isinstance(content, str) else content
        return self.member(path, tarfile.REGTYPE, data, mode=mode)

    def directory(self, path: str) -> Self:
        return self.member(path, tarfile.DIRTYPE, mode=0o755)

    def symlink(self, path: str, target: str) -> Self:
        return self.member(path, tarfile.SYMTYPE, target=target)

    def hard_link(self, path: str, target: str) -> Self:
        return self.member(path, tarfile.LNKTYPE, target=target)

    def whiteout(self, path: str) -> Self:
        folder, slash, name = path.rpartition("/")
        return self.file(f"{folder}{slash}.wh.{name}")

    def opaque(self, path: str) -> Self:
        return self.file(f"{path}/.wh..wh..opq")

    def member(self, path: str, kind: bytes, data: bytes = b"", *, target: str = "", mode: int = 0o644) -> Self:
        info = tarfile.TarInfo(path)
        info.type, info.size, info.linkname, info.mode = kind, len(data), target, mode
        self._tar.addfile(info, io.BytesIO(data))
        return self

    def to_tar(self) -> bytes:
        self._tar.close()
        return self._buffer.getvalue()

    def scan(
        self,
        digest: str = "sha256:1",
        limits: Limits = DEFAULT_LIMITS,
        analyzers: Sequence[Analyzer] | None = None,
    ) -> LayerFacts:
        return scan_layer(io.BytesIO(self.to_tar()), digest=digest, limits=limits, analyzers=analyzers)


def status(*packages: tuple[str, str]) -> str:
    """A dpkg status file of installed packages."""
    return "".join(STATUS_ENTRY.format(name, version) for name, version in packages)
