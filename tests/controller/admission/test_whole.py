"""From a review over TLS to what the service holds, through a whole controller."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
import trustme
from tests.client.model_service import REGISTRATION_TOKEN, ModelService
from tests.client.waiting import until
from tests.controller.admission.conftest import TOKEN
from tests.controller.admission.made import encoded, review

from deadlight.controller.__main__ import main
from deadlight.controller.admission.options import AdmissionOptions
from deadlight.controller.run import Options, run_controller
from deadlight.controller.sources.kubernetes.access import Access
from deadlight.demo.kubernetes.controllers import Controllers, Workload
from deadlight.demo.kubernetes.store import Cluster
from deadlight.model import wire

WEB = Workload(namespace="shop", name="web", images={"web": "registry.example/web:1"})
NEXT = Workload(namespace="shop", name="web", images={"web": "registry.example/web:2"})


def record(service: ModelService) -> wire.WorkloadRecord | None:
    found = [item for item in service.held["workload"].values() if isinstance(item, wire.WorkloadRecord)]
    return found[0] if found else None


@pytest.mark.req("F2")
async def test_who_deploys_is_told_to_the_service_with_the_workload(
    service: ModelService,
    cluster: Cluster,
    access: Access,
    options: AdmissionOptions,
    authority: trustme.CA,
    unused_tcp_port_factory: Callable[[], int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DEADLIGHT_REGISTRATION_TOKEN", REGISTRATION_TOKEN)
    controllers = Controllers(cluster, lambda image: f"{image}@sha256:{'a' * 64}")
    controllers.add_node("node-1")
    before = controllers.apply(WEB)
    port = unused_tcp_port_factory()
    listening = AdmissionOptions(
        host="127.0.0.1",
        port=port,
        cert_file=options.cert_file,
        key_file=options.key_file,
        token_file=options.token_file,
    )
    running = asyncio.create_task(
        run_controller(access, Options(server=service.url, state=tmp_path / "state", admission=listening))
    )
    await until(lambda: record(service) is not None)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    wanted = {**before, "spec": {**before["spec"], "template": template_of(NEXT, before)}}
    async with aiohttp.ClientSession() as http:
        url = f"https://127.0.0.1:{port}/admission/{TOKEN}"
        async with http.post(url, data=encoded(review(wanted, before)), ssl=context) as response:
            assert response.status == 200
    controllers.apply(NEXT)

    def is_told() -> bool:
        held = record(service)
        return held is not None and held.deployer is not None and held.deployer.template == held.template

    await until(is_told)
    held = record(service)
    assert held is not None
    assert held.deployer is not None
    assert (held.deployer.user, held.deployer.changed) == (
        "grace@example.com",
        ("image of web: registry.example/web:1 -> registry.example/web:2",),
    )
    running.cancel()
    await asyncio.wait({running})


def template_of(workload: Workload, before: dict[str, object]) -> object:
    """What the stand-in makes of a workload."""
    elsewhere = Cluster("elsewhere")
    return Controllers(elsewhere, lambda _: "").apply(workload)["spec"]["template"]


def test_a_port_without_its_files_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = ["--server", "https://deadlight.example", "--state", str(tmp_path)]
    assert main([*places, "--admission-port", "8443"]) == 1
    assert "--admission-port needs" in capsys.readouterr().err
