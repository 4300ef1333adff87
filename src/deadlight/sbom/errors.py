"""What can go wrong when a bill of materials is read."""


class SbomError(ValueError):
    """Base of everything this room raises."""


class InvalidSbomError(SbomError):
    """Bytes that are no bill of materials that is read here; the text says why and what is."""
