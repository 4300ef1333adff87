"""What commands say when the service they talk to is not there, is another program, or does not know them."""

import asyncio
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from tests.cli.conftest import Deadlight
from tests.support.service import RunningService
from typer.testing import CliRunner, Result

from deadlight.cli.main import app


class SignInPage(BaseHTTPRequestHandler):
    """A proxy that answers everything with its own page."""

    def do_GET(self) -> None:
        """Whatever is asked for."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>Sign in first</html>")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def proxy() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), SignInPage) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def ask(url: str, token: str, *arguments: str) -> Result:
    return CliRunner(env={"DEADLIGHT_URL": url, "DEADLIGHT_TOKEN": token, "COLUMNS": "250"}).invoke(app, arguments)


@pytest.mark.parametrize(
    "arguments", [("clusters",), ("detections", "list"), ("exceptions", "list", "-o", "json"), ("blocking", "list")]
)
def test_another_program_at_the_address_is_told(proxy: str, arguments: tuple[str, ...]) -> None:
    refused = ask(proxy, "any", *arguments)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "answers, but not as Deadlight does" in refused.stderr


@pytest.mark.parametrize(
    ("url", "token", "said"),
    [
        ("localhost:8480", "any", "is no address such as https://"),
        ("no url", "any", "is no address such as https://"),
        ("http://127.0.0.1:1", "any", "does not answer"),
    ],
)
def test_what_cannot_be_asked_is_told(url: str, token: str, said: str) -> None:
    refused = ask(url, token, "rules", "list")
    assert (refused.exit_code, said in refused.stderr) == (1, True)


def test_a_token_that_no_header_can_carry_is_told(proxy: str) -> None:
    refused = ask(proxy, "two\nlines", "rules", "list")
    assert (refused.exit_code, "cannot be asked" in refused.stderr) == (1, True)


async def test_an_unknown_token_is_told_with_what_to_do(service: RunningService) -> None:
    refused = await asyncio.to_thread(ask, service.url, "unknown", "rules", "list")
    assert (refused.exit_code, "sign in again with `deadlight login URL`" in refused.stderr) == (1, True)


async def test_a_refusal_is_in_the_words_of_the_form(deadlight: Deadlight) -> None:
    known = await deadlight("exceptions", "add", "--rule", "x", "--reason", "", "--until", "2999-01-01")
    assert "reason: must not be empty" in known.stderr
    program = await deadlight(
        "exceptions", "add", "--program", "p" * 2000, "--reason", "r", "--until", "2999-01-01", "--rule", "x"
    )
    assert "program: must have at most 1024 characters" in program.stderr
    outside = await deadlight("rules", "remove", "../clusters")
    assert "is no rule's ID" in outside.stderr


def test_a_data_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    refused = CliRunner(env={"COLUMNS": "250"}).invoke(app, ["up", "--home", str(file)])
    assert (refused.exit_code, "cannot be used (File exists): choose another" in refused.stderr) == (1, True)


def test_defaults_that_are_words_are_in_the_help() -> None:
    for arguments, said in ((("up",), "the current one"), (("exceptions", "add"), "any"), (("rules", "decide"), "own")):
        shown = CliRunner(env={"COLUMNS": "250"}).invoke(app, [*arguments, "--help"])
        assert f"{said})]" in shown.stdout, arguments
