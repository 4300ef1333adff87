"""Who may do what: one table over every endpoint there is."""

import re
from enum import StrEnum
from typing import NamedTuple
from uuid import uuid4

from tests.support.service import ADMIN, RunningService

from deadlight.server.app import ROUTERS, create_app
from deadlight.server.auth.principals import Role
from deadlight.server.auth.sessions import create_api_token


class Caller(StrEnum):
    """Who asks."""

    NOBODY = "nobody"
    STRANGER = "stranger"
    """With a token nobody made."""
    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
    CONTROLLER = "controller"
    SENSOR = "sensor"


PEOPLE = {Caller.VIEWER, Caller.OPERATOR, Caller.ADMIN}
AGENTS = {Caller.CONTROLLER, Caller.SENSOR}

OPEN = set(Caller)
VIEWERS = PEOPLE
OPERATORS = {Caller.OPERATOR, Caller.ADMIN}
ADMINS = {Caller.ADMIN}
SIGNED_IN: set[Caller] = set()
"""Only with a browser's session, which no token replaces."""
SIGNED: set[Caller] = set()
"""Only with the secret of a registry's webhooks."""


class Endpoint(NamedTuple):
    """A method and the template of a path."""

    method: str
    path: str


TABLE: dict[Endpoint, set[Caller]] = {
    Endpoint("GET", "/api/v1/system/liveness"): OPEN,
    Endpoint("GET", "/api/v1/system/readiness"): OPEN,
    Endpoint("POST", "/api/v1/session"): OPEN,
    Endpoint("GET", "/api/v1/session"): SIGNED_IN,
    Endpoint("DELETE", "/api/v1/session"): SIGNED_IN,
    Endpoint("PUT", "/api/v1/password"): SIGNED_IN,
    Endpoint("GET", "/api/v1/tokens"): ADMINS,
    Endpoint("POST", "/api/v1/tokens"): OPERATORS,
    Endpoint("DELETE", "/api/v1/tokens/{token_id}"): ADMINS,
    Endpoint("GET", "/api/v1/funnel"): VIEWERS,
    Endpoint("GET", "/api/v1/changes"): VIEWERS,
    Endpoint("GET", "/api/v1/images"): VIEWERS,
    Endpoint("GET", "/api/v1/images/summary"): VIEWERS,
    Endpoint("GET", "/api/v1/images/facets/{facet}"): VIEWERS,
    Endpoint("GET", "/api/v1/images/export"): VIEWERS,
    Endpoint("GET", "/api/v1/views"): VIEWERS,
    Endpoint("POST", "/api/v1/views"): VIEWERS,
    Endpoint("PUT", "/api/v1/views/{view_id}"): VIEWERS,
    Endpoint("DELETE", "/api/v1/views/{view_id}"): VIEWERS,
    Endpoint("GET", "/api/v1/workloads"): VIEWERS,
    Endpoint("GET", "/api/v1/workloads/summary"): VIEWERS,
    Endpoint("GET", "/api/v1/workloads/export"): VIEWERS,
    Endpoint("GET", "/api/v1/processes/export"): VIEWERS,
    Endpoint("GET", "/api/v1/workloads/{workload_id}"): VIEWERS,
    Endpoint("GET", "/api/v1/workloads/{workload_id}/processes"): VIEWERS,
    Endpoint("GET", "/api/v1/processes"): VIEWERS,
    Endpoint("GET", "/api/v1/processes/summary"): VIEWERS,
    Endpoint("GET", "/api/v1/processes/{image_tag_id}/{program_id}"): VIEWERS,
    Endpoint("GET", "/api/v1/processes/{image_tag_id}/{program_id}/vulnerabilities"): VIEWERS,
    Endpoint("GET", "/api/v1/processes/{image_tag_id}/{program_id}/files"): VIEWERS,
    Endpoint("GET", "/api/v1/image-tags"): VIEWERS,
    Endpoint("GET", "/api/v1/image-tags/{image_tag_id}"): VIEWERS,
    Endpoint("GET", "/api/v1/image-tags/{image_tag_id}/clusters"): VIEWERS,
    Endpoint("GET", "/api/v1/image-tags/{image_tag_id}/exposures"): VIEWERS,
    Endpoint("GET", "/api/v1/image-tags/{image_tag_id}/history"): VIEWERS,
    Endpoint("GET", "/api/v1/image-tags/{image_tag_id}/issue"): VIEWERS,
    Endpoint("GET", "/api/v1/image-tags/{image_tag_id}/owners"): VIEWERS,
    Endpoint("GET", "/api/v1/image-tags/{image_tag_id}/packages"): VIEWERS,
    Endpoint("GET", "/api/v1/image-tags/{image_tag_id}/sbom"): VIEWERS,
    Endpoint("GET", "/api/v1/image-tags/{image_tag_id}/scan-status"): VIEWERS,
    Endpoint("GET", "/api/v1/image-tags/{image_tag_id}/violation-places"): VIEWERS,
    Endpoint("GET", "/api/v1/image-tags/{image_tag_id}/vulnerabilities"): VIEWERS,
    Endpoint("GET", "/api/v1/image-tags/{image_tag_id}/vulnerabilities/{vulnerability}"): VIEWERS,
    Endpoint("GET", "/api/v1/image-tags/{image_tag_id}/workloads"): VIEWERS,
    Endpoint("GET", "/api/v1/image-tags/{image_tag_id}/attestations"): VIEWERS,
    Endpoint("GET", "/api/v1/signers"): VIEWERS,
    Endpoint("POST", "/api/v1/signers"): ADMINS,
    Endpoint("PUT", "/api/v1/signers/{signer_id}"): ADMINS,
    Endpoint("DELETE", "/api/v1/signers/{signer_id}"): ADMINS,
    Endpoint("GET", "/api/v1/advisories"): VIEWERS,
    Endpoint("GET", "/api/v1/advisories/imports"): VIEWERS,
    Endpoint("POST", "/api/v1/advisories/import"): OPERATORS,
    Endpoint("GET", "/api/v1/feeds"): VIEWERS,
    Endpoint("POST", "/api/v1/feeds/{name}/refresh"): OPERATORS,
    Endpoint("POST", "/api/v1/feeds/{name}/import"): OPERATORS,
    Endpoint("POST", "/api/v1/scans"): OPERATORS,
    Endpoint("POST", "/api/v1/match"): VIEWERS,
    Endpoint("GET", "/api/v1/registries"): VIEWERS,
    Endpoint("POST", "/api/v1/registries"): ADMINS,
    Endpoint("PUT", "/api/v1/registries/{registry_id}"): ADMINS,
    Endpoint("DELETE", "/api/v1/registries/{registry_id}"): ADMINS,
    Endpoint("POST", "/api/v1/registries/{registry_id}/test"): ADMINS,
    Endpoint("GET", "/api/v1/registries/types"): VIEWERS,
    Endpoint("POST", "/api/v1/registries/{registry_id}/webhook"): ADMINS,
    Endpoint("DELETE", "/api/v1/registries/{registry_id}/webhook"): ADMINS,
    Endpoint("POST", "/api/v1/registries/{registry_id}/notifications/{product}"): SIGNED,
    Endpoint("GET", "/api/v1/exposure-windows"): VIEWERS,
    Endpoint("GET", "/api/v1/exposure-windows/statistics"): VIEWERS,
    Endpoint("GET", "/api/v1/exposure-windows/export"): VIEWERS,
    Endpoint("GET", "/api/v1/exposure-windows/{window_id}"): VIEWERS,
    Endpoint("GET", "/api/v1/exposure-windows/{window_id}/issue"): VIEWERS,
    Endpoint("POST", "/api/v1/exposure-windows/{window_id}/acknowledge"): OPERATORS,
    Endpoint("POST", "/api/v1/exposure-windows/{window_id}/unacknowledge"): OPERATORS,
    Endpoint("POST", "/api/v1/exposure-windows/{window_id}/suppress"): OPERATORS,
    Endpoint("POST", "/api/v1/exposure-windows/{window_id}/unsuppress"): OPERATORS,
    Endpoint("GET", "/api/v1/workers"): VIEWERS,
    Endpoint("GET", "/api/v1/event-types"): VIEWERS,
    Endpoint("GET", "/api/v1/workers/{worker_id}"): VIEWERS,
    Endpoint("POST", "/api/v1/workers"): OPERATORS,
    Endpoint("PUT", "/api/v1/workers/{worker_id}"): OPERATORS,
    Endpoint("DELETE", "/api/v1/workers/{worker_id}"): OPERATORS,
    Endpoint("POST", "/api/v1/workers/{worker_id}/test"): OPERATORS,
    Endpoint("GET", "/api/v1/alerts"): VIEWERS,
    Endpoint("GET", "/api/v1/alerts/{alert_id}"): VIEWERS,
    Endpoint("POST", "/api/v1/alerts/{alert_id}/redeliver"): OPERATORS,
    Endpoint("GET", "/api/v1/owners"): VIEWERS,
    Endpoint("POST", "/api/v1/owners"): OPERATORS,
    Endpoint("PUT", "/api/v1/owners/order"): OPERATORS,
    Endpoint("POST", "/api/v1/owners/try"): VIEWERS,
    Endpoint("GET", "/api/v1/owners/document"): VIEWERS,
    Endpoint("PUT", "/api/v1/owners/document"): OPERATORS,
    Endpoint("PUT", "/api/v1/owners/{rule_id}"): OPERATORS,
    Endpoint("DELETE", "/api/v1/owners/{rule_id}"): OPERATORS,
    Endpoint("DELETE", "/api/v1/demonstration"): ADMINS,
    Endpoint("POST", "/runtime/api/v1/images/tags"): VIEWERS,
    Endpoint("POST", "/runtime/api/v1/workloads"): VIEWERS,
    Endpoint("GET", "/runtime/api/v1/live/images"): VIEWERS,
    Endpoint("POST", "/runtime/api/v1/clusters"): ADMINS,
    Endpoint("GET", "/runtime/api/v1/cluster/{cluster_id}"): ADMINS,
    Endpoint("GET", "/runtime/api/v1/clusters/{cluster_id}/"): ADMINS,
    Endpoint("POST", "/runtime/api/v1/registration_token"): ADMINS,
    Endpoint("DELETE", "/runtime/api/v1/registration_token/{token}"): ADMINS,
    Endpoint("GET", "/api/v1/registration-tokens"): ADMINS,
    Endpoint("POST", "/api/v1/registration-tokens"): ADMINS,
    Endpoint("GET", "/api/v1/registration-tokens/{token_id}"): ADMINS,
    Endpoint("DELETE", "/api/v1/registration-tokens/{token_id}"): ADMINS,
    Endpoint("POST", "/api/v1/registration-tokens/{token_id}/replacement"): ADMINS,
    Endpoint("GET", "/api/v1/clusters"): ADMINS,
    Endpoint("PUT", "/api/v1/clusters/configuration"): ADMINS,
    Endpoint("POST", "/api/v1/clusters/installation"): ADMINS,
    Endpoint("GET", "/api/v1/clusters/{cluster_id}"): ADMINS,
    Endpoint("DELETE", "/api/v1/clusters/{cluster_id}"): ADMINS,
    Endpoint("POST", "/agent/v1/enrol"): OPEN,
    Endpoint("POST", "/agent/v1/token"): OPEN,
    Endpoint("POST", "/agent/v1/heartbeat"): AGENTS,
    Endpoint("POST", "/agent/v1/inventory"): {Caller.CONTROLLER},
    Endpoint("POST", "/agent/v1/observations"): {Caller.SENSOR},
    Endpoint("POST", "/agent/v1/detections"): {Caller.SENSOR},
    Endpoint("GET", "/agent/v1/policy"): {Caller.SENSOR},
    Endpoint("GET", "/api/v1/detections"): VIEWERS,
    Endpoint("GET", "/api/v1/detections/{detection_id}"): VIEWERS,
    Endpoint("POST", "/api/v1/detections/{detection_id}/acknowledge"): OPERATORS,
    Endpoint("POST", "/api/v1/detections/{detection_id}/resolve"): OPERATORS,
    Endpoint("POST", "/api/v1/detections/{detection_id}/reopen"): OPERATORS,
    Endpoint("GET", "/api/v1/detection-exceptions"): VIEWERS,
    Endpoint("POST", "/api/v1/detection-exceptions"): OPERATORS,
    Endpoint("DELETE", "/api/v1/detection-exceptions/{exception_id}"): OPERATORS,
    Endpoint("GET", "/api/v1/threat-rules"): VIEWERS,
    Endpoint("POST", "/api/v1/threat-rules"): ADMINS,
    Endpoint("POST", "/api/v1/threat-rules/check"): VIEWERS,
    Endpoint("GET", "/api/v1/threat-rules/{rule_id}"): VIEWERS,
    Endpoint("PUT", "/api/v1/threat-rules/{rule_id}"): ADMINS,
    Endpoint("DELETE", "/api/v1/threat-rules/{rule_id}"): ADMINS,
    Endpoint("PUT", "/api/v1/threat-rules/{rule_id}/decision"): ADMINS,
    Endpoint("GET", "/api/v1/threat-changes"): VIEWERS,
    Endpoint("POST", "/api/v1/threat-rules/dry-run"): OPERATORS,
    Endpoint("GET", "/api/v1/sensor-policies"): VIEWERS,
    Endpoint("GET", "/api/v1/blocking"): VIEWERS,
    Endpoint("GET", "/api/v1/blocking/{cluster_id}"): VIEWERS,
    Endpoint("PUT", "/api/v1/blocking/{cluster_id}"): ADMINS,
}


