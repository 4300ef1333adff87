"""`python -m deadlight.sensor`: one process on each node."""

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from deadlight.client.credential_process import Identity
from deadlight.client.errors import ClientError
from deadlight.sensor.cgroupfs import read_hierarchies
from deadlight.sensor.credentials import Tokens
from deadlight.sensor.doctor import document, is_fit, table
from deadlight.sensor.errors import SensorError
from deadlight.sensor.kernel import Config, Kernel, find_host_mount_namespace, read_object
from deadlight.sensor.libbpf import Library
from deadlight.sensor.observe import Pending
from deadlight.sensor.options import Options, parse_options
from deadlight.sensor.probe import examine, probe_hooks
from deadlight.sensor.programs import choose
from deadlight.sensor.report import Reporter
from deadlight.sensor.sink import Printer, Sink
from deadlight.sensor.transport import Service
from deadlight.sensor.watch import Surroundings, Watch

logger = logging.getLogger("deadlight.sensor")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; gives the exit status."""
    options = parse_options(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if options.doctor:
        checks = examine(os.environ)
        sys.stdout.write(document(checks) if options.json else table(checks))
        return 0 if is_fit(checks) else 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        run(options, stop)
    except (SensorError, ClientError) as error:
        logger.error("%s", error)  # noqa: TRY400 - the message is for whoever operates the node
        return 1
    except BrokenPipeError:  # whoever read what we print has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def run(options: Options, stop: threading.Event) -> None:
    """Load what this kernel accepts and watch until `stop` is set.

    Raises:
        SensorError: the machine lacks something without which there is no sensor.
        ClientError: the service's address cannot be used.
    """
    with _sink(options) as sink:
        _watch(options, sink, stop)


def _watch(options: Options, sink: Sink, stop: threading.Event) -> None:
    surroundings = Surroundings(find_host_mount_namespace(), read_hierarchies(), options.cgroup_prefixes)
    library, content = Library(os.environ), read_object()
    plan = choose(probe_hooks(library, content))
    for problem in plan.problems:
        logger.warning("%s", problem)
    v1_hierarchy = next((found.number for found in surroundings.hierarchies if found.number), 0)
    with Kernel(library, content, Config(surroundings.host_mount_namespace, v1_hierarchy), plan) as kernel:
        watch = Watch(kernel, plan, surroundings, Pending())
        watch.run(sink, stop)
        health = watch.health()
        for problem in health.problems:
            logger.warning("%s", problem)
        logger.info("stopped: %s", json.dumps(dict(health.counters)))


@contextmanager
def _sink(options: Options) -> Iterator[Sink]:
    if options.print_only:
        yield Printer(sys.stdout.buffer)
        return
    identity = Identity(
        server=options.server,
        state=options.state,
        kind="sensor",
        cluster_uid=options.cluster_uid,
        cluster_name=options.cluster_name,
        node=options.node_name,
        registration_token_file=options.registration_token_file,
        ca_file=options.ca_file,
    )
    tokens = Tokens(identity.command())
    reporter = Reporter(
        lambda: Service(options.server, tokens, ca_file=options.ca_file), node=options.node_name, state=options.state
    )
    reporter.start()
    with closing(reporter):
        yield reporter


if __name__ == "__main__":
    sys.exit(main())
