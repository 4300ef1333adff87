"""The owners map as people change it, try it and carry it elsewhere."""

import json
from typing import Any

import yaml
from tests.support.fleet import Fleet
from tests.support.service import RunningService

OWNERS = "/api/v1/owners"
SHOP = {"namespace": "shop-*", "team": "shop", "email": "shop@example.com", "slack": "#shop"}
REST = {"team": "platform", "on_call": "https://rota.example/platform"}


async def teams(service: RunningService) -> list[str]:
    return [rule["team"] for rule in await service.get(OWNERS)]


async def add(service: RunningService, *rules: dict[str, Any]) -> list[int]:
    return [(await service.post(OWNERS, rule))["id"] for rule in rules]


async def test_rules_are_added_at_the_end_changed_in_place_moved_and_removed(service: RunningService) -> None:
    shop, rest, data = await add(service, SHOP, REST, {"team": "data"})
    assert [(rule["position"], rule["team"]) for rule in await service.get(OWNERS)] == [
        (1, "shop"),
        (2, "platform"),
        (3, "data"),
    ]
    await service.request("PUT", f"{OWNERS}/{rest}", {**REST, "team": "base"}, expect=204)
    await service.request("PUT", f"{OWNERS}/order", {"ids": [data, shop, rest]}, expect=204)
    assert await teams(service) == ["data", "shop", "base"]
    await service.request("DELETE", f"{OWNERS}/{shop}", expect=204)
    assert [(rule["position"], rule["team"]) for rule in await service.get(OWNERS)] == [(1, "data"), (2, "base")]
    for method, body in (("PUT", REST), ("DELETE", None)):
        await service.request(method, f"{OWNERS}/{shop}", body, expect=404)


async def test_an_order_that_leaves_a_rule_out_changes_nothing(service: RunningService) -> None:
    shop, rest = await add(service, SHOP, REST)
    for ids in ([rest], [rest, rest], [rest, shop, 999]):
        await service.request("PUT", f"{OWNERS}/order", {"ids": ids}, expect=409)
    assert await teams(service) == ["shop", "platform"]


async def test_trying_says_which_rule_matches_and_what_was_compared(service: RunningService) -> None:
    await add(service, SHOP, {"repository": "tools/*", "label": "tier=*", "team": "tools"}, REST)
    found = await service.post(f"{OWNERS}/try", {"namespace": "shop-eu", "image": "ghcr.io/shop/web:1"})
    assert found["owner"] == {
        "team": "shop",
        "person": "",
        "email": "shop@example.com",
        "slack": "#shop",
        "on_call": "",
        "source": "owners map, rule 1",
    }
    assert [rule["matches"] for rule in found["checked"]] == [True]
    found = await service.post(f"{OWNERS}/try", {"namespace": "lab", "image": "ghcr.io/tools/x"})
    assert [(rule["matches"], rule["reasons"]) for rule in found["checked"]] == [
        (False, ["namespace lab does not match shop-*"]),
        (False, ["repository ghcr.io/tools/x matches tools/*", "label tier (none) does not match *"]),
        (True, ["it has no patterns and matches everything"]),
    ]


async def test_trying_a_workload_takes_what_it_is_from_there(service: RunningService, fleet: Fleet) -> None:
    await add(service, {"label": "tier=1", "repository": "shop/*", "cluster": "test", "team": "shop"})
    image = await fleet.add_image_tag()
    running = await fleet.deploy(image, labels={"tier": "1"})
    quiet = await fleet.deploy(image, name="batch", annotations={"deadlight.io/owner": "ada@example.com"})
    nobody = await fleet.deploy(image, name="nobody")
    for workload_id, source in (
        (running.workload_id, "owners map, rule 1"),
        (quiet.workload_id, "workload: deadlight.io/owner"),
    ):
        assert (await service.post(f"{OWNERS}/try", {"workload_id": workload_id}))["owner"]["source"] == source
    found = await service.post(f"{OWNERS}/try", {"workload_id": nobody.workload_id})
    assert found["owner"] is None
    assert "Administration > Owners" in found["explanation"]
    await service.post(f"{OWNERS}/try", {"workload_id": 999_999}, expect=404)
    await service.post(f"{OWNERS}/try", {"image": "no image"}, expect=400)


async def test_the_map_is_carried_elsewhere_as_a_document(service: RunningService) -> None:
    await add(service, SHOP, REST)
    for form, parse in (("yaml", yaml.safe_load), ("json", json.loads)):
        content = await export(service, form)
        assert parse(content) == {"owners": [SHOP, REST]}
        await add(service, {"team": "gone"})
        assert await service.request("PUT", f"{OWNERS}/document", {"content": content}) == {"rules": 2}
        assert await teams(service) == ["shop", "platform"]


async def export(service: RunningService, form: str) -> str:
    headers = {"authorization": f"Bearer {service.api_token}"}
    async with service.http.get(f"{service.url}{OWNERS}/document?form={form}", headers=headers) as response:
        assert response.content_type == f"application/{form}"
        return await response.text()


async def test_what_is_wrong_is_refused_with_where_it_is_and_changes_nothing(service: RunningService) -> None:
    await add(service, SHOP)
    answer = await service.post(OWNERS, {"team": "x", "label": "team"}, expect=400)
    assert "key=value" in answer["message"]
    document = {"content": json.dumps({"owners": [REST, {"namespace": "x"}]})}
    answer = await service.request("PUT", f"{OWNERS}/document", document, expect=400)
    assert answer["message"].startswith("rule 2: ")
    assert await teams(service) == ["shop"]
