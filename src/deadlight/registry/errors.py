"""What can go wrong when a registry is asked.

    RegistryError
    ├── InvalidEndpointError       the configuration cannot work; nothing was asked
    ├── NotFoundError              the registry answered: there is no such manifest, blob or repository
    ├── WithheldError              its product API does not show something to our account, or does not offer it
    ├── DigestMismatchError        it sent content that is not what was asked for
    ├── UnreadableImageError       a folder or archive that should hold images cannot be read as such
    ├── NotScannableError          there is no image to look into (deadlight.registry.resolve)
    └── UnavailableError           it could not be asked, or its answer means nothing
        ├── TransientError         the same question may be answered in a moment
        └── MalformedAnswerError   it answered, but not as a registry does

The line between `NotFoundError` and `UnavailableError` is the one that matters: an image is only called missing when
its registry said so itself.
"""


class RegistryError(Exception):
    """Base of everything this room raises."""


class InvalidEndpointError(RegistryError):
    """An endpoint's settings contradict themselves or name something unusable."""


class NotFoundError(RegistryError):
    """The registry itself answered that the manifest, blob or repository does not exist."""


class WithheldError(RegistryError):
    """The registry's own API does not show something to our account, or does not offer it at all."""


class DigestMismatchError(RegistryError):
    """Content does not hash to the digest it was asked by."""


class UnreadableImageError(RegistryError):
    """A folder or archive that should hold images cannot be read as such; the text names it and what to do."""


class UnavailableError(RegistryError):
    """The registry could not be asked, so nothing is known about what it holds."""

    def __init__(self, registry: str, reason: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(f"{registry} cannot be asked: {reason}")
        self.registry = registry
        """Host, and port where it is not the scheme's own."""
        self.reason = reason
        """A short text for people."""
        self.retry_after_seconds = retry_after_seconds
        """How long it should be left alone, where that is known."""


class TransientError(UnavailableError):
    """A failure that often passes by itself: a dropped connection, a timeout, an overloaded gateway."""


class MalformedAnswerError(UnavailableError):
    """An answer that no registry gives: a login page, a truncated document, headers that lie."""
