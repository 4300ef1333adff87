"""What is wrong with one image's layers is said of that image, and costs no other anything."""

import pytest
from tests.server.scans import hostile
from tests.support.images import debian, image


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (hostile.cut_layer, "gzip data ends too early: the layer was cut short"),
        (hostile.climbing_layer, "has a path that leads out of the image: '../../etc/passwd'"),
        (hostile.bomb, "a zip bomb"),
        (lambda: b"<html>Sign in</html>" * 100, "is not a tar archive"),
    ],
    ids=["truncated", "leaves the image", "zip bomb", "no archive"],
)
async def test_a_hostile_layer_fails_its_image_and_the_next_is_scanned(scans, archive, reason) -> None:
    bad = hostile.image_of(hostile.good_layer(), archive())
    image_tag_id = await scans.observe(bad)
    row = await scans.run(image_tag_id)
    assert row.status == "failed"
    assert row.error.startswith(f"{scans.registry.host}/shop/web:1.0.0: layer {bad.layers[1].digest}: ")
    assert reason in row.error
    assert not await scans.packages(image_tag_id)
    next_one = await scans.observe(image(debian({"bash": "5.2-1"})), "shop/next")
    assert (await scans.run(next_one)).status == "done"
    assert [found.name for found in await scans.packages(next_one)] == ["bash"]
