"""How much is in memory alone, noted where a full disk still takes it: in bytes of a file that are there already.

A sensor that ends while its disk is full loses what it kept in memory. The next one reads here how much that was.
"""

import os
import struct
from contextlib import suppress
from pathlib import Path

FILE = "memory.tally"
_LAYOUT = struct.Struct("<II")


class Tally:
    """The numbers of detections and observations in one file; without a `path`, or where it cannot be made, nowhere."""

    def __init__(self, path: Path | None) -> None:
        """Read what the last sensor left, and make the file while there is room."""
        self._file: int | None = None
        self.left = self._noted = (0, 0)
        """What was in memory alone when the last sensor ended: at most so much was lost."""
        with suppress(OSError):
            if path:
                self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
                self.left = self._noted = self._read(self._file)
                self._write(0, 0)

    def note(self, detections: int, observations: int) -> None:
        """So much is in memory alone now. A disk that cannot be written at all is told of elsewhere."""
        if (detections, observations) != self._noted:
            with suppress(OSError):
                self._write(detections, observations)

    def close(self) -> None:
        """Close the file; what is noted in it stays."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _read(self, file: int) -> tuple[int, int]:
        content = os.pread(file, _LAYOUT.size, 0)
        if len(content) < _LAYOUT.size:
            return 0, 0
        detections, observations = _LAYOUT.unpack(content)
        return detections, observations

    def _write(self, detections: int, observations: int) -> None:
        if self._file is not None:
            os.pwrite(self._file, _LAYOUT.pack(detections, observations), 0)
            self._noted = (detections, observations)
