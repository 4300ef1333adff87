"""What the sensor's hooks add to an operation, in instructions: a number that no load of the machine moves.

An emulated machine (scripts/kernel-guest) with one of Debian's kernels and one processor, whose every instruction takes
a nanosecond of its clocks, does operations in a container and outside of any: without anything watching, with the
hooks of every tier, and with bpftrace counting in the kernel what the sensor looks at. An operation's figure is the
median of 200. Instructions are not time: they say whether a hook does more than it did, nothing of caches.

    make bench NAME=sensor_instructions                            as root, on Debian 12, five minutes
    python -m benchmarks.sensor_instructions --kernels 6.12        one kernel
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.guest_counts import COUNT
from benchmarks.result import Bar, describe_machine, finish

KERNELS = ("6.1", "6.12")
TIERS = ("L", "T", "S")

MOST_ADDED: Mapping[str, Mapping[str, int]] = {
    "container call": {"L": 0, "T": 0, "S": 200},
    "container open": {"L": 1_500, "T": 1_500, "S": 2_200},
    "container new": {"L": 5_300, "T": 5_300, "S": 6_000},
    "container map": {"L": 1_750, "T": 930, "S": 2_200},
    "container exec": {"L": 10_000, "T": 8_500, "S": 6_500},
    "container connect": {"L": 2_500, "T": 2_500, "S": 3_700},
    "host call": {"L": 0, "T": 0, "S": 200},
    "host open": {"L": 200, "T": 200, "S": 490},
    "host exec": {"L": 3_500, "T": 3_000, "S": 3_000},
}
"""Instructions that the hooks of a tier may add to an operation: a fifth more than was measured on either kernel.

`call` is a system call that no hook is about: tiers L and T leave it alone, S looks at the end of each. An execution
itself varies by a thousand from run to run and a connection by 550, which their bars allow for; the rest does by less
than a hundred.
"""

RULER = 100_000
"""Instructions that benchmarks/operations.c counts to show that it counts instructions."""

MOST_APART = 0.01
"""The share by which the same operation may differ between two measurements."""

_SCRIPT = Path("scripts/kernel-guest")
_SECONDS = 1_800
_TINY = 'void _start(void) { __asm__ volatile("syscall" : : "a"(60), "D"(0)); }'
"""A program that ends: with a C library what is counted would mostly be that library's memory."""

_COUNTED = re.compile(r'\{"watcher": .*\}')
"""Not always from the beginning of a line: the machine's firmware does not end its own."""

_LIBRARY = re.compile(r"=> (/\S+)")

Counts = Mapping[str, Mapping[str, int]]
"""Instructions by watcher, and by place and operation."""


def lay(folder: Path) -> None:
    """Put into `folder` what the emulated machine needs beside the sensor: operations, their files, and bpftrace."""
    bench, package = folder / "bench", folder / "deadlight/src/benchmarks"
    (bench / "files").mkdir(parents=True)
    package.mkdir(parents=True)
    here = Path(__file__).parent
    shutil.copy(here / "guest_counts.py", package)
    (folder / "tiny.c").write_text(_TINY)
    _compile(here / "operations.c", bench / "operations")
    _compile(folder / "tiny.c", bench / "tiny", "-nostdlib")
    for number in range(COUNT):
        (bench / "files" / str(number)).touch()
    _lay_bpftrace(folder)


def _compile(source: Path, program: Path, *options: str) -> None:
    subprocess.run(["gcc", "-O2", "-static", *options, "-o", program, source], check=True)


def _lay_bpftrace(folder: Path) -> None:
    """This machine's, with its libraries: both are Debian 12."""
    program = shutil.which("bpftrace")
    assert program is not None
    libraries = folder / "usr/lib/x86_64-linux-gnu"
    libraries.mkdir(parents=True)
    (folder / "usr/bin").mkdir()
    shutil.copy(program, folder / "usr/bin")
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for library in _LIBRARY.findall(listed):
        shutil.copy(library, libraries)


