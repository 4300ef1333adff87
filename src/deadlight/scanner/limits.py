"""How much of a layer is read before it is refused."""

from dataclasses import dataclass

_KIB = 1024
_MIB = 1024 * _KIB
_GIB = 1024 * _MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one layer, chosen above what real images hold and below what would hurt the service."""

    max_members: int = 500_000
    """Files, folders and links."""
    max_layer_bytes: int = 20 * _GIB
    """After decompression."""
    max_expansion: int = 400
    """Decompressed bytes for each compressed one; judged once `expansion_floor_bytes` have come out."""
    expansion_floor_bytes: int = _GIB
    """Below this, no ratio is suspicious: files of zeros compress 1,000 to 1."""
    max_metadata_bytes: int = _MIB
    """One extended tar header."""
    max_path_bytes: int = 4096
    """Linux's PATH_MAX, for paths and link targets."""
    max_path_depth: int = 256
    """Folders in one path; the deepest node_modules have about 60."""
    max_listing_bytes: int = 128 * _MIB
    """All paths and link targets together."""
    max_document_bytes: int = 32 * _MIB
    """One package database or other file held in memory. A larger one is reported and not read."""
    max_documents_bytes: int = 64 * _MIB
    """All of them together."""
    max_documents: int = 50_000
    """How many of them."""
    max_excerpted_bytes: int = 128 * _MIB
    """One program or archive that is looked into, held in memory while it is. A larger one is reported and not read."""
    max_excerpts_bytes: int = 16 * _MIB
    """All that is kept of such files together; what comes after is reported and not kept."""
    max_examined_bytes: int = 512 * _MIB
    """All files of a layer together that one scanner of exposures looks into."""
    max_executable_bytes: int = 4 * _GIB
    """One executable whose digest is kept; for that it need not be held in memory. A larger one is noted."""
    max_executables: int = 200_000
    """Executables of one layer whose digests are kept; the rest is noted. Some builders mark every file as one."""
    max_source_bytes: int = 256 * _KIB
    """One source file for contextual analysis. A larger one is reported and not read; parsing takes 900 times this."""
    max_sources_bytes: int = 32 * _MIB
    """All of them together; the rest is reported and not read. About ten seconds of parsing."""
    max_nodes: int = 2_000_000
    """Files and folders of a whole image."""
    max_steps: int = 20_000_000
    """Folders and links walked through while an image is put together; links to links can make few paths long."""
    max_problems: int = 200
    """Problems told of one image; the others are only counted."""


DEFAULT_LIMITS = Limits()
