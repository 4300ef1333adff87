"""What a cataloguer makes of documents, told briefly."""

from pathlib import Path

from deadlight.ecosystems import Catalogue, Cataloguer, Distribution, Document

GOLDEN = Path(__file__).parent / "golden"


def golden(name: str) -> bytes:
    """A database written for these tests."""
    return (GOLDEN / name).read_bytes()


def catalogue(cataloguer: Cataloguer, documents: dict[str, bytes]) -> Catalogue:
    """What is found in documents the cataloguer asked for."""
    assert [path for path in documents if not cataloguer.wants(path)] == []
    return cataloguer.catalogue(
        {path: Document(text, "sha256:1") for path, text in documents.items()}, Distribution("Debian:12", "debian")
    )


def purls(found: Catalogue) -> list[str]:
    """The packages by purl, as found."""
    return [installed.package.purl for installed in found.packages]
