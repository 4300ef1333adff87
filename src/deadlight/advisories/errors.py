"""What can go wrong while advisories are read."""


class AdvisoryError(ValueError):
    """The base of this room's errors. The message names the input and what is wrong with it."""


class InvalidAdvisoryError(AdvisoryError):
    """A document is not a usable OSV record."""


class NotSecurityError(AdvisoryError):
    """A valid OSV record that announces no vulnerability, such as a distribution's bug fix."""


class InvalidArchiveError(AdvisoryError):
    """A collection of documents cannot be read, or exceeds its limits; what follows in it was not read."""
