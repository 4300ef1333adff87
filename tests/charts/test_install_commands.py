"""The commands that people are given to install agents are ones that the chart takes as they are."""

import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml
from tests.charts.conftest import Validate

from deadlight.server.clusters.health import InstallationType
from deadlight.server.clusters.install import CHART, RELEASE, Plan, Provider, find_reach_problem, list_steps
from deadlight.server.errors import BadRequestError

ROOT = Path(__file__).parents[2]
FULL, ALONE = InstallationType.CONTROLLER_AND_SENSORS, InstallationType.CONTROLLER_ONLY
SUBSTITUTION = "$(kubectl get namespace kube-system -o jsonpath='{.metadata.uid}')"


def plan(installation: InstallationType, provider: Provider = Provider.KUBERNETES, **more: str) -> Plan:
    values = {"cluster_name": "gke_shop_europe-west1", "namespace": "watch"} | more
    return Plan(provider, installation, server_url="https://deadlight.example.com:8480", **values)


def helm(made: Plan) -> list[str]:
    """The words of the helm command, as a shell would split them, with the cluster asked for its UID."""
    command = list_steps(made, "dlr_secret")[-1].command
    assert SUBSTITUTION in command
    return shlex.split(command.replace(SUBSTITUTION, "0b9c-uid"))


def values(words: list[str]) -> dict[str, Any]:
    """What helm makes of `--set` and `--set-string`."""
    made: dict[str, Any] = {}
    for option, word in pairwise(words):
        if option in {"--set", "--set-string"}:
            name, _, text = word.partition("=")
            *parents, last = name.split(".")
            place = made
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = yaml.safe_load(text) if option == "--set" else text
    return made


def render(made: Plan) -> list[dict[str, Any]]:
    """Everything the chart makes of the command."""
    words = helm(made)
    release, chart, namespace = words[3], words[4], words[words.index("--namespace") + 1]
    assert (words[:3], release, chart) == (["helm", "upgrade", "--install"], RELEASE, CHART)
    files = helm_python.Chart.load(str(ROOT / chart)).render(values(words), name=release, namespace=namespace)
    texts = [text for name, text in files.items() if name.endswith(".yaml")]
    return [item for text in texts for item in yaml.safe_load_all(text) if item]


@pytest.mark.req("M1")
@pytest.mark.parametrize("installation", [FULL, ALONE])
@pytest.mark.parametrize("name", ["production", "1234", "true", "arn:aws:eks:eu-west-1:1:cluster/shop", "a.b_c@d"])
def test_the_chart_takes_the_values_of_the_command_whatever_the_cluster_is_called(
    installation: InstallationType, name: str, validate: Validate
) -> None:
    objects = render(plan(installation, cluster_name=name))
    for item in objects:
        validate(item)
    (deployment,) = [item for item in objects if item["kind"] == "Deployment"]
    arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert {"--server=https://deadlight.example.com:8480", f"--cluster-name={name}"} <= set(arguments)
    (secret,) = [item for item in objects if item["kind"] == "Secret"]
    assert secret["stringData"]["token"] == "dlr_secret"
    assert len([item for item in objects if item["kind"] == "DaemonSet"]) == (installation is FULL)


@pytest.mark.req("D15")
def test_sensors_come_to_a_cluster_with_a_controller_by_the_same_command_and_change_nothing_else() -> None:
    before, after = render(plan(ALONE)), render(plan(FULL))
    assert [item for item in before if item not in after] == []
    added = [item for item in after if item not in before]
    assert [item["kind"] for item in added] == ["ServiceAccount", "DaemonSet"]


def test_the_namespace_may_be_there_already_and_lets_privileged_sensors_in() -> None:
    full, alone = (list_steps(plan(installation), "t")[0].command for installation in (FULL, ALONE))
    assert "create namespace watch --dry-run=client" in full
    assert "pod-security.kubernetes.io/enforce=privileged" in full
    assert "pod-security" not in alone


@pytest.mark.req("M1")
def test_on_openshift_the_sensors_own_account_is_allowed_its_privileges() -> None:
    made = plan(FULL, Provider.OPENSHIFT)
    words = shlex.split(list_steps(made, "t")[1].command)
    assert words[:5] == ["oc", "adm", "policy", "add-scc-to-user", "privileged"]
    (daemon_set,) = [item for item in render(made) if item["kind"] == "DaemonSet"]
    account = daemon_set["spec"]["template"]["spec"]["serviceAccountName"]
    assert words[5] == f"system:serviceaccount:watch:{account}"
    assert len(list_steps(plan(ALONE, Provider.OPENSHIFT), "t")) == 2


def test_what_this_version_cannot_install_is_refused() -> None:
    with pytest.raises(BadRequestError, match="ECS: Fargate is not available in this version"):
        list_steps(plan(FULL, Provider.ECS_FARGATE), "t")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://deadlight.example.com", ""),
        ("http://127.0.0.1:8480", "only reached from this machine"),
        ("https://[::1]", "only reached from this machine"),
        ("http://localhost", "only reached from this machine"),
        ("http://deadlight.example.com", "plain http"),
    ],
)
def test_an_address_that_no_cluster_reaches_is_told(url: str, problem: str) -> None:
    found = find_reach_problem(url)
    assert problem in found
    assert bool(found) == bool(problem)
