"""The command line of the sensor."""

import argparse
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_EPILOG = """\
examples:
  Is this machine able to run a sensor?
      python -m deadlight.sensor doctor [-o json]
  What do its containers execute, map and open? (JSON lines, nothing is sent)
      python -m deadlight.sensor --print
  Report to a service (a node of a cluster; the chart does this):
      DEADLIGHT_REGISTRATION_TOKEN=... python -m deadlight.sensor --server https://deadlight.example.com \\
          --cluster-uid 9a7f... --cluster-name production --node-name node-1
  Containers started with bare runc, whose ids are free, below the control group /lab:
      python -m deadlight.sensor --print --cgroup-prefix /lab

It needs root or the capabilities BPF and PERFMON (and SYS_PTRACE to see what already runs), the host's processes and
control groups, and a kernel with type information (/sys/kernel/btf/vmlinux, 5.12 or newer).
"""

_REQUIRED = ("server", "cluster_uid", "cluster_name")
"""What only a sensor that reports cannot do without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the sensor was asked to do. Without `doctor` and `print_only`, everything required to report is set."""

    server: str
    state: Path
    node_name: str
    cluster_uid: str
    cluster_name: str
    ca_file: Path | None
    registration_token_file: Path | None
    cgroup_prefixes: tuple[str, ...]
    doctor: bool
    output: str | None
    print_only: bool


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; ends the process with usage and status 2 where it is wrong."""
    parser = _parser()
    given = vars(parser.parse_args(arguments))
    doctor = given.pop("command") == "doctor"
    if given["output"] and not doctor:
        parser.error("--output belongs to the command doctor")
    missing = [f"--{name.replace('_', '-')}" for name in _REQUIRED if not given[name]]
    if doctor and given["print_only"]:
        parser.error("either the command doctor or --print")
    if missing and not (doctor or given["print_only"]):
        parser.error(f"to report to a service, give {', '.join(missing)} (or see --print and the command doctor)")
    return Options(**{**given, "doctor": doctor, "cgroup_prefixes": tuple(given["cgroup_prefixes"])})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deadlight.sensor",
        description="Watch what the containers of this node execute, map as code and open, through eBPF.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "command", nargs="?", choices=("doctor",), help="doctor: say what this machine lacks, and do nothing else"
    )
    parser.add_argument(
        "--print", dest="print_only", action="store_true", help="write observations to stdout as JSON lines"
    )
    parser.add_argument("-o", "--output", choices=("table", "json"), help="with doctor: how to print (default: table)")
    parser.add_argument("--json", dest="output", action="store_const", const="json", help=argparse.SUPPRESS)
    parser.add_argument("--server", default="", metavar="URL", help="the Deadlight service, https://...")
    parser.add_argument(
        "--state",
        type=Path,
        default=Path("/var/lib/deadlight"),
        metavar="DIR",
        help="keeps the sensor's identity, its policy and what the service does not know yet (default: %(default)s)",
    )
    parser.add_argument("--node-name", default=socket.gethostname(), metavar="NAME", help="(default: %(default)s)")
    parser.add_argument("--cluster-uid", default="", metavar="UID", help="UID of the namespace kube-system")
    parser.add_argument("--cluster-name", default="", metavar="NAME")
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="PEM file to trust instead of the system's")
    parser.add_argument(
        "--registration-token-file",
        type=Path,
        metavar="FILE",
        help="enrols the sensor once; or the variable DEADLIGHT_REGISTRATION_TOKEN",
    )
    parser.add_argument(
        "--cgroup-prefix",
        dest="cgroup_prefixes",
        action="append",
        default=[],
        metavar="PATH",
        help="control group whose direct children are containers by their own names (repeatable)",
    )
    return parser
