"""Credentials from a command, as kubeconfigs of EKS, GKE, AKS and OpenID logins name one.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from deadlight.controller.errors import ConfigurationError
from deadlight.controller.sources.kubernetes.authentication import Credential

SECONDS = 30.0
RENEW_BEFORE = timedelta(seconds=30)
_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")


class _Status(msgspec.Struct, rename="camel"):
    token: str = ""
    expiration_timestamp: datetime | None = None
    client_certificate_data: str = ""
    client_key_data: str = ""


class _ExecCredential(msgspec.Struct):
    status: _Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecCommand:
    """A kubeconfig's `exec` section. A relative `command` with a slash is relative to `directory`."""

    api_version: str
    command: str
    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    install_hint: str = ""
    directory: Path = Path()
    cluster: str = ""
    """The API server's address, for plugins that ask for it (`provideClusterInfo`)."""


class ExecPlugin:
    """Runs the command when its last answer is missing or about to expire; however many ask, it runs once."""

    def __init__(self, command: ExecCommand, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        if command.api_version not in _VERSIONS:
            raise ConfigurationError(f"exec plugin {command.command!r} speaks {command.api_version!r}, not {_VERSIONS}")
        self._command = command
        self._now = now
        self._running = asyncio.Lock()
        self._credential: Credential | None = None
        self._expires_at: datetime | None = None

    async def credential(self) -> Credential:
        """The plugin's credential.

        Raises:
            ConfigurationError: the command is missing, fails, takes too long or prints something else.
        """
        async with self._running:
            fresh = self._expires_at is None or self._expires_at - self._now() > RENEW_BEFORE
            if self._credential is None or not fresh:
                self._credential, self._expires_at = parse_exec_credential(await _run(self._command))
            return self._credential

    def refused(self) -> None:
        """Ask the command again next time."""
        self._credential = None


def parse_exec_credential(output: bytes) -> tuple[Credential, datetime | None]:
    """What a plugin printed, and when it expires.

    Raises:
        ConfigurationError: no ExecCredential, or one without token and certificate.
    """
    try:
        status = msgspec.json.decode(output, type=_ExecCredential).status
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError(f"the exec plugin printed no ExecCredential: {error}") from error
    if not status.token and not status.client_certificate_data:
        raise ConfigurationError("the exec plugin's ExecCredential has neither a token nor a client certificate")
    expires_at = status.expiration_timestamp
    if expires_at is not None and expires_at.tzinfo is None:
        expires_at = expires_at.replace(tzinfo=UTC)
    credential = Credential(status.token, status.client_certificate_data or None, status.client_key_data or None)
    return credential, expires_at


async def _run(command: ExecCommand) -> bytes:
    program = command.command
    if os.sep in program:
        program = str(command.directory / program)
    try:
        process = await asyncio.create_subprocess_exec(
            program, *command.arguments, stdin=DEVNULL, stdout=PIPE, env=_environment(command)
        )
    except OSError as error:
        hint = f" ({command.install_hint.strip()})" if command.install_hint else ""
        raise ConfigurationError(f"cannot run the exec plugin {program!r}: {error}{hint}") from error
    try:
        async with asyncio.timeout(SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        raise ConfigurationError(f"the exec plugin {program!r} took more than {SECONDS:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise ConfigurationError(f"the exec plugin {program!r} ended with {process.returncode}; run it by hand")
    return output


def _environment(command: ExecCommand) -> dict[str, str]:
    spec: dict[str, object] = {"interactive": False}
    if command.cluster:
        spec["cluster"] = {"server": command.cluster}
    info = {"kind": "ExecCredential", "apiVersion": command.api_version, "spec": spec}
    return {**os.environ, **dict(command.environment), "KUBERNETES_EXEC_INFO": msgspec.json.encode(info).decode()}
