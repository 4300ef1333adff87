"""Where one machine's installation keeps its things, and what the user's commands remember."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """The data folder of `deadlight up`. Everything in it is private to its owner."""

    path: Path

    @classmethod
    def default(cls) -> "Home":
        """$DEADLIGHT_HOME, else /var/lib/deadlight for root and ~/.local/share/deadlight for everybody else."""
        given = os.environ.get("DEADLIGHT_HOME")
        if given:
            return cls(Path(given).expanduser().absolute())
        if os.geteuid() == 0:
            return cls(Path("/var/lib/deadlight"))
        base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
        return cls(Path(base).expanduser() / "deadlight")

    @property
    def postgres(self) -> Path:
        """The embedded database."""
        return self.path / "postgres"

    @property
    def lock_file(self) -> Path:
        """Held by the `deadlight up` that runs."""
        return self.path / "lock"

    def agent_state(self, name: str) -> Path:
        """Where an agent of this machine keeps its key."""
        return self.path / "agents" / name

    def secret_key(self) -> str:
        """The key that encrypts stored credentials, made at the first start."""
        file = self.path / "secret-key"
        if not file.exists():
            write_private(file, secrets.token_urlsafe(48))
        return file.read_text().strip()


@dataclass(frozen=True, slots=True)
class Target:
    """The service that commands talk to."""

    url: str
    token: str


class NoTargetError(Exception):
    """Nothing says which service to talk to."""

    def __init__(self) -> None:
        super().__init__(
            "no service to talk to: start one with `deadlight up`, sign in to one with `deadlight login URL`, "
            "or set DEADLIGHT_URL and DEADLIGHT_TOKEN"
        )


def _credentials_file() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "deadlight" / "credentials.json"


def find_target() -> Target:
    """From the environment, else what `deadlight login` or `deadlight up` left; raises NoTargetError."""
    url, token = os.environ.get("DEADLIGHT_URL", ""), os.environ.get("DEADLIGHT_TOKEN", "")
    if url and token:
        return Target(url, token)
    try:
        stored = json.loads(_credentials_file().read_text())
        return Target(url or stored["url"], token or stored["token"])
    except (OSError, ValueError, KeyError, TypeError):
        raise NoTargetError from None


def remember_target(target: Target) -> Path:
    """Keep it for the commands that follow; returns the file."""
    file = _credentials_file()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(file, json.dumps({"url": target.url, "token": target.token}))
    return file


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    unfinished = file.with_name(file.name + ".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    unfinished.replace(file)
