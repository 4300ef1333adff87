"""`python -m deadlight.controller`: watches one cluster and tells the service what runs in it."""

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from deadlight.client.errors import ClientError, IdentityRefusedError
from deadlight.controller.admission.options import AdmissionOptions
from deadlight.controller.errors import ConfigurationError, ControllerError
from deadlight.controller.logs import configure_logging
from deadlight.controller.run import Options, check_access, run_controller
from deadlight.controller.sources.kubernetes.access import Access
from deadlight.controller.sources.kubernetes.incluster import in_cluster, is_in_cluster
from deadlight.controller.sources.kubernetes.kubeconfig import kubeconfig_paths, load_kubeconfig

EXAMPLES = """\
examples:
  the cluster of the current kube context, first run:
    DEADLIGHT_REGISTRATION_TOKEN=... python -m deadlight.controller \\
        --server https://deadlight.example --state ~/.local/state/deadlight
  another context, under a name of your choice:
    python -m deadlight.controller --server https://deadlight.example --state ./staging \\
        --context staging --cluster-name staging-eu
  inside a pod, with its service account:
    python -m deadlight.controller --server https://deadlight.example --state /var/lib/deadlight \\
        --registration-token-file /etc/deadlight/token --cluster-name production --log-format json
"""

COLLECT_AFTER = 50_000
"""New objects between two runs of the cyclic collector. An inventory is large and has no cycles: at Python's default of
700, a fifth of the time of a first sync goes into walking it."""

logger = logging.getLogger(__name__)


def parse_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line; argparse ends the process on a wrong one."""
    parser = argparse.ArgumentParser(
        prog="python -m deadlight.controller",
        description="Watch a Kubernetes cluster (get, list and watch only) and tell Deadlight what runs in it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    service = parser.add_argument_group("the service")
    service.add_argument("--server", metavar="URL", help="the Deadlight service, https://...")
    service.add_argument("--state", type=Path, metavar="DIR", help="where this controller's key is kept")
    service.add_argument("--ca-file", type=Path, metavar="FILE", help="PEM file to trust instead of the system's")
    service.add_argument(
        "--registration-token-file",
        type=Path,
        metavar="FILE",
        help="needed once, to enrol; or the variable DEADLIGHT_REGISTRATION_TOKEN",
    )
    cluster = parser.add_argument_group("the cluster (default: the pod's own inside a cluster, else the kubeconfig)")
    cluster.add_argument("--cluster-name", default="", metavar="NAME", help="default: the kube context's name")
    cluster.add_argument("--node-name", default="", metavar="NAME", help="the node this runs on, to be shown")
    cluster.add_argument("--kubeconfig", type=Path, metavar="FILE", help="default: $KUBECONFIG, else ~/.kube/config")
    cluster.add_argument("--context", default="", metavar="NAME", help="default: the kubeconfig's current one")
    cluster.add_argument("--demonstration", action="store_true", help="mark the cluster as a demonstration")
    _add_admission(parser)
    parser.add_argument("--probe", action="store_true", help="only say which cluster is in reach, or why none is")
    parser.add_argument("--once", action="store_true", help="end when the service knows everything")
    parser.add_argument("--log-format", choices=("text", "json"), default="text")
    chosen = parser.parse_args(arguments)
    if not chosen.probe and not (chosen.server and chosen.state):
        parser.error("--server and --state are required")
    return chosen


def _add_admission(parser: argparse.ArgumentParser) -> None:
    admission = parser.add_argument_group("who deploys (off without --admission-port)")
    admission.add_argument("--admission-port", type=int, metavar="PORT", help="take admission reviews and audit events")
    for name, text in (
        ("cert", "PEM file of the certificate the API server is shown"),
        ("key", "PEM file of its key"),
        ("token", "file of the token in the webhook's address, which is the audit backend's bearer"),
        ("client-ca", "PEM file of the authority whose certificate the API server must show"),
    ):
        admission.add_argument(f"--admission-{name}-file", type=Path, metavar="FILE", help=text)


def admission_options(chosen: argparse.Namespace) -> AdmissionOptions | None:
    """Where to listen to the API server; None where that is not wanted.

    Raises:
        ConfigurationError: a file is not named.
    """
    if chosen.admission_port is None:
        return None
    files = (chosen.admission_cert_file, chosen.admission_key_file, chosen.admission_token_file)
    if None in files:
        raise ConfigurationError("--admission-port needs --admission-cert-file, -key-file and -token-file")
    cert, key, token = files
    return AdmissionOptions(
        port=chosen.admission_port,
        cert_file=cert,
        key_file=key,
        token_file=token,
        client_ca_file=chosen.admission_client_ca_file,
    )


def find_access(kubeconfig: Path | None, context: str) -> Access:
    """The cluster to watch: the one named, else the one we are in, else the one kubectl would use.

    Raises:
        ConfigurationError: there is none, or it cannot be used.
    """
    if kubeconfig is None and not context and is_in_cluster(os.environ):
        return in_cluster(os.environ)
    return load_kubeconfig([kubeconfig] if kubeconfig else kubeconfig_paths(os.environ), context)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until stopped; 0 when asked to stop or done, 1 when a person must act."""
    chosen = parse_options(arguments)
    if chosen.probe:
        return _probe(chosen.kubeconfig, chosen.context)
    configure_logging(chosen.log_format)
    gc.set_threshold(COLLECT_AFTER)
    code = 0
    try:
        options = _options(chosen)
        access = find_access(chosen.kubeconfig, chosen.context)
        if access.insecure:
            logger.warning("the certificate of %s is not verified, because the kubeconfig says so", access.server)
        asyncio.run(_until_stopped(access, options))
    except* (ControllerError, ClientError) as group:
        for error in _leaves(group):
            advice = f" ({error.advice})" if isinstance(error, IdentityRefusedError) else ""
            logger.error("%s%s", error, advice)  # noqa: TRY400 - a person must act; the traceback would not help
        code = 1
    return code


def _options(chosen: argparse.Namespace) -> Options:
    return Options(
        server=chosen.server,
        state=chosen.state,
        cluster_name=chosen.cluster_name,
        registration_token_file=chosen.registration_token_file,
        ca_file=chosen.ca_file,
        demonstration=chosen.demonstration,
        once=chosen.once,
        node_name=chosen.node_name,
        admission=admission_options(chosen),
    )


def _probe(kubeconfig: Path | None, context: str) -> int:
    """Print the name of the cluster and return 0 if its API server answers us; else print why not and return 1."""
    try:
        access = find_access(kubeconfig, context)
        asyncio.run(check_access(access))
        answer, code = access.name or access.server, 0
    except ControllerError as error:
        answer, code = str(error), 1
    sys.stdout.write(f"{answer}\n")
    return code


async def _until_stopped(access: Access, options: Options) -> None:
    """SIGTERM is how a cluster ends a pod: a clean stop."""
    running = asyncio.create_task(run_controller(access, options))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await running


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves


if __name__ == "__main__":
    sys.exit(main())
