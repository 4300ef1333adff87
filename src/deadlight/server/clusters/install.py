"""How agents are installed: THE text of it, which the console's wizard and `deadlight connect` show. Pure.

Everything stands in the commands as it is: names are held to what needs no quoting in a shell and no escape in a
chart's value. The commands can be given again, which upgrades what is there: a cluster with a controller only gets its
sensors so.
"""

import ipaddress
import shlex
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from deadlight.server.clusters.health import InstallationType
from deadlight.server.errors import BadRequestError

RELEASE = "deadlight-agent"
CHART = "charts/deadlight-agent"
DEFAULT_NAMESPACE = "deadlight"
CLUSTER_UID = "$(kubectl get namespace kube-system -o jsonpath='{.metadata.uid}')"


class Provider(StrEnum):
    """Where a cluster runs, as far as it is installed differently there."""

    KUBERNETES = "kubernetes"
    OPENSHIFT = "openshift"
    ECS_FARGATE = "ecs_fargate"

    @property
    def label(self) -> str:
        """Its name for people."""
        return _LABELS[self]

    @property
    def is_available(self) -> bool:
        """Whether this version can install there."""
        return self is not Provider.ECS_FARGATE


_LABELS = {
    Provider.KUBERNETES: "Kubernetes",
    Provider.OPENSHIFT: "OpenShift",
    Provider.ECS_FARGATE: "ECS: Fargate",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be installed where."""

    provider: Provider
    installation: InstallationType
    cluster_name: str
    namespace: str
    server_url: str
    """Where agents reach the service."""

    @property
    def has_sensors(self) -> bool:
        """Whether every node gets a sensor."""
        return self.installation is InstallationType.CONTROLLER_AND_SENSORS


@dataclass(frozen=True, slots=True)
class Step:
    """Commands to give one after the other."""

    title: str
    command: str
    note: str = ""


def list_steps(plan: Plan, token: str) -> list[Step]:
    """The steps that install the agents; raises BadRequestError where this version cannot."""
    if not plan.provider.is_available:
        raise BadRequestError(f"{plan.provider.label} is not available in this version")
    steps = [_create_namespace(plan)]
    if plan.provider is Provider.OPENSHIFT and plan.has_sensors:
        steps.append(_allow_privileges(plan))
    return [*steps, _install_chart(plan, token)]


def _create_namespace(plan: Plan) -> Step:
    commands = [
        f"kubectl create namespace {plan.namespace} --dry-run=client --output yaml | kubectl apply --filename -"
    ]
    if plan.has_sensors:
        level = "pod-security.kubernetes.io/enforce=privileged"
        commands.append(f"kubectl label namespace {plan.namespace} {level} --overwrite")
    note = "The label lets sensors load their eBPF programs where Pod Security admission is on." * plan.has_sensors
    return Step("Create the namespace", "\n".join(commands), note)


def _allow_privileges(plan: Plan) -> Step:
    account = f"system:serviceaccount:{plan.namespace}:{RELEASE}-sensor"
    note = "OpenShift runs privileged pods only for service accounts that may."
    return Step("Allow the sensors their privileges", f"oc adm policy add-scc-to-user privileged {account}", note)


def _install_chart(plan: Plan, token: str) -> Step:
    values = {
        "server.url": shlex.quote(plan.server_url),
        "clusterName": plan.cluster_name,
        "registrationToken": token,
        "clusterUID": CLUSTER_UID,
    }
    lines = [f"helm upgrade --install {RELEASE} {CHART} --namespace {plan.namespace}"]
    lines += [f"--set sensors.enabled={str(plan.has_sensors).lower()}"]
    lines += [f"--set-string {name}={value}" for name, value in values.items()]
    title = "Deploy the sensor" if plan.has_sensors else "Controller Only"
    return Step(title, " \\\n  ".join(lines), "From a copy of the project, which holds the chart.")


def controller_here(plan: Plan, token: str) -> Step:
    """A controller on somebody's own machine, for the cluster of their current kube context."""
    command = (
        f"DEADLIGHT_REGISTRATION_TOKEN={token} \\\n  deadlight controller --server {shlex.quote(plan.server_url)} "
        f"--state ~/.local/state/deadlight --cluster-name {plan.cluster_name}"
    )
    return Step(
        "From this machine", command, "Reads the cluster of your current kube context and changes nothing there."
    )


def find_reach_problem(server_url: str) -> str:
    """Why a cluster cannot reach the service at its address, as far as that says; empty where nothing is wrong."""
    address = urlsplit(server_url)
    if _is_loopback(address.hostname or ""):
        return f"{server_url} is only reached from this machine: set DEADLIGHT_PUBLIC_URL to an address clusters reach"
    if address.scheme != "https":
        return f"agents send no tokens to {server_url}, which is plain http: set DEADLIGHT_PUBLIC_URL to https"
    return ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
