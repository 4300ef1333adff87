"""Fuzz parsers for as long as one likes.

    make fuzz                         every target, ten minutes altogether
    make fuzz MINUTES=60
    make fuzz MINUTES=5 TARGET=layer  one of them
    python -m tests.fuzz --run INPUT TARGET   an input that was found, once more

Inputs that crash, hang or take too much memory are kept below `.fuzz/`, with everything tried so far that reached
something new. Coverage guides it where atheris is installed (the dependency group `fuzz`); else inputs change blindly.
"""

import argparse
import importlib
import sys
from contextlib import nullcontext, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

FOLDER = Path(".fuzz")
FEWEST_SECONDS = 2


def load_targets() -> Any:
    """The table, its parsers instrumented where that is possible."""
    try:
        import atheris  # noqa: PLC0415 - optional
    except ImportError:
        instrumented: Any = nullcontext()
    else:
        instrumented = atheris.instrument_imports(include=["deadlight"])
    # It names every module that it instruments.
    with instrumented, redirect_stderr(StringIO()):
        return importlib.import_module("tests.fuzz.targets").TARGETS


def main() -> int:
    """Run; 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="for all targets together")
    parser.add_argument("--run", type=Path, metavar="INPUT", help="read one file and end")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    arguments = parser.parse_args()
    targets = load_targets()
    if unknown := [name for name in arguments.targets if name not in targets]:
        print(f"no target {', '.join(unknown)}; there are: {', '.join(targets)}")
        return 2
    chosen = [targets[name] for name in arguments.targets or targets]
    if arguments.run:
        for target in chosen:
            target.run(arguments.run.read_bytes())
        return 0
    return run_all(chosen, max(FEWEST_SECONDS, int(arguments.minutes * 60 / len(chosen))))


def run_all(chosen: list[Any], seconds: int) -> int:
    """Each target for some seconds; a line for each that found something."""
    from tests.fuzz.engine import IS_GUIDED, fuzz  # noqa: PLC0415 - after the parsers were instrumented

    print(f"{len(chosen)} targets, {seconds} s each, {'guided by coverage' if IS_GUIDED else 'blind'}", flush=True)
    failed = 0
    for target in chosen:
        outcome = fuzz(target, seconds, FOLDER / target.name)
        if outcome.status:
            failed += 1
            kept = ", ".join(map(str, outcome.saved)) or "no input"
            print(f"{target.name}: {_last_words(outcome.log)} (kept: {kept}; log: {outcome.log})", flush=True)
    print(f"{failed} of {len(chosen)} targets found something")
    return 1 if failed else 0


def _last_words(log: Path) -> str:
    """What ended it, from its log."""
    lines = log.read_text(errors="replace").splitlines()
    told = [line.strip() for line in lines if "Error" in line or "ALARM" in line or "out-of-memory" in line]
    return told[0][:200] if told else (lines[-1][:200] if lines else "no log")


if __name__ == "__main__":
    sys.exit(main())
