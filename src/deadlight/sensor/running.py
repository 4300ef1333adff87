"""A run of the sensor over the loaded kernel half, and where what it finds goes."""

import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

from deadlight.client.credential_process import Identity
from deadlight.sensor.cgroupfs import read_hierarchies
from deadlight.sensor.credentials import Tokens
from deadlight.sensor.kernel import Kernel, find_host_mount_namespace
from deadlight.sensor.observe import Pending
from deadlight.sensor.options import Options
from deadlight.sensor.programs import Plan
from deadlight.sensor.report import Reporter
from deadlight.sensor.sink import Printer, Sink
from deadlight.sensor.transport import Service
from deadlight.sensor.watch import Surroundings, Watch

logger = logging.getLogger(__name__)


def watch(options: Options, kernel: Kernel, plan: Plan, stop: threading.Event) -> None:
    """Watch until `stop` is set.

    Raises:
        SensorError: there is no use in going on.
        ClientError: the service's address cannot be used.
    """
    surroundings = Surroundings(find_host_mount_namespace(), read_hierarchies(), options.cgroup_prefixes)
    with open_sink(options) as sink:
        watching = Watch(kernel, plan, surroundings, Pending())
        watching.run(sink, stop)
        health = watching.health()
        for problem in health.problems:
            logger.warning("%s", problem)
        logger.info("stopped: %s", json.dumps(dict(health.counters)))


@contextmanager
def open_sink(options: Options) -> Iterator[Sink]:
    """The standard output, or the service; closed with the block."""
    if options.print_only:
        # a writer of our own: under PYTHONUNBUFFERED, Python's drops the rest of what a signal interrupted
        with open(sys.stdout.fileno(), "wb", closefd=False) as out:
            yield Printer(out)
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
