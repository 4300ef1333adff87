"""Enrol an agent once, then print a fresh access token: a short-lived child process of the agents.

It is a process of its own so that the agents, which run for months, never load a cryptography library. It prints one
JSON line, `{"access_token", "expires_at", "agent_id", "cluster_id"}` or `{"error", "advice"}`, and exits with one of
`ExitCode`. The key never leaves the state directory; the service only ever sees its public half and signatures.
"""

import argparse
import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from pathlib import Path

import msgspec

from deadlight import __version__
from deadlight.client.address import parse_server
from deadlight.client.errors import CredentialsError, ExitCode, InsecureServerError
from deadlight.client.keys import State, load_state, public_key, save_state, sign_assertion
from deadlight.client.refusal import refusal_text
from deadlight.model import wire

TOKEN_VARIABLE = "DEADLIGHT_REGISTRATION_TOKEN"  # noqa: S105 - the name of a variable
TIMEOUT_SECONDS = 20.0
MAX_ANSWER_BYTES = 1024 * 1024
LONGEST_TOKEN_SECONDS = 24 * 60 * 60


def enrol(options: argparse.Namespace, state: State, context: ssl.SSLContext) -> State:
    """Exchange the registration token for an identity (`POST /agent/v1/enrol`).

    The key was stored before, so that an enrolment whose answer got lost is repeated with the same key.
    """
    message = wire.Enrolment(
        registration_token=_registration_token(options),
        public_key=public_key(state),
        kind=options.kind,
        cluster_uid=options.cluster_uid,
        cluster_name=options.cluster_name,
        node_name=options.node,
        version=__version__,
        demonstration=options.demonstration,
    )
    advice = f"create a registration token in the service and pass it as --registration-token-file or {TOKEN_VARIABLE}"
    enrolled = _post(f"{options.server}/agent/v1/enrol", message, wire.Enrolled, context, refused=advice)
    return msgspec.structs.replace(state, agent_id=enrolled.agent_id, cluster_id=enrolled.cluster_id)


def request_token(options: argparse.Namespace, state: State, context: ssl.SSLContext) -> wire.AccessToken:
    """Prove possession of the key and receive an access token (`POST /agent/v1/token`)."""
    message = wire.TokenRequest(assertion=sign_assertion(state, issued_at=int(time.time())))
    advice = (
        "the service does not know this agent or an administrator revoked it; to enrol again, "
        f"delete {_state_path(options)} and provide a new registration token"
    )
    return _post(f"{options.server}/agent/v1/token", message, wire.AccessToken, context, refused=advice)


def _post(url: str, message: wire.Message, kind: type[wire.M], context: ssl.SSLContext, *, refused: str) -> wire.M:
    request = urllib.request.Request(  # noqa: S310 - parse_server has checked the scheme
        url, data=wire.encode(message), headers={"Content-Type": "application/json", "Accept": "application/json"}
    )
    try:
        with _opener(context).open(request, timeout=TIMEOUT_SECONDS) as response:
            return wire.decode(response.read(MAX_ANSWER_BYTES), kind)
    except urllib.error.HTTPError as error:
        raise _answered(url, error, refused) from error
    except (OSError, HTTPException, wire.InvalidMessageError) as error:
        advice = "check the address, the network and, for certificate errors, --ca-file"
        raise CredentialsError(ExitCode.UNAVAILABLE, f"cannot reach {url}: {error}", advice) from error


def _opener(context: ssl.SSLContext) -> urllib.request.OpenerDirector:
    """An opener without redirects: a redirected POST would carry a secret to a place nobody configured."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=context),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _answered(url: str, error: urllib.error.HTTPError, refused: str) -> CredentialsError:
    with error:
        text = refusal_text(error.read(MAX_ANSWER_BYTES))
    if error.code in {400, 401, 403, 409, 410, 422}:
        return CredentialsError(ExitCode.REFUSED, f"{url} refused this agent ({error.code}): {text}", refused)
    message = f"{url} answered {error.code}: {text}"
    return CredentialsError(
        ExitCode.UNAVAILABLE, message, "check that --server is the address of the Deadlight service"
    )


# --- small parts -----------------------------------------------------------------------------------------


def _state_path(options: argparse.Namespace) -> Path:
    return Path(options.state) / f"{options.kind}.json"


def _registration_token(options: argparse.Namespace) -> str:
    advice = f"pass --registration-token-file or set {TOKEN_VARIABLE}; an administrator creates such tokens"
    try:
        path = options.registration_token_file
        token = path.read_text().strip() if path else os.environ.get(TOKEN_VARIABLE, "").strip()
    except (OSError, ValueError) as error:
        message = f"cannot read the registration token: {error}"
        raise CredentialsError(ExitCode.UNUSABLE, message, advice) from error
    if not token:
        raise CredentialsError(ExitCode.UNUSABLE, "this agent is not enrolled and has no registration token", advice)
    return str(token)


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        message = f"cannot read the certificate authority {ca_file}: {error}"
        raise CredentialsError(ExitCode.UNUSABLE, message, "give --ca-file a PEM file that exists") from error


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deadlight.client.credentials", description=__doc__)
    parser.add_argument("--server", required=True, metavar="URL", help="the Deadlight service, https://...")
    parser.add_argument("--state", required=True, type=Path, metavar="DIR", help="where the identity is kept")
    parser.add_argument("--kind", required=True, choices=("controller", "sensor"))
    parser.add_argument("--cluster-uid", required=True, metavar="UID", help="UID of the namespace kube-system")
    parser.add_argument("--cluster-name", required=True, metavar="NAME")
    parser.add_argument("--node", default="", metavar="NAME", help="the node of a sensor")
    parser.add_argument("--registration-token-file", type=Path, metavar="FILE", help=f"or {TOKEN_VARIABLE}")
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="PEM file to trust instead of the system's")
    parser.add_argument("--demonstration", action="store_true", help="mark the cluster as a demonstration")
    return parser.parse_args(arguments)


def obtain(options: argparse.Namespace) -> dict[str, str]:
    """The line to print: enrols if need be, then asks for a token.

    Raises:
        CredentialsError: with the exit code and advice.
    """
    try:
        options.server = parse_server(options.server)
    except InsecureServerError as error:
        raise CredentialsError(ExitCode.UNUSABLE, str(error), "correct --server") from error
    context, path = _trust(options.ca_file), _state_path(options)
    state = load_state(path, cluster_uid=options.cluster_uid, node=options.node)
    if not state.agent_id:
        save_state(path, state)
        state = enrol(options, state, context)
        save_state(path, state)
    asked_at = datetime.now(UTC)
    token = request_token(options, state, context)
    return {
        "access_token": token.access_token,
        "expires_at": (asked_at + timedelta(seconds=min(token.expires_in, LONGEST_TOKEN_SECONDS))).isoformat(),
        "agent_id": state.agent_id,
        "cluster_id": state.cluster_id,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the token or the error as one JSON line; the result is an `ExitCode`."""
    try:
        line, code = obtain(_options(arguments)), ExitCode.OK
    except CredentialsError as error:
        line, code = {"error": str(error), "advice": error.advice}, error.code
    sys.stdout.write(json.dumps(line) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
