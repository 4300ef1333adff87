"""`deadlight windows` against a running service."""

import pytest
from tests.cli.conftest import Deadlight, found
from tests.support.fleet import Fleet
from tests.support.service import RunningService


@pytest.fixture
def service(whole_service: RunningService) -> RunningService:
    """Windows are opened in the background."""
    return whole_service


async def test_windows_are_listed_acknowledged_and_suppressed(
    deadlight: Deadlight, service: RunningService, fleet: Fleet
) -> None:
    assert "No exposure window matches" in (await deadlight("windows", "--open")).stderr
    await fleet.deploy(await fleet.add_image_tag())
    await service.settle()  # nobody has added its registry
    (window,) = await found(deadlight, "windows", "list", "--open")
    assert await found(deadlight, "windows", "--open") == [window]
    number = str(window["id"])
    listed = (await deadlight("windows", "list", "--risk", "untrusted_registry", "--cluster", "test")).stdout
    for text in (number, "open", "untrusted_registry", "test/shop/web", "1.0.0"):
        assert text in listed
    assert (await deadlight("windows", "ack", number, "--note", "mine")).stdout == f"window {number} is acknowledged\n"
    refused = await deadlight("windows", "ack", number)
    assert (refused.exit_code, "admin has acknowledged it already" in refused.stderr) == (1, True)
    assert "is open" in (await deadlight("windows", "ack", number, "--undo")).stdout
    assert "Missing option" in (await deadlight("windows", "suppress", number, "--until", "2026-12-31")).stderr
    (day,) = await fleet.rows("SELECT CAST(now() AS date) AS today")
    said = await deadlight("windows", "suppress", number, "--reason", "accepted", "--until", str(day.today))
    assert said.stdout == f"window {number} is suppressed\n"
    assert (await deadlight("windows", "unsuppress", number)).stdout == f"window {number} is open\n"
