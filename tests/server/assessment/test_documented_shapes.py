"""Answers have the shape of the documents' examples: every documented field, of its type, and what we add is listed.

The examples in `documented/` are written from the public documentation of the Runtime API.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.fleet import Fleet
from tests.support.service import RunningService
from tests.support.watched import watched

DOCUMENTED = Path(__file__).parent / "documented"

OURS = {
    "vulnerabilities[].fix_version",
    "total_count",
    "pagination",
    "demonstration",
    "sensor_problems",
}
"""What answers have beyond the documents, by the end of its path."""


def example(name: str) -> Any:
    """A documented answer."""
    return json.loads((DOCUMENTED / f"{name}.json").read_text())


def differences(documented: Any, answer: Any, path: str = "") -> Iterator[str]:
    """Where an answer has another shape than the documented one."""
    if documented is None or answer is None:
        return
    if type(documented) is not type(answer) and not {type(documented), type(answer)} <= {int, float}:
        yield f"{path}: {type(answer).__name__} instead of {type(documented).__name__}"
    elif isinstance(documented, dict):
        yield from (f"{path}.{name}: missing" for name in documented.keys() - answer.keys())
        more = (f"{path}.{name}" for name in answer.keys() - documented.keys())
        yield from (f"{name}: not documented" for name in more if not name.endswith(tuple(OURS)))
        for name in documented.keys() & answer.keys():
            yield from differences(documented[name], answer[name], f"{path}.{name}")
    elif isinstance(documented, list):
        assert answer or not isinstance(documented[0], dict), f"{path}: nothing to compare"
        for item in answer:
            yield from differences(documented[0], item, f"{path}[]")


async def answers(service: RunningService) -> dict[str, Any]:
    """Of every endpoint of the Runtime API."""
    busy = {"filters": {"workloads": [{"name": "busy"}]}}
    workloads = await service.post("/runtime/api/v1/workloads", busy)
    workloads["workloads"][0]["processes"] = [_whole(workloads["workloads"][0]["processes"])]
    clusters = await service.post("/runtime/api/v1/clusters", {})
    cluster = await service.get(f"/runtime/api/v1/cluster/{clusters['clusters'][0]['id']}")
    return {
        "image_tags": await service.post("/runtime/api/v1/images/tags", {"limit": "10"}),
        "workloads": workloads,
        "clusters": clusters,
        "cluster": {**cluster, "cluster": {name: cluster["cluster"][name] for name in ("id", "name")}},
        "live_images": await service.get(
            "/runtime/api/v1/live/images?num_of_rows=100&statistics=true&timePeriod=now&filters=&page_num=1"
        ),
    }


def _whole(processes: list[dict[str, Any]]) -> dict[str, Any]:
    """One process with what several have."""
    merged = dict(processes[0])
    for name in ("risks", "vulnerabilities", "malicious_packages"):
        merged[name] = [item for process in processes for item in process[name]]
    return merged


@pytest.mark.req("R16")
async def test_answers_have_the_documented_shapes(service: RunningService, fleet: Fleet) -> None:
    await watched(fleet)
    for cluster in ("watched", "blind"):
        await fleet.add_node(f"node-of-{cluster}", cluster=cluster)
    for name, answer in (await answers(service)).items():
        assert list(differences(example(name), answer)) == [], name


async def test_the_running_images_of_mcp_tools_are_counted_narrowed_and_paged(
    service: RunningService, fleet: Fleet
) -> None:
    await watched(fleet)
    plain = await fleet.add_image(repository="shop/plain")
    await fleet.deploy(plain.image_tag_id, name="plain", cluster="watched")
    path = "/runtime/api/v1/live/images"
    whole = await service.get(path)
    assert [image["name"] for image in whole["images"]] == ["web", "plain"]
    assert whole["totalCount"] == 2
    web = whole["images"][0]
    assert (web["riskiestTagVulns"]["total"], web["workloadsCount"], web["clustersCount"]) == (3, 3, 2)
    assert [item["imageTag"] for item in web["vulnerabilitiesPerVersion"]] == ["1.0.0"]
    assert {item["key"]: item["value"] for item in whole["statistics"]}["malicious"] == 1
    second = await service.get(f"{path}?num_of_rows=1&page_num=2&statistics=false")
    assert ([image["name"] for image in second["images"]], second["statistics"]) == (["plain"], [])
    assert (await service.get(f"{path}?page_num=9"))["images"] == []
    narrowed = await service.get(f'{path}?filters={{"risk":["malicious"]}}')
    assert narrowed["totalCount"] == 1
    for wrong in ("filters=risk", 'filters={"risk":["x"]}', "filters=[]", "filters=7", "timePeriod=ages", "page_num=0"):
        await service.request("GET", f"{path}?{wrong}", expect=400)
    refusal = await service.request("GET", f"{path}?num_of_rows=101", expect=400)
    assert refusal["message"] == "num_of_rows should be between 1 and 100"
