"""What the demonstration registry does beyond the contract in tests/contracts/test_registry.py."""

import aiohttp
import pytest

from deadlight.demo.images import ImageSpec, build_image, push_image
from deadlight.demo.registry import DemoRegistry, serve_registry
from deadlight.registry.documents import digest_of

IMAGE = build_image(ImageSpec([{"etc/content": b"one"}]))


@pytest.fixture
async def url():
    async with serve_registry(DemoRegistry()) as url:
        yield url


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


async def get(session: aiohttp.ClientSession, url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    async with session.get(url, headers=headers) as response:
        return response.status, dict(response.headers), await response.read()


async def test_tags_are_listed_page_by_page(session, url):
    for tag in ("a", "c", "b"):
        await push_image(session, url, "shop/api", tag, IMAGE)
    async with session.get(f"{url}/v2/shop/api/tags/list?n=2") as response:
        assert (await response.json())["tags"] == ["a", "b"]
        following = response.links["next"]["url"]
    async with session.get(following) as response:
        assert (await response.json())["tags"] == ["c"]
        assert "next" not in response.links


async def test_a_deleted_tag_leaves_the_image(session, url):
    pushed = await push_image(session, url, "shop/api", "1", IMAGE)
    async with session.delete(f"{url}/v2/shop/api/manifests/1") as response:
        assert response.status == 202
    assert (await get(session, f"{url}/v2/shop/api/manifests/1"))[0] == 404
    assert (await get(session, f"{url}/v2/shop/api/manifests/{pushed.digest}"))[0] == 200


async def test_a_blob_is_mounted_from_another_repository(session, url):
    await push_image(session, url, "shop/api", "1", IMAGE)
    digest = IMAGE.config.digest
    async with session.post(f"{url}/v2/shop/web/blobs/uploads/?mount={digest}&from=shop/api") as response:
        assert response.status == 201
    assert (await get(session, f"{url}/v2/shop/web/blobs/{digest}"))[2] == IMAGE.config.content


async def test_a_blob_is_not_seen_from_another_repository(session, url):
    await push_image(session, url, "shop/api", "1", IMAGE)
    assert (await get(session, f"{url}/v2/shop/web/blobs/{IMAGE.config.digest}"))[0] == 404


async def test_a_piece_out_of_order_is_refused_and_the_upload_goes_on(session, url):
    async with session.post(f"{url}/v2/shop/api/blobs/uploads/") as response:
        upload = url + response.headers["Location"]
    async with session.patch(upload, data=b"late", headers={"Content-Range": "5-8"}) as response:
        assert response.status == 416
    async with session.patch(upload, data=b"first", headers={"Content-Range": "0-4"}) as response:
        assert (response.status, response.headers["Range"]) == (202, "0-4")
    status, headers, _ = await get(session, upload)
    assert (status, headers["Range"]) == (204, "0-4")
    digest = digest_of(b"first")
    async with session.put(f"{upload}?digest={digest}") as response:
        assert response.status == 201


async def test_a_cancelled_upload_is_gone(session, url):
    async with session.post(f"{url}/v2/shop/api/blobs/uploads/") as response:
        upload = url + response.headers["Location"]
    async with session.delete(upload) as response:
        assert response.status == 204
    assert (await get(session, upload))[0] == 404


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"config": 1}'])
async def test_what_is_not_a_manifest_is_refused(session, url, content):
    async with session.put(f"{url}/v2/shop/api/manifests/1", data=content) as response:
        assert response.status == 400
        assert (await response.json())["errors"][0]["code"] == "MANIFEST_INVALID"


async def test_a_manifest_is_refused_under_a_digest_that_is_not_its_own(session, url):
    async with session.put(f"{url}/v2/shop/api/manifests/sha256:{'0' * 64}", data=IMAGE.manifest.content) as response:
        assert (await response.json())["errors"][0]["code"] == "DIGEST_INVALID"


@pytest.mark.parametrize(
    ("header", "status", "length"),
    [
        ("bytes=0-1", 206, 2),
        ("bytes=-3", 206, 3),
        ("bytes=0-", 200, None),
        ("pages=1", 200, None),
        ("bytes=9999-", 416, None),
    ],
)
async def test_ranges_of_a_blob(session, url, header, status, length):
    await push_image(session, url, "shop/api", "1", IMAGE)
    answered, _, body = await get(session, f"{url}/v2/shop/api/blobs/{IMAGE.config.digest}", Range=header)
    assert answered == status
    assert length is None or len(body) == length
