"""An agent's key and what is signed with it. Only the credentials process imports this: it loads `cryptography`."""

import json
import os
import tempfile
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deadlight.client.errors import CredentialsError, ExitCode


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent keeps between runs. `agent_id` is empty until the service has answered the enrolment."""

    private_key: str
    """Raw Ed25519 private key, 32 bytes, base64url without padding."""
    cluster_uid: str
    node: str
    agent_id: str = ""
    cluster_id: str = ""


def load_state(path: Path, *, cluster_uid: str, node: str) -> State:
    """The stored state, or a new one with a fresh key where there is none yet.

    Raises:
        CredentialsError: unreadable, or it belongs to another cluster or node.
    """
    try:
        state = msgspec.json.decode(path.read_bytes(), type=State)
        _private_key(state)
    except FileNotFoundError:
        key = Ed25519PrivateKey.generate().private_bytes_raw()
        return State(private_key=_base64url(key), cluster_uid=cluster_uid, node=node)
    except (OSError, ValueError) as error:
        raise _unusable(path, f"cannot read {path}: {error}") from error
    if (state.cluster_uid, state.node) != (cluster_uid, node):
        owner = f"cluster {state.cluster_uid}" + (f", node {state.node}" if state.node else "")
        raise _unusable(path, f"{path} is the identity of another agent ({owner})")
    return state


def save_state(path: Path, state: State) -> None:
    """Replace the state file atomically, readable by its owner only.

    Raises:
        CredentialsError: the directory cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(state))
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        raise _unusable(path, f"cannot write {path}: {error}") from error


def public_key(state: State) -> str:
    """The raw Ed25519 public key, base64url without padding."""
    return _base64url(_private_key(state).public_key().public_bytes_raw())


def sign_assertion(state: State, *, issued_at: int) -> str:
    """A JWT that says "I am this agent", good for 60 seconds and once (RFC 7523 section 3, RFC 8037)."""
    claims = {
        "iss": state.agent_id,
        "sub": state.agent_id,
        "aud": "deadlight",
        "iat": issued_at,
        "exp": issued_at + 60,
        "jti": str(uuid.uuid4()),
    }
    head = _base64url(json.dumps({"alg": "Ed25519"}).encode())
    signed = f"{head}.{_base64url(json.dumps(claims).encode())}"
    return f"{signed}.{_base64url(_private_key(state).sign(signed.encode()))}"


def _unusable(path: Path, message: str) -> CredentialsError:
    advice = f"give every agent a --state directory of its own that it can write, or move {path}"
    return CredentialsError(ExitCode.UNUSABLE, message, advice)


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _private_key(state: State) -> Ed25519PrivateKey:
    padded = state.private_key + "=" * (-len(state.private_key) % 4)
    return Ed25519PrivateKey.from_private_bytes(urlsafe_b64decode(padded))
