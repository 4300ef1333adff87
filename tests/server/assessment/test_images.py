"""The list of images: what a row says, which filters there are and what they offer."""

from typing import Any

import pytest
from tests.server.assessment.shop import shop, verdict
from tests.support.fleet import Fleet, Stored, digest, installed, package
from tests.support.service import RunningService

from deadlight.server.findings.service import assess_image
from deadlight.server.inventory.statements import FOLLOW_PLACEMENTS

IMAGES = "/api/v1/images"


async def rows(service: RunningService, query: str = "") -> list[dict[str, Any]]:
    """A page of images."""
    found = await service.get(f"{IMAGES}?{query}")
    assert found["total"] >= len(found["images"])
    images: list[dict[str, Any]] = found["images"]
    return images


async def names(service: RunningService, query: str = "") -> list[str]:
    """Repositories, in order."""
    return [row["repository"] for row in await rows(service, query)]


async def facet(service: RunningService, name: str, query: str = "") -> dict[str, Any]:
    """The values a filter offers."""
    return {item["value"]: item["count"] for item in (await service.get(f"{IMAGES}/facets/{name}?{query}"))["values"]}


async def add_tags(fleet: Fleet) -> list[Stored]:
    """Two more tags of shop/web, one of them as bad and one of them clean."""
    stored = [
        await fleet.add_image(installed(package()), tag="1.1.0"),
        await fleet.add_image(tag="2.0.0"),
    ]
    async with fleet.engine.begin() as connection:
        for image in stored:
            await assess_image(connection, image.image_id)
    await fleet.deploy(stored[0].image_tag_id, name="web-next", cluster="north")
    await fleet.deploy(stored[1].image_tag_id, name="web-last", cluster="north")
    return stored


@pytest.mark.req("F3", "F5", "I2", "I4")
async def test_an_image_is_as_bad_as_its_riskiest_tag_and_counts_what_all_its_tags_have(
    service: RunningService, fleet: Fleet
) -> None:
    images = await shop(fleet)
    await add_tags(fleet)
    listed = await rows(service)
    assert [(row["repository"], row["risks"], row["tags_count"]) for row in listed] == [
        ("tools/evil", ["malicious"], 1),
        ("shop/web", ["integrity_violation"], 3),
        ("shop/api", ["untrusted_registry"], 1),
        ("shop/clean", [], 1),
    ]
    web = listed[1]
    assert (web["riskiest_tag_id"], web["riskiest_tag"]) == (images["web"].image_tag_id, "1.0.0")
    assert web["severities"] == {"Critical": 1, "High": 1, "Medium": 0, "Low": 1, "Unknown": 0}
    assert (web["workloads_count"], web["clusters_count"], web["providers"]) == (4, 3, ["Kubernetes"])
    assert (web["integrity_status"], web["violation_type"]) == ("Invalid Image Integrity", "Digest Mismatch")
    assert web["runtime_status"] == "running"
    assert [item["severities"] for item in listed if item["repository"] == "shop/clean"] == [
        dict.fromkeys(web["severities"], 0)
    ]


async def test_of_equally_bad_tags_the_one_seen_last_speaks_for_the_image(
    service: RunningService, fleet: Fleet
) -> None:
    for tag in ("1", "2"):
        image = await fleet.add_image(repository="shop/twin", tag=tag)
        await fleet.deploy(image.image_tag_id, name=f"twin-{tag}")
    assert [row["riskiest_tag"] for row in await rows(service)] == ["2"]


async def test_the_tags_of_an_image_are_those_that_meet_the_filters(service: RunningService, fleet: Fleet) -> None:
    await shop(fleet)
    await add_tags(fleet)
    await fleet.deploy(await fleet.add_image_tag("shop/web/admin", "1"), name="admin")
    for query, expected in (
        ("", ["1.0.0", "1.1.0", "2.0.0"]),
        ("&risk=integrity_violation", ["1.0.0"]),
        ("&cluster=north", ["1.1.0", "2.0.0"]),
    ):
        found = await service.get(f"/api/v1/image-tags?of=registry.example/shop/web{query}")
        assert [item["tag"] for item in found["image_tags"]] == expected


async def test_pages_follow_one_another_in_every_order(service: RunningService, fleet: Fleet) -> None:
    await shop(fleet)
    for number in range(7):
        await fleet.deploy(await fleet.add_image_tag(f"many/{number}", "1"), name=f"many-{number}")
    for order in ("risk", "vulnerabilities", "workloads", "name"):
        whole = [row["repository"] for row in (await service.get(f"{IMAGES}?order={order}"))["images"]]
        assert len(whole) == 11
        found: list[str] = []
        key = ""
        while True:
            page = await service.get(f"{IMAGES}?order={order}&limit=3&next_key={key}")
            found += [row["repository"] for row in page["images"]]
            key = page["next_key"]
            if not key:
                break
        assert found == whole, order
    assert (await names(service, "order=name"))[:2] == ["many/0", "many/1"]
    assert (await names(service, "order=workloads"))[0] == "shop/web"
    await service.request("GET", f"{IMAGES}?order=name&next_key={page['next_key'] or 'W10'}", expect=400)