def expected_refusal(endpoint: Endpoint, caller: Caller) -> int | None:
    """401 for whoever is not known on this side of the house, 403 for whoever may do less than this."""
    allowed = TABLE[endpoint]
    if caller in allowed:
        return None
    known = AGENTS if endpoint.path.startswith("/agent/") else PEOPLE if allowed else set()
    return 403 if caller in known else 401


def test_every_endpoint_is_in_the_table() -> None:
    described = {
        Endpoint(method.upper(), path)
        for path, operations in create_app().openapi()["paths"].items()
        for method in operations
    }
    routed = {
        Endpoint(method, route.path)  # type: ignore[attr-defined]  # every route of ours is an APIRoute
        for router in ROUTERS
        for route in router.routes
        for method in route.methods  # type: ignore[attr-defined]  # the same
    }
    assert described | routed == TABLE.keys()


async def tokens(service: RunningService) -> dict[Caller, str]:
    found = {Caller.NOBODY: "", Caller.STRANGER: "dlt_nobody-made-this-one"}
    async with service.services.engine.begin() as connection:
        for role in Role:
            found[Caller(role.value)] = await create_api_token(connection, ADMIN, role.value, role, None)
    for kind in ("controller", "sensor"):
        found[Caller(kind)] = (await service.enrol(kind, node="node-1")).token
    return found


