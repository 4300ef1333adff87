"""`deadlight scan` as people type it: folders, archives, registries, with and without a service."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.scanning.running import Scan, found
from tests.cli.scanning.sarif import assert_sarif
from tests.support.attestations import push_artifact
from tests.support.cyclonedx import assert_cyclonedx
from tests.support.fleet import Fleet
from tests.support.go_programs import go_program
from tests.support.images import debian, image, python
from tests.support.osv import CRITICAL, LOW, import_records, osv
from tests.support.registries import serve_registry
from tests.support.service import RunningService
from tests.support.stored_images import docker_files, layout_files, tar_of, write_folder
from typer.testing import CliRunner, Result

from deadlight.cli.main import app
from deadlight.demo.images import ImageSpec, build_image
from deadlight.model.image import Platform

APP = {"app/main.py": b"import yaml\nyaml.load(open('x'))\n"}
WEB = image(debian({"openssl": "3.0.1-1", "bash": "5.2-1"}), python("pyyaml", "5.3"), APP)
RECORDS = [
    osv("CVE-2026-0001", "openssl", fixed="3.0.2-1", severity=LOW, aliases=["GHSA-1"]),
    osv("CVE-2020-14343", "pyyaml", ecosystem="PyPI", fixed="5.4", severity=CRITICAL),
]
DIGEST = WEB.manifest.digest


@pytest.fixture
def archive(tmp_path: Path) -> str:
    path = tmp_path / "web.tar"
    path.write_bytes(tar_of(docker_files({"shop/web:1": WEB})))
    return str(path)


@pytest.fixture
def advisories(tmp_path: Path) -> str:
    path = tmp_path / "all.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in RECORDS))
    return str(path)


@pytest.mark.req("A8")
async def test_without_anything_to_match_with_there_are_packages_only_and_that_is_said(
    alone: Scan, archive: str
) -> None:
    report = await found(alone, archive)
    assert report["format"] == "deadlight-scan/1"
    assert (report["matched_by"], report["severities"], report["vulnerabilities"]) == ("", None, None)
    assert [(item["name"], item["ecosystem"]) for item in report["packages"]] == [
        ("openssl", "Debian:12"),
        ("bash", "Debian:12"),
        ("pyyaml", "PyPI"),
    ]
    assert (report["image"]["kind"], report["image"]["version"]) == ("docker-archive", "shop/web:1")
    assert (report["image"]["digest"], report["image"]["distribution"]) == (WEB.config.digest, "Debian:12")
    shown = await alone(archive)
    assert "Nobody looked for vulnerabilities." in shown.stderr
    bom = json.loads((await alone(archive, "-o", "cyclonedx")).stdout)
    assert "vulnerabilities" not in bom
    assert "vulnerabilities were not looked for" in bom["metadata"]["properties"][0]["value"]
    sarif = json.loads((await alone(archive, "-o", "sarif")).stdout)
    assert_sarif(sarif)
    notices = sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert "were not looked for" in notices[0]["message"]["text"]


@pytest.mark.req("A8", "A9")
async def test_advisories_on_this_machine_are_matched_and_judged(alone: Scan, archive: str, advisories: str) -> None:
    report = await found(alone, archive, "--advisories", advisories)
    grave, slight = report["vulnerabilities"]
    assert (grave["vulnerability"], grave["severity"], grave["package"]) == ("CVE-2020-14343", "Critical", "pyyaml")
    assert (grave["applicability"], grave["applicability_evidence"]) == ("applicable", ["/app/main.py:2 yaml.load"])
    assert (slight["vulnerability"], slight["fix_version"], slight["aliases"]) == (
        "CVE-2026-0001",
        "3.0.2-1",
        ["GHSA-1"],
    )
    assert report["severities"] == {"Critical": 1, "High": 0, "Medium": 0, "Low": 1, "Unknown": 0}
    shown = await alone(archive, "--advisories", advisories)
    assert shown.stdout.index("CVE-2020-14343") < shown.stdout.index("CVE-2026-0001")
    assert "3 packages; vulnerabilities: 1 Critical, 1 Low" in shown.stderr


@pytest.mark.req("A8", "A9")
async def test_go_programs_are_judged_by_what_was_linked_into_them(alone: Scan, tmp_path: Path) -> None:
    web = image({"usr/lib/shop.so": go_program(["example.com/html.Parse", "example.com/html.Escape"])})
    archive, advisories = tmp_path / "web.tar", tmp_path / "go.jsonl"
    archive.write_bytes(tar_of(docker_files({"shop/web:1": web})))
    records = [_go_record(1, "Parse"), _go_record(2, "Walk"), _go_record(3)]
    advisories.write_text("\n".join(json.dumps(record) for record in records))
    report = await found(alone, str(archive), "--advisories", str(advisories))
    judged = {item["vulnerability"]: item for item in report["vulnerabilities"]}
    assert {name: item["applicability"] for name, item in judged.items()} == {
        "CVE-2026-0001": "applicable",
        "CVE-2026-0002": "not_applicable",
        "CVE-2026-0003": "undetermined",
    }
    assert judged["CVE-2026-0001"]["applicability_evidence"] == ["/usr/lib/shop.so example.com/html.Parse"]


def _go_record(number: int, *symbols: str) -> dict[str, Any]:
    record = osv(f"GO-2026-{number}", "example.com/html", ecosystem="Go", aliases=[f"CVE-2026-000{number}"])
    imports = [{"path": "example.com/html", "symbols": symbols}] if symbols else []
    record["affected"][0]["ecosystem_specific"] = {"imports": imports}
    return record


async def test_every_format_is_what_its_schema_says(alone: Scan, archive: str, advisories: str) -> None:
    bom = (await alone(archive, "--advisories", advisories, "-o", "cyclonedx")).stdout
    assert_cyclonedx(bom)
    assert [item["id"] for item in json.loads(bom)["vulnerabilities"]] == ["CVE-2020-14343", "CVE-2026-0001"]
    scanners = "sca,contextual_analysis"
    sarif = json.loads((await alone(archive, "--advisories", advisories, "--scanners", scanners, "-o", "sarif")).stdout)
    assert_sarif(sarif)
    (run,) = sarif["runs"]
    assert [(item["ruleId"], item["level"]) for item in run["results"]] == [
        ("CVE-2020-14343", "error"),
        ("CVE-2026-0001", "note"),
    ]
    place = run["results"][1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert place == "var/lib/dpkg/status"
    assert (await alone(archive, "--advisories", advisories, "-o", "yaml")).stdout.startswith(
        "format: deadlight-scan/1"
    )


@pytest.mark.parametrize(("threshold", "code"), [("critical", 3), ("low", 3), ("", 0)])
async def test_what_was_asked_to_fail_ends_with_its_own_code(
    alone: Scan, archive: str, advisories: str, threshold: str, code: int
) -> None:
    more = ("--fail-on", threshold) if threshold else ()
    assert (await alone(archive, "--advisories", advisories, *more)).exit_code == code


async def test_below_the_threshold_all_is_well(alone: Scan, archive: str, tmp_path: Path) -> None:
    slight = tmp_path / "slight.jsonl"
    slight.write_text(json.dumps(RECORDS[0]))
    assert (
        await alone(archive, "--advisories", str(slight), "--scanners", "sca", "--fail-on", "medium")
    ).exit_code == 0
    report = await found(alone, archive, "--advisories", str(slight))
    assert report["problems"] == ["PyPI: there is no advisory about it, so nothing can be said of its 1 packages"]


async def test_wrong_usage_is_told_from_what_cannot_be_scanned(alone: Scan, archive: str, tmp_path: Path) -> None:
    unmatched = await alone(archive, "--fail-on", "high")
    assert (unmatched.exit_code, "--advisories" in unmatched.stderr) == (2, True)
    for target in ("./nothing.tar", str(tmp_path / "nothing"), "UPPER/case"):
        assert (await alone(target)).exit_code == 2
    assert (await alone(archive, "--platform", "amd64")).exit_code == 2
    (tmp_path / "kev.json").write_text('{"catalogVersion": "1"}')
    nothing = await alone(archive, "--advisories", str(tmp_path / "kev.json"), "--fail-on", "low")
    assert (nothing.exit_code, "holds no advisory" in nothing.stderr) == (1, True)
    empty = await alone(str(write_folder(tmp_path / "empty", {"a": b""})))
    assert (empty.exit_code, "holds no image" in empty.stderr) == (1, True)


@pytest.mark.parametrize("form", ["folder", "tar"])
async def test_a_layout_gives_the_platform_that_is_asked_for(alone: Scan, tmp_path: Path, form: str) -> None:
    images = [
        build_image(ImageSpec([debian({name: "1-1"})], platform=Platform("linux", name))) for name in ("arm64", "s390x")
    ]
    files = layout_files(images, [{**item.manifest.descriptor(), **entry(item)} for item in images])
    target = tmp_path / "layout.tar"
    if form == "folder":
        target = write_folder(tmp_path / "layout", files)
    else:
        target.write_bytes(tar_of(files))
    report = await found(alone, str(target), "--platform", "linux/arm64")
    assert [item["name"] for item in report["packages"]] == ["arm64"]
    assert (report["image"]["kind"], report["image"]["digest"]) == ("oci-layout", images[0].manifest.digest)
    absent = await alone(str(target), "--platform", "linux/ppc64le")
    assert absent.exit_code == 1
    assert "but not for linux/ppc64le, only for linux/arm64, linux/s390x" in absent.stderr.replace("\n", "")


def entry(built: Any) -> dict[str, Any]:
    return {"platform": {key: json.loads(built.config.content)[key] for key in ("os", "architecture")}}


async def test_an_image_in_a_registry_is_pulled_and_its_sbom_is_merged(alone: Scan, advisories: str) -> None:
    async with serve_registry() as registry:
        await registry.push(WEB)
        components = [
            {"name": "flask", "purl": "pkg:pypi/flask@3.0.0"},
            {"name": "pyyaml", "purl": "pkg:pypi/pyyaml@5.3"},
        ]
        bom = json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": components}).encode()
        tag = f"{DIGEST.replace(':', '-')}.sbom"
        await push_artifact(registry.http, registry.url, "shop/web", tag, [("application/vnd.cyclonedx+json", bom, {})])
        reference = f"{registry.host}/shop/web:1.0.0"
        report = await found(alone, reference, "--platform", "linux/amd64")
        layers = [path for _, path in registry.asked if path.endswith(WEB.layers[0].digest)]
        missing = await alone(f"{registry.host}/shop/none:1", "--local")
    assert (report["image"]["kind"], report["image"]["name"]) == ("registry", f"{registry.host}/shop/web")
    assert report["image"]["digest"] == DIGEST
    assert len(layers) == 1
    by_name = {item["name"]: item for item in report["packages"]}
    assert (by_name["flask"]["only_stated"], by_name["pyyaml"]["only_stated"]) == (True, False)
    assert [place.startswith("sbom:sha256:") for place in by_name["pyyaml"]["locations"]] == [False, True]
    assert (missing.exit_code, "does not have" in missing.stderr) == (1, True)


async def test_a_registry_that_wants_a_password_says_where_to_give_it(alone: Scan) -> None:
    from tests.support.registry_stages import generic_stage  # noqa: PLC0415 - only here

    async with generic_stage() as stage:
        await stage.push(WEB)
        refused = await alone(str(stage.name()), "--platform", "linux/amd64")
    assert refused.exit_code == 1
    assert f"sign in with `docker login {stage.served.host}`" in refused.stderr.replace("\n", "")


async def test_a_service_matches_what_is_read_here(service: RunningService, archive: str) -> None:
    await import_records(service.services.engine, *RECORDS)
    environment = {"DEADLIGHT_URL": service.url, "DEADLIGHT_TOKEN": service.api_token, "COLUMNS": "200"}

    async def scan(*arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner(env=environment).invoke, app, ("scan", *arguments))

    report = await found(scan, archive)
    assert [item["vulnerability"] for item in report["vulnerabilities"]] == ["CVE-2020-14343", "CVE-2026-0001"]
    assert report["matched_by"] == service.url
    assert [item["known_exploited"] for item in report["vulnerabilities"]] == [False, False]
    assert (await scan(archive, "--fail-on", "critical")).exit_code == 3
    assert await Fleet(service.services.engine).rows("SELECT * FROM package") == []


async def test_no_name_in_an_image_commands_the_terminal(alone: Scan, tmp_path: Path) -> None:
    folder = "a\x1b]0;b\x07[red]/x-1.dist-info"
    built = image({f"{folder}/METADATA": b"Metadata-Version: 2.1\nName: x\nVersion: 1\n"})
    (tmp_path / "web.tar").write_bytes(tar_of(layout_files([built])))
    shown = await alone(str(tmp_path / "web.tar"))
    assert "a\\u001b]0;b\\u0007[red]/x-1.dist-info/METADATA" in shown.stdout


WITHOUT_EXTRAS = """
import sys
for name in ("ahocorasick", "cvss", "isal", "packageurl", "packaging", "re2", "zstandard"):
    sys.modules[name] = None
from deadlight.cli.main import app
app()
"""


def test_without_the_libraries_that_reading_needs_all_else_works(tmp_path: Path) -> None:
    (tmp_path / "web.tar").write_bytes(b"")
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "COLUMNS": "200"}
    command = [sys.executable, "-c", WITHOUT_EXTRAS, "scan", "./web.tar"]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode, 'pip install "deadlight[scan]"' in result.stderr) == (1, True), result.stderr