@pytest.mark.req("F5")
async def test_images_are_found_by_every_filter(service: RunningService, fleet: Fleet) -> None:
    await shop(fleet)
    web_digest = digest("registry.example/shop/web:1.0.0")
    for query, expected in (
        ("search=SHOP/W", ["shop/web"]),
        (f"search={web_digest[:20]}", ["shop/web"]),
        ("severity=High", ["shop/web"]),
        ("cve=CVE-2026-0003", ["shop/web", "shop/api"]),
        ("cve=GHSA-aaaa-bbbb-cccc", ["shop/web"]),
        ("integrity_status=No%20Issues", ["shop/clean"]),
        ("violation=Digest%20Mismatch&violation=Missing%20Source", ["shop/web"]),
        ("image=shop/web&image=api", ["shop/web", "shop/api"]),
        ("repository=registry.example/shop", ["shop/web", "shop/api", "shop/clean"]),
        ("repository=registry.example/sho", []),
        ("tag=2.0.0", ["shop/clean"]),
        (f"digest={web_digest}", ["shop/web"]),
        ("architecture=amd64&namespace=tools", ["tools/evil"]),
        ("package=curl", ["shop/web", "shop/api"]),
        ("package=curl&package_version=7.88", ["shop/web", "shop/api"]),
        ("package=curl&package_version=3.0.1-1", []),
        ("component=openssl:3.0.1-1", ["shop/web"]),
        ("workload=web&node=node-9", ["shop/web"]),
        ("workload=cron&node=node-9", []),
        ("workload_type=CronJob", ["tools/evil"]),
        ("cluster=west&namespace=staging", ["shop/web"]),
        ("cluster=west&namespace=tools", []),
        ("risk=malicious&risk=untrusted_registry", ["tools/evil", "shop/api"]),
        ("cluster=nowhere", []),
    ):
        assert await names(service, query) == expected, query
    await service.request("GET", f"{IMAGES}?risk=nonsense", expect=400)
    await service.request("GET", f"{IMAGES}?search=%00", expect=400)


async def test_images_are_found_by_what_sensors_saw_executed_in_their_workloads(
    service: RunningService, fleet: Fleet
) -> None:
    image = await fleet.add_image(repository="shop/web")
    running = await fleet.deploy(image.image_tag_id, name="web")
    await fleet.deploy((await fleet.add_image(repository="shop/other")).image_tag_id, name="other")
    for grade, path in (("executed", "/usr/bin/curl"), ("opened", "/etc/passwd")):
        await fleet.rows(
            """
            INSERT INTO observation (cluster_id, container_id, grade, path, node_name, count, first_at, last_at, pid,
                                     process, arguments, changed)
            SELECT cluster_id, container_id, :grade, :path, 'node-1', 1, now(), now(), 1, 'curl', '{}', false
            FROM container WHERE container_id = :container_id
            """,
            grade=grade,
            path=path,
            container_id=running.container_ids[0],
        )
    await fleet.rows(
        "INSERT INTO program (id, name, path, arguments) VALUES (gen_random_uuid(), 'curl', '/usr/bin/curl', '{}')"
    )
    await fleet.rows(
        "INSERT INTO process (workload_id, image_tag_id, program_id, changed, first_at, last_at) "
        "SELECT :workload_id, :image_tag_id, id, false, now(), now() FROM program",
        workload_id=running.workload_id,
        image_tag_id=image.image_tag_id,
    )
    assert await names(service, "process=curl") == ["shop/web"]
    assert await names(service, "path=/usr/bin/curl&process=curl") == ["shop/web"]
    assert await names(service, "path=/etc/passwd") == []
    assert await names(service, "process=curl&workload=other") == []
    assert await facet(service, "process", "text=CUR") == {"curl": None}
    assert await facet(service, "path") == {"/usr/bin/curl": None}


async def test_a_period_shows_what_has_gone_since_its_beginning(service: RunningService, fleet: Fleet) -> None:
    await shop(fleet)
    await fleet.rows("UPDATE placement SET gone_at = now() - interval '2 hours' WHERE gone_at IS NOT NULL")
    assert "shop/gone" not in await names(service)
    assert "shop/gone" not in await names(service, "period=1%20hour")
    (gone,) = await rows(service, "period=24%20hours&search=gone")
    assert (gone["runtime_status"], gone["workloads_count"]) == ("stopped", 1)
    ended = await fleet.deploy((await fleet.add_image(repository="shop/job")).image_tag_id, name="job", state="ended")
    async with fleet.engine.begin() as connection:
        await connection.execute(FOLLOW_PLACEMENTS, {"workload_ids": [ended.workload_id]})
    assert "shop/job" not in await names(service)


