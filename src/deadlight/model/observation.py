"""What a sensor saw a container do with a file."""

from enum import StrEnum

ARCHIVES = (".jar", ".war", ".ear")
"""How names of Java archives end, in lower case."""

INSIDE = "!/"
"""Stands between the path of an archive and the name of an entry that was read of it, as in Java's URLs."""


class Grade(StrEnum):
    """How strongly an observation proves that a package is in use."""

    EXECUTED = "executed"
    MAPPED = "mapped"
    OPENED = "opened"

    @property
    def rank(self) -> int:
        """3 for executed, 2 for mapped into memory as code, 1 for merely opened."""
        return _GRADE_RANK[self]


_GRADE_RANK = {Grade.OPENED: 1, Grade.MAPPED: 2, Grade.EXECUTED: 3}
