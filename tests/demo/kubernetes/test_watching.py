"""What a watch tells, where only the event loop's order of things decides."""

import asyncio
import json
from typing import Any

import pytest

from deadlight.demo.kubernetes.resources import PODS
from deadlight.demo.kubernetes.store import Cluster
from deadlight.demo.kubernetes.watching import parse_watch, watch


def pod(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"}}


@pytest.mark.parametrize("turns", range(6))
async def test_a_change_at_the_moment_of_a_bookmark_is_told(turns: int) -> None:
    cluster = Cluster("east", bookmark_seconds=0)
    query = {"resourceVersion": str(cluster.version), "allowWatchBookmarks": "true"}
    lines = watch(cluster, parse_watch(cluster, PODS, "", query))
    first = asyncio.ensure_future(anext(lines))
    for _ in range(turns):
        await asyncio.sleep(0)
    made = cluster.apply(pod("web"))

    told = [json.loads(await first)]
    while told[-1]["type"] != "ADDED":
        assert int(told[-1]["object"]["metadata"]["resourceVersion"]) < int(made["metadata"]["resourceVersion"])
        told.append(json.loads(await anext(lines)))
    await lines.aclose()  # type: ignore[attr-defined]
