"""Real images as `docker save` wrote them, from the folder beside the project; skipped where it is absent."""

import gzip
from pathlib import Path

import pytest

from deadlight.model.image import Platform
from deadlight.registry.resolve import resolve_image
from deadlight.registry.stored.opening import open_stored_images
from deadlight.scanner import scan_layer, squash

IMAGES = Path(__file__).parents[3] / "../shared/data/images"


@pytest.mark.parametrize("name", ["alpine-3.10.tar.gz", "alpine-3.11.tar.gz"])
async def test_alpine_is_read_and_its_layer_is_what_its_configuration_says(tmp_path: Path, name: str) -> None:
    path = IMAGES / name
    if not path.exists():
        pytest.skip(f"{path} is not there: this test needs the real image")
    saved = tmp_path / "image.tar"
    saved.write_bytes(gzip.decompress(path.read_bytes()))
    images = open_stored_images(saved)
    found = await resolve_image(images, "", "", images.choose(), Platform(), called=images.name)
    (layer,) = found.layers
    facts = await images.read_layer("", layer, lambda stream: scan_layer(stream, digest=layer.digest))
    contents = squash([facts])
    assert (images.kind, len(contents.packages), contents.problems) == ("docker-archive", 14, ())
