"""`deadlight scan` finds exposures in the pass that finds packages."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.scanning.running import Scan, found
from tests.cli.scanning.sarif import assert_sarif
from tests.support.images import debian, python
from tests.support.stored_images import layout_files, tar_of

from deadlight.demo.images import ImageSpec, Layer, build_image
from deadlight.model.image import Platform

TOKEN = "glpat-" + "x7Kq2mZp9wRt4vBn8sLd"  # nothing that could be anybody's, in GitLab's form
SETTINGS = {
    "app/deploy.sh": f"#!/bin/sh\n\ncurl -H 'PRIVATE-TOKEN: {TOKEN}' https://gitlab.example.com\n".encode(),
    "etc/nginx/conf.d/site.conf": b"server {\n  listen 443 ssl;\n  ssl_protocols TLSv1 TLSv1.2;\n}\n",
    "app/main.py": b"import yaml\nyaml.load(open('x'))\n",
}
MANIFEST = {"app/deploy.yaml": b"apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n"}
RULES = """
[[rules]]
id = "acme"
description = "Key of ACME"
regex = '''acme-[0-9a-f]{16}'''
keywords = ["acme-"]
[[rules]]
id = "near"
regex = '''near-[0-9a-f]{16}'''
[[rules.required]]
id = "acme"
"""


def saved(folder: Path, *layers: Layer, env: dict[str, str] | None = None) -> str:
    built = build_image(
        ImageSpec([debian({"bash": "5.2-1"}), *layers], platform=Platform("linux", "amd64"), env=env or {}, user="app")
    )
    path = folder / "web.tar"
    path.write_bytes(tar_of(layout_files([built])))
    return str(path)


@pytest.fixture
def archive(tmp_path: Path) -> str:
    return saved(tmp_path, python("pyyaml", "5.3"), SETTINGS, env={"DB_PASSWORD": "kV3-" + "t8Qz_m2Xw9Lr"})


@pytest.fixture
def advisories(tmp_path: Path) -> str:
    """A collection that knows of one vulnerability, which the code calls."""
    affected = {"package": {"ecosystem": "PyPI", "name": "pyyaml"}, "versions": ["5.3"]}
    record = {"id": "CVE-2020-14343", "modified": "2026-01-01T00:00:00Z", "affected": [affected]}
    path = tmp_path / "all.jsonl"
    path.write_text(json.dumps(record))
    return str(path)


def places(report: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(item["category"], item["path"], item["location"]) for item in report["exposures"]}


async def test_secrets_and_insecure_settings_are_listed_without_any_secret(alone: Scan, archive: str) -> None:
    result = await alone(archive, "-o", "json")
    report = json.loads(result.stdout)
    assert places(report) >= {
        ("secrets", "/app/deploy.sh", "line 3"),
        ("secrets", "", "ENV DB_PASSWORD"),
        ("services", "/etc/nginx/conf.d/site.conf", "line 3"),
        ("applications", "/app/main.py", "line 2"),
    }
    ranks = ["Critical", "High", "Medium", "Low", "Unknown"]
    order = [ranks.index(item["severity"]) for item in report["exposures"]]
    assert order == sorted(order)
    assert report["exposure_scanners"] == {
        name: {"status": "DONE", "reason": ""} for name in ("applications", "iac", "secrets", "services")
    }
    assert "fingerprint" not in report["exposures"][0]
    shown = await alone(archive)
    sarif = await alone(archive, "-o", "sarif")
    for output in (result, shown, sarif):
        assert (TOKEN in output.output, "t8Qz_m2Xw9Lr" in output.output) == (False, False)
    assert "/app/deploy.sh, line 3" in shown.stdout


async def test_sarif_points_at_the_line(alone: Scan, archive: str) -> None:
    log = json.loads((await alone(archive, "-o", "sarif")).stdout)
    assert_sarif(log)
    (run,) = log["runs"]
    at = {
        place["physicalLocation"]["artifactLocation"]["uri"]: place["physicalLocation"]["region"]["startLine"]
        for result in run["results"]
        for place in result["locations"]
    }
    assert (at["app/deploy.sh"], at["etc/nginx/conf.d/site.conf"]) == (3, 3)
    kinds = {rule["id"]: rule["name"] for rule in run["tool"]["driver"]["rules"]}
    assert set(kinds.values()) == {"ExposedSecret", "InsecureService", "InsecureApplication"}
    prints = [result["partialFingerprints"]["deadlightFinding/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)


async def test_only_what_is_named_is_looked_for(alone: Scan, archive: str, advisories: str) -> None:
    secrets = await found(alone, archive, "--scanners", "secrets")
    assert {item["category"] for item in secrets["exposures"]} == {"secrets"}
    assert (list(secrets["exposure_scanners"]), secrets["vulnerabilities"]) == (["secrets"], None)
    packages = await found(alone, archive, "--scanners", "sca", "--advisories", advisories)
    assert (packages["exposures"], packages["exposure_scanners"]) == (None, {})
    assert [item["applicability"] for item in packages["vulnerabilities"]] == ["not_scanned"]
    judged = await found(alone, archive, "--scanners", "sca,contextual_analysis", "--advisories", advisories)
    assert [item["applicability"] for item in judged["vulnerabilities"]] == ["applicable"]


@pytest.mark.parametrize(("threshold", "code"), [("low", 3), ("critical", 0)])
async def test_exposures_count_for_what_shall_fail(alone: Scan, tmp_path: Path, threshold: str, code: int) -> None:
    archive = saved(tmp_path, {"app/main.py": SETTINGS["app/main.py"]})
    assert (await alone(archive, "--scanners", "applications", "--fail-on", threshold)).exit_code == code


async def test_rules_of_ones_own_find_what_they_say(alone: Scan, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES)
    archive = saved(tmp_path, {"app/settings": b"key acme-7c1e94b0d25fa863\n"})
    assert (await found(alone, archive))["exposures"] == []
    report = await found(alone, archive, "--secret-rules", str(rules))
    assert places(report) == {("secrets", "/app/settings", "line 1")}
    assert "near: is left out: rules that need other rules near" in report["problems"][0]
    rules.write_text("[[rules]]\nid = 'acme'\nregex = '('\n")
    refused = await alone(archive, "--secret-rules", str(rules))
    assert (refused.exit_code, "acme" in refused.stderr) == (1, True)


@pytest.mark.parametrize("program", ["absent", "broken"])
async def test_a_scanner_without_a_result_is_told_and_never_looks_clean(
    alone: Scan, tmp_path: Path, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if program == "broken":
        checkov = tmp_path / "checkov"
        checkov.write_text("#!/bin/sh\necho no rules >&2\nexit 7\n")
        checkov.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    archive = saved(tmp_path, MANIFEST)
    status, code, words = {
        "absent": ("NOT_SUPPORTED", 0, "IaC not supported: infrastructure as code is judged by checkov"),
        "broken": ("FAILED", 1, "IaC failed: iac: checkov ended with 7: no rules"),
    }[program]
    result = await alone(archive, "--scanners", "iac", "-o", "json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["exposures"]) == (code, None)
    assert report["exposure_scanners"]["iac"]["status"] == status
    assert words in report["problems"][0]
    assert "No exposures" not in (await alone(archive, "--scanners", "iac")).stderr
    log = json.loads((await alone(archive, "--scanners", "iac", "-o", "sarif")).stdout)
    assert log["runs"][0]["invocations"][0]["executionSuccessful"] is (code == 0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--scanners", "secret"), "there is no scanner 'secret'"),
        (("--scanners", "contextual_analysis"), "name both"),
        (("--scanners", "sca", "--secret-rules", "pyproject.toml"), "leaves secrets out"),
    ],
)
async def test_wrong_usage_says_what_there_is(
    alone: Scan, archive: str, arguments: tuple[str, ...], words: str
) -> None:
    result = await alone(archive, *arguments)
    assert (result.exit_code, words in " ".join(result.stderr.replace("│", " ").split())) == (2, True)
