"""Layers that nobody's image builder writes."""

import gzip
import json
import tarfile
from dataclasses import replace

from tests.support.images import debian

from deadlight.demo.images import (
    OCI_LAYER,
    Blob,
    BuiltImage,
    ImageSpec,
    build_image,
    build_layer,
)
from deadlight.registry.documents import OCI_MANIFEST

MIB = 1024 * 1024


def image_of(*archives: bytes) -> BuiltImage:
    """An image whose layers are these bytes, whatever they are."""
    plain = build_image(ImageSpec(layers=[]))
    layers = tuple(Blob(OCI_LAYER, archive) for archive in archives)
    manifest = json.loads(plain.manifest.content) | {"layers": [layer.descriptor() for layer in layers]}
    return replace(plain, manifest=Blob(OCI_MANIFEST, json.dumps(manifest).encode()), layers=layers)


def good_layer() -> bytes:
    """A layer with a package database, compressed as usual."""
    return gzip.compress(build_layer(debian({"bash": "5.2-1", "dash": "0.5-1"})), mtime=0)


def cut_layer() -> bytes:
    """A good layer without its end, which the manifest's author took for the whole."""
    return good_layer()[:-40]


def climbing_layer() -> bytes:
    """A layer with a file outside of the image."""
    return gzip.compress(_header("../../etc/passwd") + bytes(1024))


def bomb() -> bytes:
    """One file of 2 GiB of zeros, a thousandth of that as stored: many compressed streams, one like the other."""
    return gzip.compress(_header("zeros", 2048 * MIB)) + gzip.compress(bytes(MIB), 9) * 2048


def _header(path: str, size: int = 0) -> bytes:
    member = tarfile.TarInfo(path)
    member.size = size
    return member.tobuf(tarfile.USTAR_FORMAT)