def address(path: str) -> str:
    """A path of nothing that exists."""
    wanted = re.findall(r"{(\w+)}", path)
    return path.format(**dict.fromkeys(wanted, "999999") | {name: NOWHERE[name] for name in wanted if name in NOWHERE})


NOWHERE = {
    "alert_id": str(uuid4()),
    "cluster_id": str(uuid4()),
    "token": "dlr_unknown",
    "facet": "cluster",
    "product": "distribution",
    "vulnerability": "CVE-1",
    "program_id": str(uuid4()),
}
"""Of what is no number."""


async def test_every_endpoint_answers_whom_it_should_and_refuses_everybody_else(service: RunningService) -> None:
    bearers = await tokens(service)
    surprises = []
    for endpoint in TABLE:
        for caller, token in bearers.items():
            headers = {"authorization": f"Bearer {token}"} if token else {}
            body: dict[str, str] | None = None if endpoint.method == "GET" else {}
            url = f"{service.url}{address(endpoint.path)}"
            async with service.http.request(endpoint.method, url, json=body, headers=headers) as response:
                status = response.status
            refusal = expected_refusal(endpoint, caller)
            if status != refusal if refusal else status in {401, 403} or status >= 500:
                surprises.append(
                    f"{caller} {endpoint.method} {endpoint.path}: {status}, expected {refusal or 'a reply'}"
                )
    assert not surprises


