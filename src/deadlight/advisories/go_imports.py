"""What Go's vulnerability database says of the packages and functions that hold a flaw."""

from collections.abc import Iterable

import msgspec

from deadlight.advisories.record import AffectedFields, ImportFields
from deadlight.model.vulnerability import VulnerableImport

GO_ECOSYSTEM = "Go"

MAX_IMPORTS = 10_000
"""Of one module; real records name 23 at most."""


def read_imports(entries: Iterable[AffectedFields]) -> tuple[VulnerableImport, ...]:
    """The packages that a record's entries for one module name, each once.

    None as soon as one entry names none, or says it in a way that is not understood: all of the module then counts.
    """
    found: dict[VulnerableImport, None] = {}
    for entry in entries:
        imports = _read(entry)
        if not imports:
            return ()
        found.update(dict.fromkeys(imports))
    return tuple(found) if len(found) <= MAX_IMPORTS else ()


def _read(entry: AffectedFields) -> list[VulnerableImport]:
    said = entry.ecosystem_specific.imports if entry.ecosystem_specific else None
    try:
        fields = msgspec.convert(said or [], tuple[ImportFields, ...])
    except msgspec.ValidationError:
        return []
    return [VulnerableImport(item.path, item.symbols or (), item.goos or (), item.goarch or ()) for item in fields]
