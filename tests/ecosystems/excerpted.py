"""What a cataloguer makes of files it only keeps an excerpt of, told briefly."""

from deadlight.ecosystems import Catalogue, Cataloguer, Distribution, Document


def excerpt(cataloguer: Cataloguer, content: bytes) -> bytes | None:
    """What is kept of a file; a file whose first bytes are not asked for is not looked into."""
    assert cataloguer.excerpt is not None
    return cataloguer.excerpt.take(memoryview(content)) if content.startswith(cataloguer.excerpt.magic) else None


def catalogue_file(cataloguer: Cataloguer, path: str, content: bytes) -> Catalogue:
    """What is found in a file of an image; nothing where nothing is kept of it."""
    kept = excerpt(cataloguer, content)
    documents = {} if kept is None else {path: Document(kept, "sha256:1")}
    return cataloguer.catalogue(documents, Distribution("Debian:12", "debian"))


def versions(found: Catalogue) -> dict[str, str]:
    """The packages found, by name."""
    return {installed.package.name: installed.package.version for installed in found.packages}
