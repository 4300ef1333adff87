"""Commands that list what runs, against a running service."""

import json

import pytest
import yaml
from tests.cli.conftest import Deadlight, found
from tests.server.assessment.shop import shop
from tests.support.fleet import Fleet
from tests.support.watched import watched


@pytest.mark.req("F5", "I28")
async def test_images_are_listed_filtered_and_paged(deadlight: Deadlight, fleet: Fleet) -> None:
    assert "Connect a cluster with `deadlight connect`" in (await deadlight("images")).stderr
    await shop(fleet)
    for arguments, expected in (
        (("--risk", "integrity_violation"), ["shop/web"]),
        (("--severity", "low", "--order", "name"), ["shop/api", "shop/web"]),
        (("--cve", "CVE-2026-0001"), ["shop/web"]),
        (("--package", "evil"), ["tools/evil"]),
        (("gone", "--period", "1 hour"), ["shop/gone"]),
        (("--cluster", "west", "--namespace", "staging"), ["shop/web"]),
        (("--all", "--limit", "1", "--order", "name"), ["shop/api", "shop/clean", "shop/web", "tools/evil"]),
    ):
        assert [row["repository"] for row in await found(deadlight, "images", *arguments)] == expected, arguments
    table = await deadlight("images", "--limit", "1")
    for text in ("registry.example/tools/evil:1.0.0", "malicious", "running"):
        assert text in table.stdout
    assert table.stderr == "1 of 4; more with --limit or --all\n"
    as_yaml = await deadlight("images", "web", "--output", "yaml")
    assert yaml.safe_load(as_yaml.stdout)[0]["violation_type"] == "Digest Mismatch"
    wrong = await deadlight("images", "--risk", "boredom")
    assert (wrong.exit_code, "integrity_violation" in wrong.stderr) == (2, True)
    assert (await deadlight("images", "--json")).exit_code == 2


@pytest.mark.req("F1", "F2")
async def test_an_image_is_shown_with_its_verdict_owners_scan_and_workloads(deadlight: Deadlight, fleet: Fleet) -> None:
    images = await shop(fleet)
    bill = json.loads((await deadlight("image", "shop/web:1.0.0", "-o", "cyclonedx")).stdout)
    assert [item["name"] for item in bill["components"]] == ["Debian", "curl", "openssl"]
    shown = await deadlight("image", "shop/web:1.0.0")
    for text in (
        "registry.example/shop/web:1.0.0",
        "Digest Mismatch",
        "integrity_violation",
        "1 Critical, 1 High, 1 Low",
        "ada@example.com",
        "unknown: its workloads do not say",
        "staging/web",
        "not known: it has not been looked at yet",
    ):
        assert text in shown.stdout, text
    whole = await found(deadlight, "image", "web")
    assert whole["image"]["id"] == images["web"].image_tag_id
    assert whole["signatures"]["state"] is None
    assert {item["namespace"] for item in whole["workloads"]} == {"shop", "staging"}
    digest = whole["image"]["digest"]
    assert (await found(deadlight, "image", f"shop/web@{digest[:20]}"))["image"]["digest"] == digest
    assert (await found(deadlight, "image", "shop/gone"))["image"]["repository"] == "shop/gone"
    moved = await fleet.deploy(await fleet.add_image_tag("shop/before", digest=digest), name="before", cluster="east")
    await fleet.undeploy(moved.workload_id)
    assert (await found(deadlight, "image", f"before@{digest}"))["image"]["repository"] == "shop/before"
    several = await deadlight("image", "shop/")
    assert (several.exit_code, several.stdout) == (1, "")
    assert "3 images match 'shop/', say which one:" in several.stderr
    assert f"registry.example/shop/web@{digest}" in several.stderr
    missing = await deadlight("image", "nothing:1")
    assert missing.exit_code == 1
    assert "`deadlight scan nothing:1`" in missing.stderr


@pytest.mark.req("R17", "R26")
async def test_workloads_and_processes_are_listed(deadlight: Deadlight, fleet: Fleet) -> None:
    assert "Processes are known where sensors are installed" in (await deadlight("processes")).stderr
    await watched(fleet)
    assert [row["name"] for row in await found(deadlight, "workloads", "--order", "name")] == [
        "busy",
        "quiet",
        "unseen",
    ]
    (busy, *_) = (await deadlight("workloads", "busy")).stdout.splitlines()[1:]
    for text in ("shop/busy", "Deployment", "watched", "malicious", "running"):
        assert text in busy
    assert [row["name"] for row in await found(deadlight, "processes", "--workload", "quiet")] == ["server"]
    table = await deadlight("processes", "dropped")
    assert "/tmp/dropped (not from the image)" in table.stdout
    assert [row["name"] for row in await found(deadlight, "processes", "--severity", "High")] == ["curl"]


async def test_registries_are_listed_with_what_hinders_them(deadlight: Deadlight, fleet: Fleet) -> None:
    assert "No registry is added" in (await deadlight("registries")).stderr
    await fleet.rows("INSERT INTO registry (host, name, trusted, problem) VALUES ('r.example', '', false, '401 [x]')")
    shown = (await deadlight("registries")).stdout
    for text in ("r.example", "oci", "no", "never", "401 [x]"):
        assert text in shown
    (registry,) = await found(deadlight, "registries")
    assert "password" not in str(registry)
