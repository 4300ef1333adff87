"""Registration tokens: for whom each is good, and how long."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.service import RunningService

from deadlight.server.auth.registration import (
    REGISTRATION_LIFETIME,
    WARNING_BEFORE_EXPIRY,
    Binding,
    KnownCluster,
    TokenState,
    UsedToken,
    find_refusal,
    rate_token,
)

TOKENS = "/api/v1/registration-tokens"
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
ONE, OTHER = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("left", "state"),
    [
        (REGISTRATION_LIFETIME, TokenState.VALID),
        (WARNING_BEFORE_EXPIRY + timedelta(seconds=1), TokenState.VALID),
        (WARNING_BEFORE_EXPIRY, TokenState.EXPIRING),
        (timedelta(seconds=1), TokenState.EXPIRING),
        (timedelta(0), TokenState.EXPIRED),
        (-timedelta(days=1), TokenState.EXPIRED),
    ],
)
def test_a_token_warns_three_months_before_it_ends(left: timedelta, state: TokenState) -> None:
    assert rate_token(NOW + left, None, NOW) is state
    assert rate_token(NOW + left, NOW, NOW) is TokenState.REVOKED


@st.composite
def clusters(draw: st.DrawFn) -> KnownCluster | None:
    if draw(st.booleans()):
        return None
    removed_at = draw(st.sampled_from([None, NOW - timedelta(days=1), NOW]))
    name = draw(st.sampled_from(["production", "staging"]))
    return KnownCluster(draw(st.sampled_from([ONE, OTHER])), name, removed_at, draw(st.booleans()))


BINDINGS = st.sampled_from([Binding(), Binding("production"), Binding("production", ONE), Binding("staging", OTHER)])


@pytest.mark.req("R21")
@given(BINDINGS, clusters(), st.sampled_from(["production", "staging"]))
def test_no_token_enrols_under_a_cluster_that_is_anothers(
    binding: Binding, cluster: KnownCluster | None, name: str
) -> None:
    is_refused = bool(find_refusal(UsedToken(1, NOW, binding), cluster, name))
    if cluster is None:
        assert is_refused == (bool(binding.cluster_id) or binding.cluster_name not in {"", name})
        return
    is_its_own = binding.cluster_id == cluster.id
    is_made_for_it = binding.cluster_id is None and binding.cluster_name == cluster.name == name
    if cluster.removed_at == NOW or (cluster.has_own_token and not is_its_own and not is_made_for_it):
        assert is_refused
    elif is_its_own or is_made_for_it or (binding == Binding() and not cluster.has_own_token):
        assert not is_refused


@pytest.mark.req("R21")
async def test_a_token_made_for_a_cluster_is_good_for_that_one_and_protects_it(service: RunningService) -> None:
    free = service.registration_token
    made = await service.post(TOKENS, {"name": "for production", "cluster_name": "production"}, expect=201)
    service.registration_token = made["access_token"]
    with pytest.raises(AssertionError, match="only good for a cluster that is called production"):
        await service.enrol(cluster="staging")
    controller = await service.enrol(cluster="production")
    await service.enrol("sensor", cluster="production", node="node-1")
    with pytest.raises(AssertionError, match="only good for the cluster production"):
        await service.enrol(cluster="staging")
    service.registration_token = free
    with pytest.raises(AssertionError, match="only takes registration tokens made for it"):
        await service.enrol(cluster="production")
    await service.enrol(cluster="elsewhere")
    shown = await service.get(f"{TOKENS}/{made['id']}")
    assert shown["clusters"] == [{"id": controller.cluster_id, "name": "production"}]
    assert (shown["cluster_name"], shown["created_by"], shown["state"]) == ("production", "admin", "valid")
    assert shown["last_used_at"]


async def test_tokens_are_listed_without_their_secrets_revoked_and_replaced(service: RunningService) -> None:
    made = await service.post(TOKENS, {"name": "for production", "cluster_name": "production"}, expect=201)
    service.registration_token = made["access_token"]
    enrolled = await service.enrol(cluster="production")
    successor = await service.post(f"{TOKENS}/{made['id']}/replacement", expect=201)
    tokens = await service.get(TOKENS)
    assert [(item["name"], item["state"]) for item in tokens][:2] == [
        ("for production", "valid"),
        ("for production", "revoked"),
    ]
    assert "dlr_" not in str(tokens)
    lifetime = datetime.fromisoformat(tokens[0]["expires_at"]) - datetime.fromisoformat(tokens[0]["created_at"])
    assert abs(lifetime - REGISTRATION_LIFETIME) < timedelta(minutes=1)
    assert (await enrolled.post("/agent/v1/inventory", b"{}"))[0] == 400  # still believed: it has a key of its own
    (problem,) = [
        item for item in (await service.get("/api/v1/clusters"))["clusters"][0]["problems"] if "token" in item["kind"]
    ]
    assert problem["kind"] == "token_revoked"
    token = (await service.get("/api/v1/clusters"))["clusters"][0]["token"]
    assert (token["name"], token["state"]) == ("for production", "revoked")
    service.registration_token = successor["access_token"]
    assert (await service.enrol(cluster="production")).cluster_id == enrolled.cluster_id
    await service.request("DELETE", f"{TOKENS}/{tokens[0]['id']}", expect=204)
    await service.request("DELETE", f"{TOKENS}/{tokens[0]['id']}", expect=404)
    await service.post(f"{TOKENS}/{tokens[0]['id']}/replacement", expect=404)
    with pytest.raises(AssertionError, match="revoked"):
        await service.enrol(cluster="production")
    for wrong in ({"name": ""}, {"name": "x", "cluster_name": "a b"}, {"name": "x", "cluster_name": "$(id)"}):
        await service.post(TOKENS, wrong, expect=400)
