"""What a package database may hold, and the error for one that cannot be read."""

MAX_PACKAGES = 100_000
"""Packages of one database; a whole distribution has about half of them."""


class UnreadableDatabaseError(ValueError):
    """A package database is damaged, hostile or of a kind not known; the text says which and where."""


class Budget:
    """Counts what is taken out of a database, so that entries which overlap cannot make it larger than it is.

    Entries of an undamaged database share no byte: together they are never longer than the file.
    """

    def __init__(self, total_bytes: int) -> None:
        self._bytes = total_bytes
        self._packages = MAX_PACKAGES

    def take(self, size: int) -> None:
        """Account for one entry of `size` bytes.

        Raises:
            UnreadableDatabaseError: more bytes than there are, or more entries than are read.
        """
        self._bytes -= size
        self._packages -= 1
        if self._bytes < 0:
            raise UnreadableDatabaseError("holds entries that overlap")
        if self._packages < 0:
            raise UnreadableDatabaseError(f"holds more than {MAX_PACKAGES} entries")


class Pages:
    """Hands out the pages of a file by number, each at most once: chains and trees of pages have no circles.

    `changed` holds pages that replace those of the file.
    """

    def __init__(
        self, content: bytes, page_size: int, count: int, changed: dict[int, memoryview] | None = None
    ) -> None:
        self._content = memoryview(content)
        self._size = page_size
        self.count = count
        self._changed = changed or {}
        self._taken: set[int] = set()

    def take(self, number: int) -> memoryview:
        """The page at a place counted from 0.

        Raises:
            UnreadableDatabaseError: it lies outside of the file, or was taken before.
        """
        if not 0 <= number < self.count:
            raise UnreadableDatabaseError(f"refers to page {number} of {self.count}")
        if number in self._taken:
            raise UnreadableDatabaseError(f"refers to page {number} twice")
        self._taken.add(number)
        page = self._changed.get(number)
        if page is None:
            page = self._content[number * self._size : (number + 1) * self._size]
        if len(page) != self._size:
            raise UnreadableDatabaseError(f"is cut short before the end of page {number}")
        return page
