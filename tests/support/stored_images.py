"""Images in files, written with the standard library alone: OCI layouts, and tars as `docker save` writes them."""

import gzip
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deadlight.demo.images import Blob, BuiltImage
from deadlight.registry.documents import OCI_INDEX

LAYOUT = b'{"imageLayoutVersion": "1.0.0"}'


def blob_path(digest: str) -> str:
    """Where a layout has content."""
    return f"blobs/{digest.replace(':', '/')}"


def entry(image: BuiltImage, name: str = "", platform: Mapping[str, str] | None = None) -> dict[str, Any]:
    """An image in a list."""
    notes = {"annotations": {"org.opencontainers.image.ref.name": name}} if name else {}
    return {**image.manifest.descriptor(), **notes, **({"platform": dict(platform)} if platform else {})}


def layout_files(
    images: Sequence[BuiltImage], entries: Sequence[Mapping[str, Any]] | None = None, blobs: Sequence[Blob] = ()
) -> dict[str, bytes]:
    """The files of a layout, by path; `entries` are its list, the images themselves unless given."""
    listed = [entry(image) for image in images] if entries is None else list(entries)
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}
    files = {"oci-layout": LAYOUT, "index.json": json.dumps(index).encode()}
    for image in images:
        for blob in (image.manifest, image.config, *image.layers):
            files[blob_path(blob.digest)] = blob.content
    return files | {blob_path(blob.digest): blob.content for blob in blobs}


def docker_files(images: Mapping[str, BuiltImage], *, compressed: bool = False) -> dict[str, bytes]:
    """The files of what `docker save` writes: layers plain, or as some other tools leave them."""
    files: dict[str, bytes] = {}
    saved = []
    for name, image in images.items():
        config = f"{image.config.digest.partition(':')[2]}.json"
        files[config] = image.config.content
        paths = [f"{number}-{layer.digest[7:19]}/layer.tar" for number, layer in enumerate(image.layers)]
        for path, layer in zip(paths, image.layers, strict=True):
            files[path] = layer.content if compressed else gzip.decompress(layer.content)
        saved.append({"Config": config, "RepoTags": [name] if name else None, "Layers": paths})
    return files | {"manifest.json": json.dumps(saved).encode()}


def write_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    """The files below a folder."""
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder


def tar_of(files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    """The files as an archive, with symbolic links."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for path, target in (links or {}).items():
            info = tarfile.TarInfo(path)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return buffer.getvalue()