async def test_the_quick_filters_count_images_within_the_other_filters(service: RunningService, fleet: Fleet) -> None:
    await shop(fleet)
    summary = await service.get(f"{IMAGES}/summary")
    assert (summary["matching"], summary["total"], summary["is_connected"]) == (4, 4, True)
    counts = {"malicious": 1, "integrity_violation": 1, "critical_applicable_cves": 0, "untrusted_registry": 1}
    assert summary["risks"] == counts
    narrowed = await service.get(f"{IMAGES}/summary?cluster=east&risk=malicious")
    assert (narrowed["matching"], narrowed["total"]) == (1, 4)
    assert narrowed["risks"] == counts | {"untrusted_registry": 0}


async def test_filters_offer_values_with_the_images_that_would_remain(service: RunningService, fleet: Fleet) -> None:
    await shop(fleet)
    await fleet.add_node("node-7")
    for name, query, expected in (
        ("cluster", "", {"east": 3, "west": 2}),
        ("cluster", "cluster=west", {"east": 3, "west": 2}),
        ("cluster", "severity=High", {"east": 1, "west": 1}),
        ("cluster", "text=EA", {"east": 3}),
        ("namespace", "cluster=west", {"shop": 1, "staging": 1}),
        ("workload", "namespace=tools", {"cron": 1}),
        ("workload_type", "", {"Deployment": 3, "CronJob": 1}),
        ("severity", "", {"Critical": 2, "High": 1, "Low": 2}),
        ("risk", "cluster=east", {"malicious": 1, "integrity_violation": 1}),
        ("integrity_status", "", {"Invalid Image Integrity": 1, "Untrusted Registry": 1, "No Issues": 1}),
        ("violation", "", {"Digest Mismatch": 1}),
        ("image", "text=web", {"shop/web": 1}),
        ("repository", "", {"registry.example/shop": 3, "registry.example/tools": 1}),
        ("tag", "", {"1.0.0": 3, "2.0.0": 1}),
        ("architecture", "", {"amd64": 4}),
        ("digest", f"text={digest('registry.example/shop/api:1.0.0')}", {digest("registry.example/shop/api:1.0.0"): 1}),
        ("cve", "text=0003", {"CVE-2026-0003": None}),
        ("package", "text=curl", {"curl": None}),
        ("package_version", "package=curl", {"7.88": None}),
        ("component", "text=curl:7", {"curl:7.88": None}),
        ("node", "text=7", {"node-7": None}),
    ):
        assert await facet(service, name, query) == expected, (name, query)
    await service.request("GET", f"{IMAGES}/facets/colour", expect=400)


async def test_a_list_tells_what_was_committed_before_it_was_asked_for(service: RunningService, fleet: Fleet) -> None:
    images = await shop(fleet)
    assert (await rows(service, "search=clean"))[0]["risks"] == []
    clean = images["clean"].image_tag_id
    missing = "status = 'Invalid Image Source', violation_type = 'Missing Source'"
    await fleet.rows(f"UPDATE verdict SET {missing} WHERE image_tag_id = :id", id=clean)
    assert (await rows(service, "search=clean"))[0]["risks"] == ["integrity_violation"]
    await fleet.rows("UPDATE image_risk SET malicious = 1 WHERE image_id = :id", id=images["clean"].image_id)
    assert (await rows(service, "search=clean"))[0]["risks"] == ["malicious", "integrity_violation"]
    await fleet.rows("UPDATE cluster SET name = 'orient' WHERE name = 'east'")
    assert await names(service, "cluster=orient&search=clean") == ["shop/clean"]
    await fleet.rows("DELETE FROM cluster WHERE name = 'orient'")
    assert await names(service, "search=clean") == []


async def test_what_a_transaction_wrote_that_was_open_for_long_is_not_overlooked(
    service: RunningService, fleet: Fleet
) -> None:
    images = await shop(fleet)
    async with fleet.engine.begin() as slow:
        await slow.exec_driver_sql(f"UPDATE verdict SET status = 'No Issues' WHERE image_tag_id = {images['api'][0]}")
        await verdict(fleet, images["evil"].image_tag_id, "Untrusted Registry")
        assert await names(service, "risk=untrusted_registry") == ["tools/evil", "shop/api"]
    assert await names(service, "risk=untrusted_registry") == ["tools/evil"]
