"""Who asks an API server: credentials and where they come from."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from deadlight.controller.errors import ConfigurationError

Pem = Path | str
"""Certificates or a key: a file (read again when it changes) or the PEM text itself."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A bearer token, a client certificate with its key, both or (anonymously) neither."""

    token: str = ""
    certificate: Pem | None = None
    key: Pem | None = None


class Authenticator(Protocol):
    """Gives the credential of the next request; asked every time, so that rotated tokens are picked up."""

    async def credential(self) -> Credential:
        """The credential to use now; raises ConfigurationError where there is none."""

    def refused(self) -> None:
        """The API server answered 401 to the last credential: do not hand it out from memory again."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A credential that is what it is."""

    value: Credential

    async def credential(self) -> Credential:
        """Always the same."""
        return self.value

    def refused(self) -> None:
        """Nothing to forget."""


@dataclass(frozen=True, slots=True)
class TokenFile:
    """A token in a file that somebody rotates (the kubelet does so before a projected token is an hour old)."""

    path: Path
    rest: Credential = Credential()

    async def credential(self) -> Credential:
        """The file's token as it is now."""
        try:
            return replace(self.rest, token=self.path.read_text().strip())
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"cannot read the token file {self.path}: {error}") from error

    def refused(self) -> None:
        """Nothing to forget: nothing is kept."""
