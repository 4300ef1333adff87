"""The agents' chart renders to what a real cluster accepts, in both modes."""

import ssl
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml
from cryptography.x509 import DNSName, SubjectAlternativeName, load_pem_x509_certificate
from tests.charts.conftest import Validate

from deadlight.controller.__main__ import admission_options, parse_options

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


@pytest.mark.parametrize("switched_on", [False, True])
def test_every_object_is_valid_kubernetes(switched_on: bool, validate: Validate) -> None:
    for item in render(sensors={"enabled": switched_on}, admission={"enabled": switched_on}):
        validate(item)


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


@pytest.mark.parametrize(
    ("label", "value"),
    [("disable_jfrog_runtime", "true"), ("deadlight.io/sensor", "disabled"), ("deadlight.io/disable-sensor", "true")],
)
def test_a_labelled_node_is_left_out(label: str, value: str) -> None:
    pod = one(render(sensors={"enabled": True}), "DaemonSet")["spec"]["template"]["spec"]
    (term,) = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert {"key": label, "operator": "NotIn", "values": [value]} in term["matchExpressions"]


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"clusterName": ""}, "clusterName"),
        ({"server": {"url": "deadlight.example.com"}}, "url"),
        ({"registrationToken": ""}, "deadlight connect"),
        ({"sensors": {"enabled": "yes"}}, "enabled"),
        ({"clusterUID": "", "sensors": {"enabled": True}}, "clusterUID"),
        ({"sensorz": {}}, "sensorz"),
        ({"admission": {"enabled": "yes"}}, "enabled"),
        ({"admission": {"enabled": True, "existingSecret": "mine"}}, "admission.token"),
        ({"admission": {"enabled": True, "token": "short"}}, "token"),
    ],
)
def test_a_wrong_value_is_named(more: dict[str, Any], text: str) -> None:
    with pytest.raises(Exception, match=text):
        render(**more)


def test_the_token_is_only_in_the_secret() -> None:
    for item in render(sensors={"enabled": True}):
        if item["kind"] != "Secret":
            assert "dlr_secret" not in yaml.safe_dump(item)


def named(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = [item for item in objects if item["kind"] == kind and item["metadata"]["name"] == name]
    return found


@pytest.mark.req("F2")
def test_the_api_server_asks_the_controller_and_never_waits_for_it() -> None:
    objects = render(admission={"enabled": True, "excludedNamespaces": ["infra"]})
    (hook,) = one(objects, "ValidatingWebhookConfiguration")["webhooks"]
    assert (hook["failurePolicy"], hook["timeoutSeconds"], hook["sideEffects"]) == ("Ignore", 2, "NoneOnDryRun")
    (excluded,) = hook["namespaceSelector"]["matchExpressions"]
    assert (excluded["operator"], excluded["values"]) == ("NotIn", ["kube-system", "infra"])
    service = one(objects, "Service")
    assert hook["clientConfig"]["service"]["name"] == service["metadata"]["name"]
    controller = one(objects, "Deployment")["spec"]
    labels = controller["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    container = controller["template"]["spec"]["containers"][0]
    assert container["ports"] == [{"name": service["spec"]["ports"][0]["targetPort"], "containerPort": 8443}]
    parsed = parse_options([argument for argument in container["args"] if argument != "controller"])
    options = admission_options(parsed)
    assert options is not None
    assert options.port == 8443
    assert one(objects, "ClusterRole") == one(render(), "ClusterRole"), "it needs no more rights"


@pytest.mark.req("F2", "R21")
def test_the_certificate_is_for_the_service_and_the_token_is_in_the_webhooks_address_only(tmp_path: Path) -> None:
    objects = render(admission={"enabled": True})
    secret = named(objects, "Secret", "agent-admission")["data"]
    (hook,) = one(objects, "ValidatingWebhookConfiguration")["webhooks"]
    assert hook["clientConfig"]["caBundle"] == secret["ca.crt"]
    token = b64decode(secret["token"]).decode()
    assert hook["clientConfig"]["service"]["path"] == f"/admission/{token}"
    authority = load_pem_x509_certificate(b64decode(secret["ca.crt"]))
    certificate = load_pem_x509_certificate(b64decode(secret["tls.crt"]))
    certificate.verify_directly_issued_by(authority)
    names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value.get_values_for_type(DNSName)
    assert names == ["agent-admission.deadlight.svc"]
    for name in ("tls.crt", "tls.key"):
        (tmp_path / name).write_bytes(b64decode(secret[name]))
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    assert token not in yaml.safe_dump([item for item in objects if item["kind"] != "ValidatingWebhookConfiguration"])


def test_a_secret_of_ones_own_gives_the_same_objects_every_time() -> None:
    own = {"enabled": True, "existingSecret": "mine", "caBundle": "PEM", "token": "a1B2c3D4e5F6g7H8"}
    objects = render(admission=own)
    assert objects == render(admission=own)
    assert [item["metadata"]["name"] for item in objects if item["kind"] == "Secret"] == ["agent-registration"]
    (hook,) = one(objects, "ValidatingWebhookConfiguration")["webhooks"]
    assert hook["clientConfig"]["caBundle"] == b64encode(b"PEM").decode()
    volumes = one(objects, "Deployment")["spec"]["template"]["spec"]["volumes"]
    assert {"name": "admission", "secret": {"secretName": "mine", "defaultMode": 0o400}} in volumes


def test_without_admission_nothing_listens() -> None:
    objects = render()
    assert not {"Service", "ValidatingWebhookConfiguration"} & {item["kind"] for item in objects}
    assert "admission" not in yaml.safe_dump(objects)