def boot(series: str, folder: Path) -> Counts:
    """What the emulated machine counted with the kernel of a series."""
    settings = {
        "DEADLIGHT_GUEST_COUNTS": "1",
        "DEADLIGHT_GUEST_SECONDS": str(_SECONDS),
        "DEADLIGHT_GUEST_APPEND": "nokaslr norandmaps",
    }
    done = subprocess.run(
        [_SCRIPT, series, "benchmarks.guest_counts", folder],
        stdout=subprocess.PIPE,
        check=False,
        env=os.environ | settings,
    )
    said = done.stdout.decode(errors="replace").replace("\r", "")
    if "end of check" not in said.splitlines():
        raise SystemExit(f"{_SCRIPT} {series} did not come to its end (status {done.returncode}):\n{said[-3_000:]}")
    counts = parse(said)
    if missing := {*TIERS, "bpftrace", "nothing", "nothing again"} - set(counts):
        raise SystemExit(f"the machine with {series} counted nothing for: {', '.join(sorted(missing))}")
    return counts


def parse(said: str) -> Counts:
    """The counts among what the emulated machine printed."""
    found: dict[str, dict[str, int]] = {}
    for line in _COUNTED.findall(said):
        row = json.loads(line)
        medians = {f"{row['place']} {operation}": count for operation, count in row["medians"].items()}
        found.setdefault(row["watcher"], {}).update(medians)
    return found


def added(counts: Counts, watcher: str, operation: str) -> int:
    """Instructions that a watcher adds to an operation."""
    return counts[watcher][operation] - counts["nothing"][operation]


def describe(counts: Counts) -> dict[str, dict[str, float]]:
    """For each operation what it takes, what watchers add, and how that compares with bpftrace and the operation."""
    return {operation: _describe(counts, operation) for operation in counts["nothing"] if "ruler" not in operation}


def _describe(counts: Counts, operation: str) -> dict[str, float]:
    itself, baseline = counts["nothing"][operation], added(counts, "bpftrace", operation)
    row: dict[str, float] = {"itself": itself, "again": counts["nothing again"][operation], "bpftrace adds": baseline}
    for tier in TIERS:
        more = added(counts, tier, operation)
        row[f"{tier} adds"] = more
        row[f"{tier} of bpftrace"] = round(more / max(baseline, 1), 2)
        row[f"{tier} of itself"] = round(more / itself, 3)
    return row


def judge(kernels: Mapping[str, Counts]) -> list[Bar]:
    """Whether every kernel keeps to every bar."""
    every = kernels.values()
    return [
        *(
            Bar(
                f"{operation} adds at most {', '.join(f'{most:,} ({tier})' for tier, most in limits.items())}",
                all(added(counts, tier, operation) <= most for counts in every for tier, most in limits.items()),
            )
            for operation, limits in MOST_ADDED.items()
        ),
        Bar("opening a known file adds less than bpftrace does", all(map(_undercuts_bpftrace, every))),
        Bar("the clock counts instructions", all(map(_counts_instructions, every))),
        Bar(f"measured again within {MOST_APART:.0%}", all(map(_is_repeatable, every))),
    ]


def _undercuts_bpftrace(counts: Counts) -> bool:
    opens = ("container open", "host open")
    return all(added(counts, tier, name) < added(counts, "bpftrace", name) for tier in TIERS for name in opens)


def _counts_instructions(counts: Counts) -> bool:
    return all(_near(measured["container ruler"], RULER) for measured in counts.values())


def _is_repeatable(counts: Counts) -> bool:
    return all(_near(again, counts["nothing"][name]) for name, again in counts["nothing again"].items())


def _near(one: int, other: int) -> bool:
    return abs(one - other) <= MOST_APART * other


def main() -> None:
    """Run everything and end the process with the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernels", nargs="+", choices=KERNELS, default=KERNELS)
    arguments = parser.parse_args()
    print(describe_machine(), flush=True)
    for program in ("gcc", "bpftrace"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} was not found (apt-get install gcc libc6-dev bpftrace)")
    kernels = {}
    with tempfile.TemporaryDirectory(prefix="dlb-guest-", dir="/var/tmp") as folder:
        lay(Path(folder))
        for series in arguments.kernels:
            kernels[series] = boot(series, Path(folder))
            for operation, row in describe(kernels[series]).items():
                print(series, operation, row, flush=True)
    figures: dict[str, object] = {series: describe(counts) for series, counts in kernels.items()}
    finish("sensor_instructions", figures, judge(kernels))


if __name__ == "__main__":
    main()
