"""Files in the state directory that are replaced as a whole."""

import os
from pathlib import Path


def replace_file(path: Path, body: bytes, *, lasting: bool) -> None:
    """Write all of a file or nothing, for its owner alone; a `lasting` one also where the power fails.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        if lasting:
            file.flush()
            os.fsync(file.fileno())
    draft.replace(path)
