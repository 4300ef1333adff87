"""A scan finds out what is in an image, says of which image it cannot, and leaves all others alone."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

import pytest
from aiohttp import web
from tests.server.scans.conftest import Scans
from tests.server.scans.hostile import image_of
from tests.support.fleet import Fleet
from tests.support.images import LABELS, alpine, debian, image, python, text_image
from tests.support.registries import (
    Handler,
    Trouble,
    answering,
    hanging_up,
    never_answering,
    serve_registry,
    talking_nonsense,
)

from deadlight.demo.images import Blob, Deleted, Entry, File, ImageSpec, Symlink, build_image, build_index
from deadlight.model.image import Platform
from deadlight.registry import Limits
from deadlight.registry.connection import connect
from deadlight.scanner import SCANNER_STATE, ExecutableIndex, FileIndex, Presence
from deadlight.server.registries.service import find_registry
from deadlight.server.scans.jobs import LONGEST_RETRY, ScanImage, rescan_stale, retry_scans, scan_image

WEB = image(debian({"bash": "5.2-1"}))


async def impatient(scans: Scans) -> None:
    """Wait for the registry no longer than a test can."""
    async with scans.services.engine.connect() as connection:
        added = await find_registry(connection, scans.registry.host)
    assert added is not None
    address = added.address(scans.services.cipher)
    limits = Limits(request_seconds=0.2, attempts=2)
    scans.services.registries[address] = connect(address, scans.services.http, limits=limits)


def only_for(part: str, trouble: Trouble) -> Trouble:
    """Trouble with requests whose path has a part."""

    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await (trouble(request, handler) if part in request.path else handler(request))

    return answer


async def jobs(fleet: Fleet) -> Sequence[int]:
    """The image tags for which a scan is queued."""
    rows = await fleet.rows("SELECT payload FROM pgqueuer WHERE entrypoint LIKE '%scan_image' ORDER BY id")
    return [int(row.payload.decode().partition(":")[2].rstrip("}")) for row in rows]


# --- what is found ---------------------------------------------------------------------------------------


@pytest.mark.req("R9", "R13")
async def test_an_image_is_pulled_and_its_packages_are_known_with_their_files(scans: Scans, fleet: Fleet) -> None:
    system = debian({"bash": "5.2-1", "python3-yaml": "6.0-3"}, {"bash": ("/usr/bin/bash",)})
    image_tag_id = await scans.observe(image(system, python("flask", "3.0.0")))
    row = await scans.run(image_tag_id)
    assert (row.status, row.error, row.layers_scanned, row.attempts) == ("done", "", 2, 1)
    found = await scans.packages(image_tag_id)
    assert [(item.ecosystem, item.name, item.version) for item in found] == [
        ("Debian:12", "bash", "5.2-1"),
        ("PyPI", "flask", "3.0.0"),
        ("Debian:12", "python3-yaml", "6.0-3"),
    ]
    stored = await scans.image(image_tag_id)
    assert (stored.distribution, stored.platform, stored.scanner_state) == ("Debian:12", "linux/amd64", SCANNER_STATE)
    assert stored.config["labels"] == LABELS
    files = FileIndex.from_bytes(stored.file_index)
    assert files.find("/usr/bin/bash") == (found[0].purl,)
    assert files.find("/usr/local/lib/python3.12/site-packages/flask/__init__.py") == (found[1].purl,)
    assert files.find("/etc/passwd") == ()
    assert await fleet.events("ImageScanned") == [("ImageScanned", {"image_id": stored.id})]


async def test_the_digests_of_an_images_executables_are_kept_also_of_one_that_was_scanned_before(
    scans: Scans, fleet: Fleet
) -> None:
    lower: dict[str, Entry] = {
        "usr/bin/dash": File(b"\x7fELF of a shell", 0o755),
        "usr/bin/sh": Symlink("dash"),
        "usr/bin/gone": File(b"", 0o755),
        "bin": Symlink("usr/bin"),
    }
    image_tag_id = await scans.observe(image(lower, {"usr/bin/gone": Deleted()}))
    await scans.run(image_tag_id)
    first = (await scans.image(image_tag_id)).executable_index
    # As the previous release left it.
    await fleet.rows("UPDATE image SET executable_index = NULL, scanner_state = 'older'")
    await fleet.rows("UPDATE analyzed_layer SET analyzers = analyzers - 'executables'")
    await fleet.rows("DELETE FROM layer_part WHERE analyzer = 'executables'")
    await fleet.rows("UPDATE scan SET status = 'queued'")
    assert (await scans.run(image_tag_id)).layers_scanned == 2
    stored = (await scans.image(image_tag_id)).executable_index
    assert stored == first
    found = ExecutableIndex.from_bytes(stored).find("/bin/sh")
    assert (found.path, found.sha256) == ("/usr/bin/dash", sha256(b"\x7fELF of a shell").hexdigest())
    assert ExecutableIndex.from_bytes(stored).find("/usr/bin/gone").presence is Presence.ABSENT


@pytest.mark.req("R9")
async def test_alpine_packages_are_found(scans: Scans) -> None:
    image_tag_id = await scans.observe(image(alpine({"musl": "1.2.4-r2", "busybox": "1.36.1-r15"})))
    assert (await scans.run(image_tag_id)).status == "done"
    assert [(item.ecosystem, item.name, item.version) for item in await scans.packages(image_tag_id)] == [
        ("Alpine:v3.19", "busybox", "1.36.1-r15"),
        ("Alpine:v3.19", "musl", "1.2.4-r2"),
    ]


async def test_a_python_package_of_the_distribution_knows_its_owner(scans: Scans) -> None:
    site = "usr/lib/python3/dist-packages"
    metadata = f"/{site}/yaml-6.0.dist-info/METADATA"
    layer = debian({"python3-yaml": "6.0-3"}, {"python3-yaml": (metadata,)}) | python("yaml", "6.0", site=site)
    image_tag_id = await scans.observe(image(layer))
    await scans.run(image_tag_id)
    assert [(item.name, item.owner) for item in await scans.packages(image_tag_id)] == [
        ("python3-yaml", None),
        ("yaml", "python3-yaml"),
    ]


async def test_what_cannot_be_read_of_an_image_is_told_with_the_rest_kept(scans: Scans) -> None:
    whole = debian({"bash": "5.2-1", "dash": "0.5.12-2", "sed": "4.9-1"})
    database = whole["var/lib/dpkg/status"]
    assert isinstance(database, bytes)
    cut = whole | {"var/lib/dpkg/status": database[: database.index(b"Version: 4.9")]}
    pushed = image(cut)
    image_tag_id = await scans.observe(pushed)
    assert (await scans.run(image_tag_id)).status == "done"
    assert [item.name for item in await scans.packages(image_tag_id)] == ["bash", "dash"]
    damaged, cut_short = (await scans.image(image_tag_id)).problems
    place = f"var/lib/dpkg/status in layer {pushed.layers[0].digest}: "
    assert damaged.startswith(f"{place}no valid Package and Version in the entry 'Package: sed")
    assert cut_short.startswith(f"{place}ends without the blank line that closes every entry: it was cut short")


# --- read once -------------------------------------------------------------------------------------------


async def test_a_layer_is_read_once_for_all_images_that_share_it(scans: Scans) -> None:
    base = debian({"bash": "5.2-1"})
    await scans.run(await scans.observe(image(base)))
    second = image(base, python("flask", "3.0.0"))
    image_tag_id = await scans.observe(second, "shop/other")
    scans.registry.asked.clear()
    assert (await scans.run(image_tag_id)).layers_scanned == 1
    assert set(scans.blobs_asked()) == {second.config.digest, second.layers[1].digest}
    assert [item.name for item in await scans.packages(image_tag_id)] == ["bash", "flask"]


async def test_a_layer_is_read_once_also_when_the_images_that_share_it_come_together(scans: Scans) -> None:
    base = debian({"bash": "5.2-1"})
    images = [image(base, python("flask", f"3.0.{number}")) for number in range(4)]
    ids = [await scans.observe(each, f"shop/app-{number}") for number, each in enumerate(images)]
    rows = await asyncio.gather(*map(scans.run, ids))
    assert sum(row.layers_scanned for row in rows) == 5
    assert scans.blobs_asked().count(images[0].layers[0].digest) == 1
    for image_tag_id in ids:
        assert [item.name for item in await scans.packages(image_tag_id)] == ["bash", "flask"]


async def test_an_image_that_has_been_scanned_is_not_scanned_again(scans: Scans, fleet: Fleet) -> None:
    image_tag_id = await scans.observe(WEB)
    before = await scans.run(image_tag_id)
    await fleet.forget_events()
    scans.registry.asked.clear()
    assert await scans.run(image_tag_id) == before
    assert scans.registry.asked == []
    assert not await fleet.events()


async def test_another_tag_of_a_scanned_image_reads_no_layer(scans: Scans) -> None:
    first = await scans.observe(WEB)
    await scans.run(first)
    second = await scans.observe_digest(WEB.manifest.digest, tag="latest")
    scans.registry.asked.clear()
    row = await scans.run(second)
    assert (row.status, row.layers_scanned) == ("done", 0)
    assert set(scans.blobs_asked()) == {WEB.config.digest}
    assert (await scans.image(second)).id == (await scans.image(first)).id


async def test_after_an_upgrade_running_images_are_scanned_again(scans: Scans, fleet: Fleet) -> None:
    running, stopped = await scans.observe(WEB), await scans.observe(text_image("stopped"), "shop/stopped")
    for image_tag_id in (running, stopped):
        await scans.run(image_tag_id)
    await fleet.deploy(running)
    await rescan_stale(scans.services)
    assert await jobs(fleet) == []
    await fleet.rows("UPDATE image SET scanner_state = 'older'")
    await rescan_stale(scans.services)
    assert await jobs(fleet) == [running]
    row = await scans.run(running)
    assert (row.status, row.layers_scanned) == ("done", 0)
    assert (await scans.image(running)).scanner_state == SCANNER_STATE


async def test_a_new_version_of_an_analyzer_reads_layers_again_by_itself_alone(scans: Scans, fleet: Fleet) -> None:
    image_tag_id = await scans.observe(image(debian({"bash": "5.2-1"}), python("flask", "3.0.0")))
    await scans.run(image_tag_id)
    found = await scans.packages(image_tag_id)
    parts = (
        "SELECT xmin::text, digest, analyzer FROM layer_part WHERE analyzer NOT IN ('python', 'listing') ORDER BY 2, 3"
    )
    kept = await fleet.rows(parts)
    await fleet.rows("UPDATE analyzed_layer SET analyzers = jsonb_set(analyzers, '{python}', '0')")
    await fleet.rows("UPDATE image SET scanner_state = 'older'")
    await fleet.rows("UPDATE scan SET status = 'queued'")
    assert (await scans.run(image_tag_id)).layers_scanned == 2
    assert await fleet.rows(parts) == kept  # not one of them was written again
    assert await scans.packages(image_tag_id) == found


async def test_two_jobs_for_one_image_come_to_the_same(scans: Scans) -> None:
    image_tag_id = await scans.observe(WEB)
    await asyncio.gather(*(scan_image(scans.services, ScanImage(image_tag_id)) for _ in range(2)))
    assert (await scans.row(image_tag_id)).status == "done"
    assert [item.name for item in await scans.packages(image_tag_id)] == ["bash"]


async def test_the_scan_of_an_image_that_has_been_removed_comes_to_nothing(scans: Scans, fleet: Fleet) -> None:
    image_tag_id = await scans.observe(WEB)
    await fleet.rows("DELETE FROM image_tag")
    scans.registry.asked.clear()
    await scan_image(scans.services, ScanImage(image_tag_id))
    assert scans.registry.asked == []


# --- which image -----------------------------------------------------------------------------------------


async def test_of_an_index_the_platform_of_the_node_is_scanned(scans: Scans) -> None:
    arm, amd = (
        build_image(ImageSpec(layers=[debian({name: "1-1"})], platform=Platform("linux", name)))
        for name in ("arm64", "amd64")
    )
    pushed = await scans.registry.push(build_index([arm, amd]))
    image_tag_id = await scans.observe_digest(pushed.digest, platform="linux/arm64")
    await scans.run(image_tag_id)
    assert (await scans.image(image_tag_id)).digest == arm.manifest.digest
    assert [item.name for item in await scans.packages(image_tag_id)] == ["arm64"]
    absent = await scans.observe_digest(pushed.digest, platform="linux/s390x")
    row = await scans.run(absent)
    there = "but not for linux/s390x, only for linux/amd64, linux/arm64"
    name = f"{scans.registry.host}/shop/web:1.0.0"
    assert (row.status, row.error) == ("failed", f"{name}: the registry has shop/web@{pushed.digest}, {there}")


async def test_an_image_loaded_on_the_node_is_found_by_its_configuration(scans: Scans) -> None:
    await scans.registry.push(WEB)
    image_tag_id = await scans.observe_digest(WEB.config.digest)
    assert (await scans.run(image_tag_id)).status == "done"
    assert (await scans.image(image_tag_id)).digest == WEB.manifest.digest


async def test_what_is_no_container_image_is_called_so(scans: Scans) -> None:
    chart = image_of(b"chart")
    config = Blob("application/vnd.cncf.helm.config.v1+json", chart.config.content)
    content = chart.manifest.content.replace(chart.config.media_type.encode(), config.media_type.encode())
    manifest = Blob(chart.manifest.media_type, content)
    row = await scans.run(await scans.observe(type(chart)(chart.platform, manifest, config, chart.layers)))
    assert row.status == "failed"
    assert row.error.endswith(f"shop/web@{manifest.digest} is not a container image")


async def test_an_image_that_the_registry_does_not_have_fails_and_says_what_to_do(scans: Scans) -> None:
    image_tag_id = await scans.observe(WEB)
    await scans.registry.push(text_image("other"))
    await scans.registry.delete(WEB.manifest.digest)
    row = await scans.run(image_tag_id)
    assert row.status == "failed"
    assert row.error == (
        f"{scans.registry.host}/shop/web:1.0.0: the registry does not have shop/web@{WEB.manifest.digest}, so its "
        "layers cannot be read: push the image that is running, or deploy the one that is there"
    )


@pytest.mark.req("R5")
async def test_the_images_of_an_untrusted_registry_are_not_pulled_until_it_is_trusted(
    untrusted: Scans, fleet: Fleet
) -> None:
    image_tag_id = await untrusted.observe(WEB)
    row = await untrusted.run(image_tag_id)
    assert row.status == "skipped"
    assert "is not a trusted registry: add it, or trust it" in row.error
    assert untrusted.registry.asked == []
    await untrusted.trust()
    async with untrusted.services.engine.begin() as connection:
        await retry_scans(connection, host=untrusted.registry.host)
    assert await jobs(fleet) == [image_tag_id]
    assert (await untrusted.run(image_tag_id)).status == "done"


async def test_a_scan_that_fails_while_its_registry_is_put_right_is_tried_again(scans: Scans) -> None:
    async with serve_registry() as right:
        image_tag_id = await scans.observe_digest((await right.push(WEB)).digest)

        async def put_right_meanwhile(request: web.Request, handler: Handler) -> web.StreamResponse:
            await scans.fleet.rows("UPDATE registry SET url = :url RETURNING id", url=right.url)
            async with scans.services.engine.begin() as connection:
                await retry_scans(connection, host=scans.registry.host)
            return await handler(request)

        scans.registry.trouble = put_right_meanwhile
        _, later = await scans.put_off(image_tag_id)
        assert later.delay == timedelta(0)
        assert not await jobs(scans.fleet)
        assert (await scans.run(image_tag_id)).status == "done"


# --- registries in trouble -------------------------------------------------------------------------------

TROUBLES = [
    pytest.param(answering(401), "it wants a login that we do not know (401, offers nothing)", id="401"),
    pytest.param(answering(404), "no registry answers there (404 Not Found, no content type)", id="404"),
    pytest.param(answering(429, Retry_After="120"), "it limits our requests (429 Too Many Requests)", id="429"),
    pytest.param(answering(500), "it failed (500 Internal Server Error)", id="500"),
    pytest.param(talking_nonsense, "it answers with a web page instead of a manifest", id="garbage"),
    pytest.param(never_answering, "it does not answer within 0.2 s", id="slow"),
    pytest.param(hanging_up, "the connection failed", id="hangs up"),
]


@pytest.mark.parametrize(("trouble", "reason"), TROUBLES)
async def test_the_scan_waits_for_a_registry_that_cannot_be_asked(scans: Scans, trouble: Trouble, reason: str) -> None:
    image_tag_id = await scans.observe(WEB)
    await impatient(scans)
    scans.registry.trouble = trouble
    row, later = await scans.put_off(image_tag_id)
    host = scans.registry.host
    assert row.status == "waiting"
    assert row.error.startswith(f"{host}/shop/web:1.0.0: {host} cannot be asked: {reason}")
    assert later.delay >= timedelta(seconds=10)
    async with serve_registry() as fine:
        await scans.trust(fine)
        other = await scans.observe(text_image("other"), registry=fine)
        assert (await scans.run(other)).status == "done"
    scans.registry.trouble = None
    scans.services.registries.clear()
    assert (await scans.run(image_tag_id)).status == "done"
    assert [item.name for item in await scans.packages(image_tag_id)] == ["bash"]


LAYER_TROUBLES = [
    pytest.param(answering(401), "it wants a login that we do not know (401, offers nothing)", id="401"),
    pytest.param(answering(429, Retry_After="120"), "it limits our requests (429 Too Many Requests)", id="429"),
    pytest.param(answering(500), "it failed (500 Internal Server Error)", id="500"),
    pytest.param(hanging_up, "the connection failed", id="hangs up"),
]


@pytest.mark.parametrize(("trouble", "reason"), LAYER_TROUBLES)
async def test_the_scan_waits_where_a_layer_cannot_be_had_and_keeps_the_others(
    scans: Scans, trouble: Trouble, reason: str
) -> None:
    pushed = image(debian({"bash": "5.2-1"}), python("flask", "3.0.0"))
    image_tag_id = await scans.observe(pushed)
    scans.registry.trouble = only_for(pushed.layers[1].digest, trouble)
    row, _ = await scans.put_off(image_tag_id)
    host = scans.registry.host
    assert row.status == "waiting"
    assert row.error.startswith(f"{host}/shop/web:1.0.0: {host} cannot be asked: {reason}")
    scans.registry.trouble = None
    row = await scans.run(image_tag_id)
    assert (row.status, row.layers_scanned) == ("done", 1)


@pytest.mark.parametrize("part", ["/manifests/", "/blobs/"])
@pytest.mark.parametrize(("asked", "delay"), [("120", timedelta(minutes=2)), ("999999999", LONGEST_RETRY)])
async def test_a_registry_is_left_alone_for_as_long_as_it_asks(
    scans: Scans, part: str, asked: str, delay: timedelta
) -> None:
    image_tag_id = await scans.observe(WEB)
    scans.registry.trouble = only_for(part, answering(429, Retry_After=asked))
    _, later = await scans.put_off(image_tag_id)
    assert delay - timedelta(seconds=5) <= later.delay <= delay


async def test_the_pauses_between_attempts_grow_to_half_an_hour(scans: Scans, fleet: Fleet) -> None:
    image_tag_id = await scans.observe(WEB)
    scans.registry.trouble = answering(500)
    pauses = [(await scans.put_off(image_tag_id))[1].delay.total_seconds() for _ in range(3)]
    assert pauses == [10, 20, 40]
    await fleet.rows("UPDATE scan SET attempts = 1000")
    assert (await scans.put_off(image_tag_id))[1].delay == LONGEST_RETRY


async def test_a_layer_that_is_gone_fails_the_scan_by_name(scans: Scans) -> None:
    image_tag_id = await scans.observe(WEB)
    await scans.registry.delete_blob(WEB.layers[0].digest)
    row = await scans.run(image_tag_id)
    assert row.status == "failed"
    assert row.error.startswith(f"{scans.registry.host}/shop/web:1.0.0: layer {WEB.layers[0].digest}: ")
    assert f"has no blob shop/web@{WEB.layers[0].digest}" in row.error


async def test_a_layer_that_is_not_what_its_digest_says_is_not_believed(scans: Scans) -> None:
    other = image(debian({"evil": "6.6-6"})).layers[0].content

    async def swap(_request: web.Request, _handler: Handler) -> web.StreamResponse:
        size = len(WEB.layers[0].content)
        return web.Response(body=other[:size].ljust(size, b"\0"))

    image_tag_id = await scans.observe(WEB)
    scans.registry.trouble = only_for(WEB.layers[0].digest, swap)
    row = await scans.run(image_tag_id)
    assert row.status == "failed"
    host, layer = scans.registry.host, WEB.layers[0].digest
    assert row.error.startswith(f"{host}/shop/web:1.0.0: layer {layer}: {host} sends sha256:")
    assert row.error.endswith(f" when asked for the blob {layer}")
    assert not await scans.packages(image_tag_id)
    assert not await scans.fleet.rows("SELECT FROM analyzed_layer")


async def test_a_password_saved_with_another_secret_key_fails_the_scan_and_says_so(scans: Scans, fleet: Fleet) -> None:
    image_tag_id = await scans.observe(WEB)
    await fleet.rows("UPDATE registry SET username = 'ada', password_encrypted = 'nonsense'")
    row = await scans.run(image_tag_id)
    assert row.status == "failed"
    assert "DEADLIGHT_SECRET_KEY differs" in row.error


# --- processes that end ----------------------------------------------------------------------------------


async def test_a_scanning_process_that_is_killed_costs_nothing_but_time(scans: Scans) -> None:
    await scans.run(await scans.observe(text_image("warm"), "shop/warm"))  # there is a process now
    reading, go_on = asyncio.Event(), asyncio.Event()

    async def hold(request: web.Request, handler: Handler) -> web.StreamResponse:
        reading.set()
        await go_on.wait()
        return await handler(request)

    image_tag_id = await scans.observe(WEB)
    scans.registry.trouble = only_for(WEB.layers[0].digest, hold)
    scan = asyncio.create_task(scans.run(image_tag_id))
    await reading.wait()
    (process,) = multiprocessing.active_children()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    go_on.set()
    row = await scan
    assert (row.status, row.layers_scanned) == ("done", 1)
    assert [item.name for item in await scans.packages(image_tag_id)] == ["bash"]


async def test_a_layer_that_ends_every_process_fails_its_image_and_the_next_is_scanned(scans: Scans) -> None:
    async def kill(_request: web.Request, _handler: Handler) -> web.StreamResponse:
        for process in multiprocessing.active_children():
            process.kill()
        return web.Response(status=500)

    image_tag_id = await scans.observe(WEB)
    scans.registry.trouble = only_for(WEB.layers[0].digest, kill)
    row = await scans.run(image_tag_id)
    assert row.status == "failed"
    assert row.error == (
        f"{scans.registry.host}/shop/web:1.0.0: layer {WEB.layers[0].digest}: the process that read it ended twice "
        "(out of memory or time?)"
    )
    assert (await scans.run(await scans.observe(text_image("next"), "shop/next"))).status == "done"
