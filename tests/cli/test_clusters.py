"""Commands of Cluster Management against a running service."""

import pytest
from tests.cli.conftest import Deadlight, found
from tests.server.clusters.made import listed, three_clusters
from tests.support.fleet import Fleet
from tests.support.service import RunningService, service_settings

from deadlight.server.settings import Settings


@pytest.fixture
def settings(database_url: str) -> Settings:
    """With the address that agents are to use."""
    return service_settings(database_url, public_url="https://deadlight.example.com")


@pytest.fixture(autouse=True)
async def clusters(fleet: Fleet) -> None:
    """Three of them."""
    await three_clusters(fleet)


async def test_clusters_are_listed_with_what_is_wrong_and_shown_one_by_one(deadlight: Deadlight) -> None:
    result = await deadlight("clusters")
    (east,) = [line for line in result.stdout.splitlines() if line.startswith("east")]
    for text in ("failed", "running", "1/5", "AWS", "eu-west-1", "sca, contextual_analysis"):
        assert text in east
    assert "1 of 4 sensors run; the environment needs attention" in result.stderr
    assert "SCA 3/3" in result.stderr
    assert "east: 1 sensor is silent: b." in result.stderr
    names = [item["name"] for item in await found(deadlight, "clusters")]
    assert names == ["east", "quiet", "west"]
    one = await deadlight("cluster", "east")
    assert "installation failed" in one.stdout
    assert "1 node has no sensor: c." in one.stderr
    unknown = await deadlight("cluster", "nowhere")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert "no cluster is called nowhere" in unknown.stderr


async def test_a_cluster_whose_name_another_has_too_is_shown_by_its_id(
    deadlight: Deadlight, service: RunningService, fleet: Fleet
) -> None:
    await fleet.rows("INSERT INTO cluster (uid, name) VALUES ('another', 'east')")
    several = await deadlight("cluster", "east")
    assert (several.exit_code, several.stdout) == (1, "")
    ids = [item["id"] for item in (await service.get("/api/v1/clusters"))["clusters"] if item["name"] == "east"]
    assert f"2 clusters are called east, say which by its id: {', '.join(sorted(ids))}" in several.stderr
    assert (await found(deadlight, "cluster", ids[0]))["cluster"]["id"] == ids[0]


@pytest.mark.req("A24")
async def test_clusters_are_configured_together_or_not_at_all(deadlight: Deadlight, service: RunningService) -> None:
    chosen = ("--scanner", "sca", "--scanner", "exposures", "--retention-days", "30")
    refused = await deadlight("clusters", "configure", "east", "nowhere", *chosen)
    assert refused.exit_code == 1
    result = await deadlight("clusters", "configure", "east", "west", *chosen)
    assert result.stdout == "configured 2 clusters: sca, exposures\n"
    assert (await deadlight("clusters", "configure", "quiet", "--scanner", "none")).exit_code == 0
    configured = {name: row["configuration"] for name, row in (await listed(service)).items()}
    assert {name: (item["scanners"], item["retention_days"]) for name, item in configured.items()} == {
        "east": (["sca", "secrets", "applications", "services", "iac"], 30),
        "quiet": ([], 90),
        "west": (["sca", "secrets", "applications", "services", "iac"], 30),
    }


async def test_tokens_are_made_listed_replaced_and_revoked(deadlight: Deadlight, service: RunningService) -> None:
    token = (await deadlight("tokens", "create", "rollout", "--cluster", "north")).stdout.strip()
    service.registration_token = token
    await service.enrol(cluster="north")
    newest = (await found(deadlight, "tokens", "list"))[0]
    assert (newest["name"], newest["clusters"][0]["name"]) == ("rollout", "north")
    successor = (await deadlight("tokens", "revoke", str(newest["id"]), "--replace")).stdout.strip()
    assert successor.startswith("dlr_")
    assert successor != token
    assert "go on" in (await deadlight("tokens", "revoke", str(newest["id"] + 1))).stdout
    shown = (await deadlight("tokens", "list")).stdout
    assert shown.count("revoked") == 2
    assert token not in shown
    assert (await deadlight("tokens", "revoke", "999999")).exit_code == 1


@pytest.mark.req("M1")
async def test_connect_prints_the_same_commands_as_the_wizard(deadlight: Deadlight, service: RunningService) -> None:
    plan = await found(deadlight, "connect", "--name", "north", "--provider", "openshift")
    printed = (await deadlight("connect", "--name", "north", "--provider", "openshift")).stdout
    fresh = next(word for word in printed.split() if word.startswith("registrationToken=")).partition("=")[2]
    for step in (plan["from_this_machine"], *plan["steps"]):
        assert step["command"].replace(plan["registration_token"], fresh) in printed
    assert plan["server"] == "https://deadlight.example.com"
    tokens = await service.get("/api/v1/registration-tokens")
    assert [item["cluster_name"] for item in tokens][:2] == ["north", "north"]
    refused = await deadlight("connect", "--provider", "ecs_fargate")
    assert "ECS: Fargate is not available in this version" in refused.stderr