async def test_what_is_no_token_is_nobodys(service: RunningService) -> None:
    for header in (
        "Bearer",
        "Bearer ",
        "Basic YWRtaW46YWRtaW4=",
        f"bearer{service.api_token}",
        f"Bearer {service.api_token}x",
        f"Bearer {service.api_token[:-1]}",
        f"Bearer {service.registration_token}",
        "Bearer \xff",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
    ):
        for path in ("/api/v1/funnel", "/agent/v1/heartbeat"):
            method = "GET" if path.startswith("/api") else "POST"
            headers = {"authorization": header}
            async with service.http.request(method, f"{service.url}{path}", headers=headers) as response:
                assert (response.status, (await response.json())["code"]) == (401, "unauthorized")


async def test_a_revoked_or_expired_api_token_is_nobodys(service: RunningService) -> None:
    for change in ("revoked_at = now()", "expires_at = now()"):
        async with service.services.engine.begin() as connection:
            token = await create_api_token(connection, ADMIN, change, Role.ADMIN, None)
        await service.request("GET", "/api/v1/funnel", token=token)
        listed = await service.get("/api/v1/tokens")
        if change.startswith("revoked"):
            await service.request("DELETE", f"/api/v1/tokens/{listed[0]['id']}", expect=204)
        else:
            async with service.services.engine.begin() as connection:
                await connection.exec_driver_sql(f"UPDATE api_token SET {change} WHERE name = '{change}'")
        await service.request("GET", "/api/v1/funnel", token=token, expect=401)


async def test_nobody_makes_a_token_that_may_do_more_than_they(service: RunningService) -> None:
    bearers = await tokens(service)
    for role, status in (("viewer", 201), ("operator", 201), ("admin", 403)):
        body = {"name": "more", "role": role}
        await service.post("/api/v1/tokens", body, token=bearers[Caller.OPERATOR], expect=status)
