"""Whatever is in a folder or archive, reading it ends with an answer or with the room's own error."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.images import debian, image
from tests.support.stored_images import docker_files, layout_files, tar_of, write_folder

from deadlight.model.image import Platform
from deadlight.registry import RegistryError
from deadlight.registry.resolve import resolve_image
from deadlight.registry.stored.opening import open_stored_images

WEB = image(debian({"bash": "5.2-1"}))
LAYOUT = layout_files([WEB])
SAVED = docker_files({"shop/web:1": WEB})
LAYOUT_TAR, SAVED_TAR = tar_of(LAYOUT), tar_of(SAVED)


async def read(path: Path) -> None:
    images = open_stored_images(path)
    found = await resolve_image(images, "", "", images.choose(), Platform(), called=images.name)
    await images.fetch_referrers("", found.digest)
    for layer in found.layers:
        await images.read_layer("", layer, lambda stream: stream.read(100))


def try_to_read(path: Path) -> None:
    try:
        asyncio.run(read(path))
    except RegistryError as error:
        assert str(error)  # noqa: PT017 - that it has a text is what is tested


@settings(max_examples=80)
@given(whole=st.sampled_from([LAYOUT_TAR, SAVED_TAR]), data=st.data())
def test_a_changed_archive(tmp_path_factory, whole: bytes, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "changed.tar"
    start = data.draw(st.integers(0, len(whole)))
    piece = data.draw(st.binary(max_size=40))
    keep = data.draw(st.booleans())
    path.write_bytes(whole[:start] + piece + (whole[start + len(piece) :] if keep else b""))
    try_to_read(path)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from([WEB.manifest.digest, "../x", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["manifests", "digest", "mediaType", "Config", "Layers", "RepoTags", "annotations", "platform"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def changed(document: object, value: object) -> Iterator[object]:
    """The document with a value in the place of each of its own."""
    yield value
    if isinstance(document, dict):
        for key, item in document.items():
            yield from ({**document, key: other} for other in changed(item, value))
    elif isinstance(document, list):
        for place, item in enumerate(document):
            yield from ([*document[:place], other, *document[place + 1 :]] for other in changed(item, value))


@settings(max_examples=40)
@given(value=values, data=st.data())
def test_changed_documents(tmp_path_factory, value: object, data: st.DataObject) -> None:
    files, name = data.draw(st.sampled_from([(LAYOUT, "index.json"), (LAYOUT, "oci-layout"), (SAVED, "manifest.json")]))
    variants = list(changed(json.loads(files[name]), value))
    document = data.draw(st.sampled_from(variants))
    written = {**files, name: json.dumps(document).encode()}
    if files is LAYOUT:
        try_to_read(write_folder(tmp_path_factory.getbasetemp() / "layout", written))
    path = tmp_path_factory.getbasetemp() / "documents.tar"
    path.write_bytes(tar_of(written))
    try_to_read(path)
