"""What the demonstration remembers between runs, and where."""

import fcntl
import shutil
import socket
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_bytes

import msgspec

from deadlight.demo.errors import DemoError


class State(msgspec.Struct):
    """What is remembered. Ports stay the same, so that addresses shown in the console stay true."""

    registry_port: int = 0
    inbox_port: int = 0
    mirror_port: int = 0
    secret: str = ""
    """Alerts to the inbox are signed with it."""
    rounds: int = 0
    """How often the script has been begun."""


class StateFolder:
    """The folder given with `--state`, its state read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.agents = path / "agents"
        self.kubeconfig = path / "kubeconfig"
        self._file = path / "state.json"
        try:
            self.state = msgspec.json.decode(self._file.read_bytes(), type=State) if self._file.exists() else State()
        except (OSError, msgspec.DecodeError) as error:
            raise DemoError(f"cannot read {self._file}: {error}; delete {path} to begin anew") from error

    def save(self) -> None:
        """Write the state down."""
        fresh = self._file.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_bytes(msgspec.json.encode(self.state))
        fresh.replace(self._file)

    def choose_ports(self) -> bool:
        """Keep the ports where they are free, choose others where not; returns whether the inbox has moved."""
        state, before = self.state, self.state.inbox_port
        state.registry_port, state.inbox_port = free_port(state.registry_port), free_port(state.inbox_port)
        state.mirror_port = free_port(state.mirror_port)
        state.secret = state.secret or f"whsec_{b64encode(token_bytes(32)).decode()}"
        self.save()
        return state.inbox_port != before

    def forget_agents(self) -> None:
        """The service knows nothing of us: agents enrol anew, and the script begins at its beginning."""
        shutil.rmtree(self.agents, ignore_errors=True)
        self.state.rounds = 0


@contextmanager
def locked(path: Path) -> Iterator[StateFolder]:
    """The folder, for one process at a time; raises DemoError where it cannot be used."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (path / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield StateFolder(path)
    except BlockingIOError:
        raise DemoError(f"a demonstration is already running on {path}: stop it, or give another --state") from None
    except PermissionError as error:
        raise DemoError(f"cannot use {path}: {error}; give another --state") from error


def free_port(wanted: int) -> int:
    """The wanted port of the loopback interface where nobody listens on it, else one that is free."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise DemoError("no port of the loopback interface is free")
