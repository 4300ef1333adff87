"""`python -m deadlight.sensor`: one process on each node.

What happens here before the kernel half is loaded imports little: while that goes on, libbpf holds the kernel's type
information, 13 MiB, which is given back before the rest of the sensor takes its place.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from deadlight.client.address import parse_server
from deadlight.client.errors import ClientError
from deadlight.sensor.cgroupfs import read_hierarchies
from deadlight.sensor.doctor import document, is_fit, table
from deadlight.sensor.errors import SensorError
from deadlight.sensor.kernel import Config, Kernel, find_host_mount_namespace, read_object
from deadlight.sensor.libbpf import Library
from deadlight.sensor.memory import hold_little
from deadlight.sensor.options import Options, parse_options
from deadlight.sensor.probe import examine, probe_hooks
from deadlight.sensor.programs import Plan, choose

logger = logging.getLogger("deadlight.sensor")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; gives the exit status."""
    options = parse_options(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if options.doctor:
        from deadlight.sensor.lastword import examine_state  # noqa: PLC0415 - no sensor needs it that early

        checks = (*examine(os.environ), *examine_state(options.state, datetime.now(UTC)))
        sys.stdout.write(document(checks) if options.output == "json" else table(checks))
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
    if not options.print_only:
        parse_server(options.server)
    hold_little()
    with _load() as (kernel, plan):
        from deadlight.sensor.running import watch  # noqa: PLC0415 - see above

        watch(options, kernel, plan, stop)


@contextmanager
def _load() -> Iterator[tuple[Kernel, Plan]]:
    library = Library(os.environ)
    plan = choose(probe_hooks(library, read_object()))
    for problem in plan.problems:
        logger.warning("%s", problem)
    v1_hierarchy = next((found.number for found in read_hierarchies() if found.number), 0)
    config = Config(find_host_mount_namespace(), v1_hierarchy)
    with Kernel(library, read_object(), config, plan) as kernel:
        yield kernel, plan


if __name__ == "__main__":
    sys.exit(main())
