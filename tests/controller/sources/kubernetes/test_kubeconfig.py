import asyncio
import json
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from deadlight.controller.errors import ConfigurationError
from deadlight.controller.sources.kubernetes.authentication import Credential, Fixed, TokenFile
from deadlight.controller.sources.kubernetes.execplugin import ExecPlugin
from deadlight.controller.sources.kubernetes.kubeconfig import kubeconfig_paths, load_kubeconfig, parse_kubeconfig

PEM = "-----BEGIN CERTIFICATE-----\n"
PEM_DATA = b64encode(PEM.encode()).decode()


def config(user: dict[str, Any], cluster: dict[str, Any] | None = None, name: str = "east") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": "default"}}],
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}.example:6443/", **(cluster or {})}}],
        "users": [{"name": name, "user": user}],
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kubeconfig"


def test_a_token_and_an_inline_authority(path: Path) -> None:
    path.write_text(yaml.safe_dump(config({"token": "t"}, {"certificate-authority-data": PEM_DATA})))

    access = load_kubeconfig([path])

    assert (access.server, access.name, access.ca) == ("https://east.example:6443", "east", PEM)
    assert access.authenticator == Fixed(Credential("t"))
    assert not access.insecure


def test_files_are_found_beside_the_kubeconfig(path: Path) -> None:
    user = {"client-certificate": "pki/admin.crt", "client-key": "/etc/admin.key"}
    path.write_text(yaml.safe_dump(config(user, {"certificate-authority": "ca.crt"})))

    access = load_kubeconfig([path])

    assert access.ca == path.parent / "ca.crt"
    assert access.authenticator == Fixed(Credential("", path.parent / "pki/admin.crt", Path("/etc/admin.key")))


def test_a_token_file_is_read_again_each_time(path: Path) -> None:
    path.write_text(json.dumps(config({"tokenFile": "token"})))
    (path.parent / "token").write_text("one\n")
    authenticator = load_kubeconfig([path]).authenticator
    assert isinstance(authenticator, TokenFile)

    first = asyncio.run(authenticator.credential())
    (path.parent / "token").write_text("two\n")

    assert (first.token, asyncio.run(authenticator.credential()).token) == ("one", "two")
    (path.parent / "token").unlink()
    with pytest.raises(ConfigurationError, match="token"):
        asyncio.run(authenticator.credential())


def test_an_exec_plugin_and_the_rarer_ways_to_a_server(path: Path) -> None:
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "aws", "args": None, "env": None}
    cluster = {"insecure-skip-tls-verify": True, "tls-server-name": "api", "proxy-url": "http://proxy.example:3128"}
    path.write_text(yaml.safe_dump(config({"exec": plugin}, cluster)))

    access = load_kubeconfig([path])

    assert isinstance(access.authenticator, ExecPlugin)
    assert access.insecure
    assert (access.tls_server_name, access.proxy) == ("api", "http://proxy.example:3128")


def test_another_context_can_be_chosen_and_the_first_file_that_names_a_thing_wins(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text(json.dumps(config({"token": "east-token"})))
    shadowed = config({"token": "shadowed"}, {"server": "https://shadow.example"})
    west = config({"token": "west-token"}, name="west")
    for section in ("contexts", "clusters", "users"):
        west[section] += shadowed[section]
    second.write_text(json.dumps(west))

    east = load_kubeconfig([tmp_path / "absent", first, second])
    other = load_kubeconfig([first, second], "west")

    assert east.authenticator == Fixed(Credential("east-token"))
    assert other.server == "https://west.example:6443"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"current-context": ""}, "no current-context"),
        ({"current-context": "nowhere"}, "no context 'nowhere'"),
        ({"clusters": None}, "no cluster 'east'"),
        ({"clusters": [{"name": "east", "cluster": None}]}, "has no server"),
        ({"users": []}, "no user 'east'"),
        ({"users": [{"name": "east", "user": {"username": "u", "password": "p"}}]}, "password"),
        ({"users": [{"name": "east", "user": {"auth-provider": {"name": "gcp"}}}]}, "auth-provider"),
        ({"users": [{"name": "east", "user": {"token": "t", "as": "root"}}]}, "impersonation"),
        ({"users": [{"name": "east", "user": {"exec": {"command": "x", "apiVersion": "v9"}}}]}, "v9"),
        ({"users": [{"name": "east", "user": {"client-certificate-data": "%%%"}}]}, "not base64"),
        ({"clusters": [{"name": "east", "cluster": {"server": 7}}]}, "not a kubeconfig"),
    ],
)
def test_what_is_missing_or_not_supported_is_named(change: dict[str, Any], told: str, path: Path) -> None:
    path.write_text(yaml.safe_dump(config({"token": "t"}) | change))

    with pytest.raises(ConfigurationError, match=told):
        load_kubeconfig([path])


def test_a_file_that_is_absent_too_large_or_a_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no kubeconfig at"):
        load_kubeconfig([tmp_path / "absent"])
    with pytest.raises(ConfigurationError, match="cannot read"):
        load_kubeconfig([tmp_path])
    (tmp_path / "huge").write_bytes(b" " * (5 * 1024 * 1024))
    with pytest.raises(ConfigurationError, match="larger"):
        load_kubeconfig([tmp_path / "huge"])


def test_the_files_are_those_that_kubectl_would_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert kubeconfig_paths({}) == (tmp_path / ".kube" / "config",)
    assert kubeconfig_paths({"KUBECONFIG": "/a::/b"}) == (Path("/a"), Path("/b"))


@given(st.binary(max_size=200) | st.text(alphabet="{}[]:-&*!|> \nab'\"", max_size=60).map(str.encode))
def test_any_bytes_are_a_kubeconfig_or_an_error_of_ours(text: bytes) -> None:
    with suppress(ConfigurationError):
        parse_kubeconfig(text)
