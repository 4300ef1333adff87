"""Reading kubeconfig files: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/."""

import binascii
import os
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from deadlight.controller.errors import ConfigurationError
from deadlight.controller.sources.kubernetes.access import Access
from deadlight.controller.sources.kubernetes.authentication import Authenticator, Credential, Fixed, Pem, TokenFile
from deadlight.controller.sources.kubernetes.execplugin import ExecCommand, ExecPlugin

MAX_BYTES = 4 * 1024 * 1024


class _Section(msgspec.Struct, rename="kebab"):
    """Base of a kubeconfig's sections: keys are written in kebab case, what we do not use is ignored."""


class _Cluster(_Section):
    server: str = ""
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""


class _Variable(_Section):
    name: str
    value: str


class _Exec(_Section, rename="camel"):
    command: str
    api_version: str = ""
    args: list[str] | None = None
    env: list[_Variable] | None = None
    install_hint: str = ""
    provide_cluster_info: bool = False


class _User(_Section):
    token: str = ""
    token_file: str = msgspec.field(default="", name="tokenFile")
    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    exec: _Exec | None = None
    auth_provider: dict[str, Any] | None = None
    username: str = ""
    impersonate: str = msgspec.field(default="", name="as")


class _Context(_Section):
    cluster: str = ""
    user: str = ""


class _NamedCluster(_Section):
    name: str
    cluster: _Cluster | None = None


class _NamedUser(_Section):
    name: str
    user: _User | None = None


class _NamedContext(_Section):
    name: str
    context: _Context | None = None


class KubeConfig(_Section):
    """One file."""

    current_context: str = ""
    clusters: list[_NamedCluster] | None = None
    users: list[_NamedUser] | None = None
    contexts: list[_NamedContext] | None = None


T = TypeVar("T")


def kubeconfig_paths(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """The files kubectl would read: those that `KUBECONFIG` lists, else `~/.kube/config`."""
    listed = [Path(part) for part in environment.get("KUBECONFIG", "").split(os.pathsep) if part]
    return tuple(listed) or (Path.home() / ".kube" / "config",)


@dataclass(frozen=True, slots=True)
class _Merged:
    """Several files as one, each cluster and user with the directory that its relative paths start from."""

    current: str
    contexts: dict[str, _Context]
    clusters: dict[str, tuple[Path, _Cluster]]
    users: dict[str, tuple[Path, _User]]


def load_kubeconfig(paths: Sequence[Path], context: str = "") -> Access:
    """The way to the cluster of `context` (default: the current one). The first file that defines a name wins.

    Raises:
        ConfigurationError: no file, not a kubeconfig, a name that nothing defines, or a way to log in that we lack.
    """
    files = {path: parse_kubeconfig(_read(path)) for path in paths if path.exists()}
    if not files:
        raise ConfigurationError(f"no kubeconfig at {', '.join(map(str, paths))}: pass --kubeconfig")
    merged = _merge(files)
    name = context or merged.current
    if not name:
        raise ConfigurationError("the kubeconfig has no current-context: pass --context")
    chosen = _find("context", name, merged.contexts)
    directory, cluster = _find("cluster", chosen.cluster, merged.clusters)
    user_directory, user = _find("user", chosen.user, merged.users) if chosen.user else (directory, _User())
    if not cluster.server:
        raise ConfigurationError(f"cluster {chosen.cluster!r} of the kubeconfig has no server")
    return Access(
        server=cluster.server.rstrip("/"),
        authenticator=_authenticator(user, chosen.user, user_directory, cluster.server),
        ca=_pem(cluster.certificate_authority_data, cluster.certificate_authority, directory),
        insecure=cluster.insecure_skip_tls_verify,
        tls_server_name=cluster.tls_server_name,
        proxy=cluster.proxy_url,
        name=name,
    )


def parse_kubeconfig(text: bytes) -> KubeConfig:
    """Read a kubeconfig in YAML or JSON.

    Raises:
        ConfigurationError: it is neither, or a field is not what it should be.
    """
    try:
        return msgspec.yaml.decode(text, type=KubeConfig | None) or KubeConfig()
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"not a kubeconfig: {error}") from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"cannot read the kubeconfig {path}: {error}") from error
    if len(text) > MAX_BYTES:
        raise ConfigurationError(f"{path} is larger than {MAX_BYTES} bytes: not a kubeconfig")
    return text


def _merge(files: Mapping[Path, KubeConfig]) -> _Merged:
    current = next((file.current_context for file in files.values() if file.current_context), "")
    merged = _Merged(current, {}, {}, {})
    for path, file in files.items():
        for context in file.contexts or ():
            merged.contexts.setdefault(context.name, context.context or _Context())
        for cluster in file.clusters or ():
            merged.clusters.setdefault(cluster.name, (path.parent, cluster.cluster or _Cluster()))
        for user in file.users or ():
            merged.users.setdefault(user.name, (path.parent, user.user or _User()))
    return merged


def _find(what: str, name: str, known: Mapping[str, T]) -> T:
    if name not in known:
        raise ConfigurationError(f"the kubeconfig has no {what} {name!r} (known: {', '.join(known) or 'none'})")
    return known[name]


def _authenticator(user: _User, name: str, directory: Path, server: str) -> Authenticator:
    if user.auth_provider is not None or user.username or user.impersonate:
        raise ConfigurationError(
            f"user {name!r} of the kubeconfig logs in by auth-provider, password or impersonation, which this client "
            "does not support: use a token, a client certificate or an exec plugin"
        )
    if user.exec is not None:
        return ExecPlugin(_command(user.exec, directory, server))
    certificate = _pem(user.client_certificate_data, user.client_certificate, directory)
    rest = Credential(user.token, certificate, _pem(user.client_key_data, user.client_key, directory))
    if user.token_file and not user.token:
        return TokenFile(directory / user.token_file, rest)
    return Fixed(rest)


def _command(section: _Exec, directory: Path, server: str) -> ExecCommand:
    return ExecCommand(
        api_version=section.api_version,
        command=section.command,
        arguments=tuple(section.args or ()),
        environment=tuple((variable.name, variable.value) for variable in section.env or ()),
        install_hint=section.install_hint,
        directory=directory,
        cluster=server if section.provide_cluster_info else "",
    )


def _pem(data: str, file: str, directory: Path) -> Pem | None:
    """Inline data takes precedence over a file, as in kubectl."""
    if data:
        try:
            return b64decode(data, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ConfigurationError(f"certificate data in the kubeconfig is not base64 of PEM: {error}") from error
    return directory / file if file else None
