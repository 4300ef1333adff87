"""The addresses the console has, read from its own list, so that none can be forgotten."""

import re
from pathlib import Path

from tests.support.demonstration import VIOLATED, Stage

from deadlight.demo import catalogue

IMAGES = "/runtime/live/images"
DETECTIONS = "/runtime/detections"
UI = Path(__file__).parents[2] / "ui" / "src"

_PATH = r'"(?P<path>[^"]+)"|`?(?:\$\{)?(?P<constant>[A-Z_]+)(?:\}(?P<rest>[^`]*)`)?'
_ROUTE = re.compile(rf"\{{ path: (?:{_PATH}), element: <(?P<element>\w+)")
_PATHS = ("clusters/clusterPath.ts", "detections/paths.ts")
"""Where the constants stand."""
_CONSTANT = re.compile(r'export const ([A-Z_]+) = "([^"]+)"')


def console_routes() -> set[str]:
    """The patterns of all routes that show a page; those that only lead elsewhere are none."""
    constants = dict(pair for name in _PATHS for pair in _CONSTANT.findall((UI / name).read_text()))
    found = _ROUTE.finditer((UI / "routes.tsx").read_text())
    shown = [item for item in found if item["element"] not in {"Navigate", "RequireSession", "Shell"}]
    return {(item["path"] or constants[item["constant"]] + (item["rest"] or "")).removeprefix("/") for item in shown}


async def addresses(stage: Stage) -> dict[str, list[str]]:
    """For each route the addresses that are looked at, as the fleet is now."""
    ids: dict[str, str] = {}
    for table in ("cluster", "registry", "worker"):
        ((ids[table],),) = await stage.service.rows(f"SELECT id FROM {table} ORDER BY name LIMIT 1")
    ((rule,),) = await stage.service.rows("SELECT id FROM owner_rule ORDER BY position LIMIT 1")
    ((signer,),) = await stage.service.rows("SELECT id FROM trusted_signer")
    (recommender,) = (await stage.service.get("/api/v1/workloads?search=recommender&limit=1"))["workloads"]
    workload = f"/runtime/live/workloads/{recommender['id']}"
    (process, *_) = await stage.service.get(f"/api/v1/workloads/{recommender['id']}/processes")
    program = f"/runtime/live/processes/{process['image_tag_id']}/{process['program_id']}"
    window = await stage.window("checkout", "integrity_violation")
    (detection, *_) = (await stage.service.get("/api/v1/detections?limit=1"))["detections"]
    violated = [await stage.path(image) for image in VIOLATED]
    tabs = ("vulnerabilities?cve=CVE-2023-50447", "packages", "history")
    return {
        "*": ["/nowhere"],
        "admin/feeds": ["/admin/feeds"],
        "admin/owners": ["/admin/owners"],
        "admin/owners/:ruleId": [f"/admin/owners/{rule}"],
        "admin/owners/new": ["/admin/owners/new"],
        "admin/registries": ["/admin/registries"],
        "admin/registries/:registryId": [f"/admin/registries/{ids['registry']}"],
        "admin/registries/new": ["/admin/registries/new"],
        "admin/signers": ["/admin/signers"],
        "admin/signers/:signerId": [f"/admin/signers/{signer}"],
        "admin/signers/new": ["/admin/signers/new"],
        "admin/workers": ["/admin/workers"],
        "admin/workers/:workerId": [f"/admin/workers/{ids['worker']}"],
        "admin/workers/alerts": ["/admin/workers/alerts"],
        "admin/workers/new": ["/admin/workers/new"],
        "runtime/clusters": ["/runtime/clusters"],
        "runtime/clusters/:clusterId": [f"/runtime/clusters/{ids['cluster']}"],
        "runtime/clusters/install": ["/runtime/clusters/install"],
        "runtime/clusters/tokens": ["/runtime/clusters/tokens"],
        "runtime/dashboard": ["/runtime/dashboard"],
        "runtime/detections/:detectionId?": [DETECTIONS, f"{DETECTIONS}/{detection['id']}"],
        "runtime/detections/blocking": [f"{DETECTIONS}/blocking"],
        "runtime/detections/exceptions": [f"{DETECTIONS}/exceptions"],
        "runtime/detections/rules": [f"{DETECTIONS}/rules"],
        "runtime/detections/rules/:ruleId": [f"{DETECTIONS}/rules/package-manager"],
        "runtime/detections/rules/new": [f"{DETECTIONS}/rules/new"],
        "runtime/exposure-windows/:windowId?": [f"/runtime/exposure-windows/{window['id']}"],
        "runtime/live/images": [IMAGES, f"{IMAGES}?search=nothing"],
        "runtime/live/images/:imageTagId/:tab?": [
            *violated,
            *[await stage.path(catalogue.THUMBNAILER, tab) for tab in tabs],
            await stage.path(catalogue.CART, "signatures"),
        ],
        "runtime/live/processes": ["/runtime/live/processes"],
        "runtime/live/processes/:imageTagId/:programId/:tab?": [program],
        "runtime/live/workloads": ["/runtime/live/workloads"],
        "runtime/live/workloads/:workloadId/:tab?": [workload],
        "sign-in": ["/sign-in"],
    }
