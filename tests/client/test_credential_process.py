"""The child is called as it understands, and its answer is read for what it is."""

import sys
from pathlib import Path

import pytest

from deadlight.client.credential_process import Identity, parse_answer
from deadlight.client.credentials import _options
from deadlight.client.errors import ExitCode, TokenUnavailableError


def test_the_child_understands_its_command() -> None:
    identity = Identity(
        server="https://deadlight.example.com",
        state=Path("/var/lib/deadlight"),
        kind="sensor",
        cluster_uid="uid",
        cluster_name="production",
        node="node-1",
        ca_file=Path("/etc/ca.pem"),
        demonstration=True,
    )

    command = identity.command()

    assert command[:4] == (sys.executable, "-P", "-m", "deadlight.client.credentials")
    options = _options(command[4:])
    assert (options.kind, options.node, options.cluster_name) == ("sensor", "node-1", "production")
    assert options.registration_token_file is None
    assert options.ca_file == Path("/etc/ca.pem")
    assert options.demonstration


@pytest.mark.parametrize("output", [b"", b"{", b'{"token": "\xff"}', b'{"error": "\xff"}', b"[]"])
@pytest.mark.parametrize("code", list(ExitCode))
def test_output_that_is_no_answer_says_so(output: bytes, code: ExitCode) -> None:
    with pytest.raises(TokenUnavailableError, match="without an answer"):
        parse_answer(output, code)
