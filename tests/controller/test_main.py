"""The process: its command line, what it imports, and whole runs against a stand-in cluster and the model service."""

import asyncio
import gc
import logging
import os
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.client.model_service import REGISTRATION_TOKEN, ModelService
from tests.client.waiting import until

from deadlight.client.credentials import TOKEN_VARIABLE
from deadlight.controller.__main__ import find_access, main, parse_options
from deadlight.demo.kubernetes.controllers import Controllers, Workload
from deadlight.demo.kubernetes.kubeconfig import write_kubeconfig
from deadlight.demo.kubernetes.server import Standin
from deadlight.demo.kubernetes.store import Cluster

IMAGE_ID = f"registry.example/web@sha256:{'a' * 64}"


@pytest.fixture(autouse=True)
def the_process_as_it_was() -> Iterator[None]:
    """`main` sets up logging and the collector of its process, which here is ours."""
    handlers, level, threshold = logging.root.handlers[:], logging.root.level, gc.get_threshold()
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    gc.set_threshold(*threshold)


@pytest.fixture
def controllers(cluster: Cluster) -> Controllers:
    made = Controllers(cluster, lambda image: IMAGE_ID)
    made.add_node("node-1")
    made.apply(Workload(namespace="shop", name="web", images={"web": "registry.example/web:1"}, replicas=2))
    return made


@pytest.fixture
def kubeconfig(cluster: Cluster, standin: Standin, tmp_path: Path) -> Path:
    path = tmp_path / "kubeconfig"
    write_kubeconfig(path, {standin.url(cluster): cluster})
    return path


async def start(service: ModelService, kubeconfig: Path, *more: str, token: str = REGISTRATION_TOKEN) -> Process:
    command = [sys.executable, "-m", "deadlight.controller", "--server", service.url]
    places = ["--state", str(kubeconfig.parent / "state"), "--kubeconfig", str(kubeconfig)]
    environment = {**os.environ, TOKEN_VARIABLE: token}
    return await asyncio.create_subprocess_exec(*command, *places, *more, env=environment, stderr=PIPE)


@pytest.mark.req("M14", "R12", "R21", "R23", "R25", "R26", "R27", "R28")
async def test_once_it_enrols_tells_everything_and_ends(
    service: ModelService, cluster: Cluster, controllers: Controllers, kubeconfig: Path
) -> None:
    process = await start(service, kubeconfig, "--once", "--demonstration")
    _, logged = await process.communicate()

    assert process.returncode == 0, logged
    [enrolment] = service.enrolments
    uid = cluster.get("Namespace", "kube-system")["metadata"]["uid"]
    assert (enrolment.kind, enrolment.cluster_uid, enrolment.cluster_name) == ("controller", uid, "east")
    assert enrolment.demonstration
    assert {kind: len(held) for kind, held in service.held.items()} == {
        "node": 1,
        "namespace": 3,
        "workload": 1,
        "pod": 2,
    }
    assert service.dangling == []


@pytest.mark.req("R6", "R24", "M14")
async def test_it_keeps_the_service_informed_until_it_is_told_to_stop(
    service: ModelService, cluster: Cluster, controllers: Controllers, kubeconfig: Path
) -> None:
    process = await start(service, kubeconfig, "--cluster-name", "my cluster", "--log-format", "json")
    await until(lambda: len(service.held["pod"]) == 2)
    controllers.delete("Deployment", "shop", "web")
    await until(lambda: not service.held["pod"] and not service.held["workload"])
    process.send_signal(signal.SIGTERM)
    _, logged = await process.communicate()

    assert process.returncode == 0, logged
    assert service.cluster is not None
    assert service.cluster.name == "my cluster"
    assert service.heartbeats[0].version
    assert all(line.startswith(b"{") for line in logged.splitlines())
    assert REGISTRATION_TOKEN.encode() not in logged
    assert cluster.token.encode() not in logged


@pytest.mark.req("R21")
async def test_a_refused_registration_ends_it_with_advice(
    service: ModelService, controllers: Controllers, kubeconfig: Path
) -> None:
    process = await start(service, kubeconfig, token="guessed")
    _, logged = await process.communicate()

    assert process.returncode == 1
    assert b"unknown registration token" in logged
    assert b"create a registration token" in logged
    assert b"Traceback" not in logged
    assert not service.held["pod"]


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_options(["--help"])

    assert ended.value.code == 0
    assert "examples:" in capsys.readouterr().out


def test_server_and_state_are_required_unless_it_only_probes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_options(["--server", "https://deadlight.example"])

    assert ended.value.code == 2
    assert "--server and --state are required" in capsys.readouterr().err
    assert parse_options(["--probe"]).probe


async def test_a_probe_names_the_cluster_in_reach_or_why_there_is_none(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await asyncio.to_thread(main, ["--probe", "--kubeconfig", str(kubeconfig)]) == 0
    assert capsys.readouterr().out == "east\n"
    cluster.deny("namespaces")
    assert await asyncio.to_thread(main, ["--probe", "--kubeconfig", str(kubeconfig)]) == 1
    assert "cannot tell which cluster this is" in capsys.readouterr().out
    assert await asyncio.to_thread(main, ["--probe", "--kubeconfig", str(tmp_path / "absent")]) == 1
    assert "no kubeconfig at" in capsys.readouterr().out


def test_an_unusable_kubeconfig_is_a_sentence_and_not_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = ["--server", "https://deadlight.example", "--state", str(tmp_path)]

    assert main([*server, "--kubeconfig", str(tmp_path / "absent")]) == 1

    told = capsys.readouterr().err
    assert "no kubeconfig at" in told
    assert "Traceback" not in told


def test_the_cluster_is_the_one_named_else_the_pods_own_else_the_current_one(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))

    assert find_access(kubeconfig, "").name == "east"
    assert find_access(None, "").name == "east"
    assert find_access(None, "east").name == "east"


@pytest.mark.req("R23")
def test_it_imports_no_more_than_an_agent_can_afford() -> None:
    heavy = ["cryptography", "typer", "rich", "numpy", "yaml", "sqlalchemy", "fastapi", "pydantic", "aiohttp.web"]
    heavy += [
        "deadlight.demo",
        "deadlight.server",
        "deadlight.registry",
        "deadlight.scanner",
        "deadlight.client.credentials",
    ]
    script = f"import sys, deadlight.controller.__main__; print([m for m in {heavy} if m in sys.modules])"

    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert found.strip() == "[]"
