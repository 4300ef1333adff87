"""The agents' chart renders to what a real cluster accepts, in both modes."""

from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml

CHART = Path(__file__).parents[2] / "charts" / "deadlight-agent"

BASE: dict[str, Any] = {
    "server": {"url": "https://deadlight.example.com"},
    "registrationToken": "dlr_secret",
    "clusterName": "production",
    "clusterUID": "0b9c-uid",
}


def render(**more: Any) -> list[dict[str, Any]]:
    files = helm_python.Chart.load(str(CHART)).render({**BASE, **more}, name="agent", namespace="deadlight")
    texts = [text for name, text in files.items() if name.endswith(".yaml")]
    return [item for text in texts for item in yaml.safe_load_all(text) if item]


def one(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [item for item in objects if item["kind"] == kind]
    return found


@pytest.mark.parametrize("sensors", [False, True])
def test_every_object_is_valid_kubernetes(sensors: bool) -> None:
    for item in render(sensors={"enabled": sensors}):
        kubernetes_validate.validate(item, "1.33", strict=True)


@pytest.mark.req("R22", "R32", "R29")
def test_runtime_impact_is_a_controller_and_a_privileged_sensor_on_every_node() -> None:
    objects = render(sensors={"enabled": True})
    assert one(objects, "Deployment")["spec"]["replicas"] == 1
    pod = one(objects, "DaemonSet")["spec"]["template"]["spec"]
    assert pod["hostPID"] is True
    assert pod["containers"][0]["securityContext"]["privileged"] is True
    assert {"operator": "Exists"} in pod["tolerations"]


@pytest.mark.req("R22", "R23")
def test_runtime_integrity_is_a_controller_that_only_reads() -> None:
    objects = render()
    assert not [item for item in objects if item["kind"] == "DaemonSet"]
    rules = one(objects, "ClusterRole")["rules"]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list", "watch"}
    assert not {"secrets", "configmaps"} & {resource for rule in rules for resource in rule["resources"]}
    container = one(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_without_privileges_the_sensor_gets_only_the_capabilities_it_needs() -> None:
    pod = one(render(sensors={"enabled": True, "privileged": False}), "DaemonSet")["spec"]["template"]["spec"]
    context = pod["containers"][0]["securityContext"]
    assert "privileged" not in context
    assert context["capabilities"]["drop"] == ["ALL"]


def test_a_labelled_node_is_left_out() -> None:
    pod = one(render(sensors={"enabled": True}), "DaemonSet")["spec"]["template"]["spec"]
    (term,) = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert {"key": "disable_jfrog_runtime", "operator": "NotIn", "values": ["true"]} in term["matchExpressions"]


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"clusterName": ""}, "clusterName"),
        ({"server": {"url": "deadlight.example.com"}}, "url"),
        ({"registrationToken": ""}, "deadlight connect"),
        ({"sensors": {"enabled": "yes"}}, "enabled"),
        ({"clusterUID": "", "sensors": {"enabled": True}}, "clusterUID"),
        ({"sensorz": {}}, "sensorz"),
    ],
)
def test_a_wrong_value_is_named(more: dict[str, Any], text: str) -> None:
    with pytest.raises(Exception, match=text):
        render(**more)


def test_the_token_is_only_in_the_secret() -> None:
    for item in render(sensors={"enabled": True}):
        if item["kind"] != "Secret":
            assert "dlr_secret" not in yaml.safe_dump(item)
