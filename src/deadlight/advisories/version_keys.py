"""Version keys, each distinct text parsed once."""

from deadlight.ecosystems import Ecosystem, InvalidVersionError, VersionKey, find_ecosystem

FROM_THE_FIRST = ""
"""As an introduced version: below every other, even where an order knows something lower than "0"."""


class VersionKeys:
    """The sort keys of versions, by ecosystem.

    Keeps every key it was asked for: make one for a batch of packages and let it go with the batch.
    """

    def __init__(self) -> None:
        self._tables: dict[str, KeyTable] = {}

    def of(self, ecosystem: str) -> "KeyTable | None":
        """The keys of an ecosystem (OSV name, with or without release); None where its versions have no known order."""
        row = find_ecosystem(ecosystem)
        if row is None:
            return None
        # Debian:11 and Debian:12 share one order.
        table = self._tables.get(row.name)
        if table is None:
            table = self._tables[row.name] = KeyTable(row)
        return table


class KeyTable(dict[str, VersionKey | None]):
    """Version text -> key in one ecosystem's order, computed when first asked for; None for an invalid version."""

    def __init__(self, ecosystem: Ecosystem) -> None:
        super().__init__({FROM_THE_FIRST: ()})
        self._ecosystem = ecosystem

    def __missing__(self, version: str) -> VersionKey | None:
        """Compute the key of a version not seen before."""
        try:
            key = self._ecosystem.version_key(version)
        except InvalidVersionError:
            key = None
        self[version] = key
        return key
