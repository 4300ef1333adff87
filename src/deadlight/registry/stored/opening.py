"""From a folder or a file to the images in it."""

from pathlib import Path
from typing import TypeVar

import msgspec

from deadlight.registry.answers import printable
from deadlight.registry.documents import (
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    InvalidDocumentError,
    Manifest,
    digest_of,
    parse_config,
    parse_manifest,
)
from deadlight.registry.errors import NotFoundError, UnreadableImageError
from deadlight.registry.limits import MAX_CONFIG_BYTES, MAX_INDEX_MANIFESTS, MAX_MANIFEST_BYTES
from deadlight.registry.stored.files import Archive, Folder, ImageFiles, read_small
from deadlight.registry.stored.images import REF_NAME, Catalogue, StoredImages

LAYOUT_FILE = "oci-layout"
_INDEX = "index.json"
_DOCKER_LIST = "manifest.json"
_CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar"
_VERSION = "1."
"""Of the layout: what begins so can be read (OCI image layout specification, "oci-layout file")."""

T = TypeVar("T")


class _Layout(msgspec.Struct, rename="camel"):
    image_layout_version: str


class _SavedImage(msgspec.Struct, rename="pascal"):
    """An entry of `manifest.json` (Docker image specification 1.2, "Combined Image JSON + Filesystem Changeset")."""

    config: str
    layers: list[str]
    repo_tags: list[str] | None = None


def open_stored_images(path: Path) -> StoredImages:
    """The images in an OCI layout (a folder or a tar of it) or in a tar that `docker save` wrote.

    Raises:
        UnreadableImageError: it is none of these, compressed, damaged or beyond a limit; says which and what to do.
    """
    files: ImageFiles = Folder(path) if path.is_dir() else Archive(path)
    try:
        if LAYOUT_FILE in files:
            return StoredImages(files, _read_layout(files), "oci-layout")
        if _DOCKER_LIST in files and path.is_file():
            return StoredImages(files, _read_saved(files), "docker-archive")
    except NotFoundError as error:
        raise UnreadableImageError(f"{error}: was it copied whole?") from error
    raise UnreadableImageError(
        f"{path}: holds no image: expected an OCI layout ({LAYOUT_FILE} and {_INDEX}) or what `docker save` writes"
    )


def _read_layout(files: ImageFiles) -> Catalogue:
    version = _decode(files, LAYOUT_FILE, _Layout).image_layout_version
    if not version.startswith(_VERSION):
        raise UnreadableImageError(f"{files.name}: is an OCI layout of the unknown version {printable(version)}")
    content = read_small(files, _INDEX, MAX_MANIFEST_BYTES)
    try:
        index = parse_manifest(content, OCI_INDEX, digest=digest_of(content))
    except InvalidDocumentError as error:
        raise UnreadableImageError(f"{files.name}: {_INDEX} is {error}") from error
    return Catalogue(index.manifests)


def _read_saved(files: ImageFiles) -> Catalogue:
    """What `docker save` wrote, as manifests: layers go by the digests that the configuration has for them."""
    saved = _decode(files, _DOCKER_LIST, list[_SavedImage])
    if len(saved) > MAX_INDEX_MANIFESTS:
        raise UnreadableImageError(f"{files.name}: has more than {MAX_INDEX_MANIFESTS} images")
    entries: list[Descriptor] = []
    made: dict[str, Manifest] = {}
    places: dict[str, str] = {}
    for image in saved:
        manifest = _made_manifest(files, image, places)
        made[manifest.digest] = manifest
        names = image.repo_tags or [""]
        entries += [Descriptor(OCI_MANIFEST, manifest.digest, 0, annotations={REF_NAME: name}) for name in names]
    return Catalogue(tuple(entries), made, places, expands=True)


def _made_manifest(files: ImageFiles, image: _SavedImage, places: dict[str, str]) -> Manifest:
    """The image by its id, which is the digest of its configuration: the manifest's digest is not saved."""
    content = read_small(files, image.config, MAX_CONFIG_BYTES)
    digest = digest_of(content)
    try:
        config = parse_config(content, digest=digest)
    except InvalidDocumentError as error:
        raise UnreadableImageError(f"{files.name}: {printable(image.config)} is {error}") from error
    if len(config.diff_ids) != len(image.layers):
        raise UnreadableImageError(
            f"{files.name}: {_DOCKER_LIST} lists {len(image.layers)} layers, {printable(image.config)} has "
            f"{len(config.diff_ids)}: save the image again"
        )
    for layer in image.layers:
        if layer not in files:
            raise NotFoundError(f"{files.name}: has no {printable(layer)}")
    places |= dict(zip(config.diff_ids, image.layers, strict=True)) | {digest: image.config}
    return Manifest(
        digest=digest,
        media_type=OCI_MANIFEST,
        etag="",
        content=b"",
        config=Descriptor(_CONFIG_TYPE, digest, len(content)),
        layers=tuple(
            Descriptor(_LAYER_TYPE, diff_id, files.size(layer))
            for diff_id, layer in zip(config.diff_ids, image.layers, strict=True)
        ),
        manifests=(),
        annotations={},
    )


def _decode(files: ImageFiles, path: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(read_small(files, path, MAX_MANIFEST_BYTES), type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        reason = printable(str(error))
        raise UnreadableImageError(f"{files.name}: {path} is not what it should be: {reason}") from error
