"""Credentials are those that docker and podman keep in files; helpers are named, never run."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.cli.scanning.docker_credentials import Credentials, find_credentials, load_credentials

ADA = {"auth": base64.b64encode(b"ada:correct: horse").decode()}


def config(**more: Any) -> bytes:
    return json.dumps(more).encode()


@pytest.mark.parametrize(
    ("key", "host"),
    [
        ("registry.example", "registry.example"),
        ("https://registry.example", "registry.example"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "docker.io"),
    ],
)
def test_a_registry_is_known_by_every_name_these_files_use(key: str, host: str) -> None:
    found = find_credentials(config(auths={key: ADA, "other.example": {}}), host)
    assert (found.username, found.password) == ("ada", "correct: horse")
    assert "horse" not in repr(found)


def test_name_and_password_may_stand_apart() -> None:
    found = find_credentials(config(auths={"a.example": {"username": "ada", "password": "secret"}}), "a.example")
    assert (found.username, found.password) == ("ada", "secret")


def test_a_helper_is_named_and_not_run() -> None:
    entry: dict[str, Any] = {"auths": {"a.example": {}}}
    for content in (config(credsStore="desktop", **entry), config(credHelpers={"a.example": "desktop"})):
        found = find_credentials(content, "a.example")
        assert found.username == ""
        assert "docker-credential-desktop keeps the password" in found.note
    assert find_credentials(config(credsStore="desktop"), "a.example") == Credentials()
    assert "identity token" in find_credentials(config(auths={"a.example": {"identitytoken": "x"}}), "a.example").note


def test_the_first_file_that_knows_any_counts(tmp_path: Path) -> None:
    docker, podman = tmp_path / "docker", tmp_path / "config" / "containers"
    docker.mkdir()
    podman.mkdir(parents=True)
    environment = {"DOCKER_CONFIG": str(docker), "XDG_CONFIG_HOME": str(tmp_path / "config"), "HOME": str(tmp_path)}
    assert load_credentials("a.example", environment).note == "sign in with `docker login a.example`"
    (podman / "auth.json").write_bytes(config(auths={"a.example": ADA}))
    assert load_credentials("a.example", environment).username == "ada"
    (docker / "config.json").write_bytes(b"no json")
    assert load_credentials("a.example", environment).username == "ada"
    assert "cannot be read" in load_credentials("b.example", environment).note
    (docker / "config.json").write_bytes(config(auths={"a.example": {"username": "grace", "password": "x"}}))
    assert load_credentials("a.example", environment).username == "grace"


@given(content=st.binary(max_size=60), auth=st.text(max_size=20))
def test_nothing_in_a_file_raises(content: bytes, auth: str) -> None:
    assert isinstance(find_credentials(content, "a.example"), Credentials)
    assert isinstance(find_credentials(config(auths={"a.example": {"auth": auth}}), "a.example"), Credentials)
