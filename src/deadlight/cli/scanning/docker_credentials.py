"""The user's own credentials for registries, where docker and podman keep them."""

import base64
import binascii
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from deadlight.model.image import DOCKER_HUB

MAX_BYTES = 1024 * 1024
"""Of a file with credentials; a hundred registries take 20 KB."""

_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "registry-1.docker.io")
"""What Docker Hub is called in these files."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and password, or why there are none."""

    username: str = ""
    password: str = field(default="", repr=False)
    note: str = ""
    """What a person should know where a registry wants more than there is."""


class _Entry(msgspec.Struct):
    auth: str = ""
    username: str = ""
    password: str = ""
    identitytoken: str = ""


class _Config(msgspec.Struct, rename="camel"):
    auths: dict[str, _Entry] | None = None
    creds_store: str = ""
    cred_helpers: dict[str, str] | None = None


def load_credentials(host: str, environment: Mapping[str, str] = os.environ) -> Credentials:
    """The credentials for a registry in the first file that knows any; files that cannot be read are passed over."""
    notes: list[str] = []
    for file in _files(environment):
        try:
            with file.open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
        except OSError:
            continue
        found = find_credentials(content, host)
        if found.username:
            return found
        if found.note:
            notes.append(f"{file}: {found.note}")
    return Credentials(note="; ".join(notes) or f"sign in with `docker login {host}`")


def _files(environment: Mapping[str, str]) -> Iterator[Path]:
    """Podman's file where it is named or runs, docker's, podman's own of the user."""
    if "REGISTRY_AUTH_FILE" in environment:
        yield Path(environment["REGISTRY_AUTH_FILE"])
    if "XDG_RUNTIME_DIR" in environment:
        yield Path(environment["XDG_RUNTIME_DIR"], "containers", "auth.json")
    home = Path(environment.get("HOME") or Path.home())
    yield Path(environment.get("DOCKER_CONFIG") or home / ".docker", "config.json")
    yield Path(environment.get("XDG_CONFIG_HOME") or home / ".config", "containers", "auth.json")


def find_credentials(content: bytes, host: str) -> Credentials:
    """The credentials for a registry in such a file."""
    try:
        config = msgspec.json.decode(content, type=_Config)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return Credentials(note="cannot be read as JSON of docker's configuration")
    keys = (host, f"https://{host}", f"https://{host}/v1/", *(_HUB_KEYS if host == DOCKER_HUB else ()))
    auths = config.auths or {}
    entry = next((auths[key] for key in keys if key in auths), None)
    if entry is not None and (known := _read(entry)).username:
        return known
    helper = next((name for key in keys if (name := (config.cred_helpers or {}).get(key))), config.creds_store)
    if helper and (entry is not None or helper != config.creds_store):
        return Credentials(
            note=f"docker-credential-{helper} keeps the password, and helpers are not run here: let a service scan the "
            "image, or save it (`docker save -o image.tar`) and scan that"
        )
    if entry is not None and entry.identitytoken:
        return Credentials(note="it has an identity token, which is not used here: sign in with a password or token")
    return Credentials()


def _read(entry: _Entry) -> Credentials:
    if entry.username and entry.password:
        return Credentials(entry.username, entry.password)
    try:
        text = base64.b64decode(entry.auth, validate=True).decode()
    except (binascii.Error, ValueError):
        return Credentials()
    username, _, password = text.partition(":")
    return Credentials(username, password.rstrip("\0")) if username and password else Credentials()
