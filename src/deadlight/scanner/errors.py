"""What can go wrong when an image is scanned.

ScannerError
├── LayerError            a layer cannot be read; names it by digest
├── InvalidFactsError     stored facts are damaged or of another version: scan the layer again
├── ImageTooLargeError    the layers together hold more files than an image may
├── InvalidRuleError      a rule, of applicability or of secrets, is not what its schema says
├── SideProcessError      a program that judges files for us failed, hung or wrote nonsense
└── ArchiveError          the reason inside a LayerError, before the digest is known
"""


class ScannerError(Exception):
    """Base of everything this room raises."""


class ArchiveError(ScannerError):
    """An archive is damaged, hostile or larger than allowed; the text says which and where."""


class LayerError(ScannerError):
    """A layer cannot be read. Nothing was kept of it; other layers are not concerned."""

    def __init__(self, digest: str, reason: str) -> None:
        super().__init__(f"layer {digest}: {reason}")
        self.digest = digest
        self.reason = reason


class InvalidFactsError(ScannerError):
    """Stored bytes are not facts this version understands."""


class ImageTooLargeError(ScannerError):
    """The layers of an image together hold more files and folders than the limit allows."""


class InvalidRuleError(ScannerError):
    """A rule is incomplete or malformed; the text names the file and the field or the rule."""


class SideProcessError(ScannerError):
    """A program that judges files for us failed, took too long or wrote what nobody can read; the text says which."""
