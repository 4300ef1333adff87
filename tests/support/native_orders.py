"""Asks package managers' own libraries how two versions compare, through the system's Python, which can import them."""

import json
import os
import random
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

SYSTEM_PYTHON = Path("/usr/bin/python3")


PAIRS = int(os.environ.get("DEADLIGHT_ORACLE_PAIRS", "10000"))
"""How many pairs an order is held to. One that was changed is held to 100,000."""


def ask_system_python(module: str, program: str, questions: Sequence[Any]) -> list[int]:
    """Run `program`, which defines `answer(question)`, over all questions in one process: -1, 0 or 1 for each.

    Skips the test where the system's Python does not have `module`.
    """
    if (
        not SYSTEM_PYTHON.exists()
        or subprocess.run([SYSTEM_PYTHON, "-c", f"import {module}"], capture_output=True, check=False).returncode
    ):
        pytest.skip(f"{SYSTEM_PYTHON} cannot import {module}: the native order cannot be asked")
    loop = "import json, sys\nfor line in sys.stdin:\n    n = answer(json.loads(line))\n    print((n > 0) - (n < 0))\n"
    lines = "".join(f"{json.dumps(question)}\n" for question in questions)
    done = subprocess.run(
        [SYSTEM_PYTHON, "-c", f"import {module}\n{program}\n{loop}"],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(line) for line in done.stdout.split()]


def pairs_to_compare(
    real: Sequence[str], alphabet: str, valid: Callable[[str], bool], *, count: int, seed: int
) -> Iterator[tuple[str, str]]:
    """Half of them a version and what a few changed characters make of it, half two versions of no relation."""
    chance = random.Random(seed)
    known = [version for version in real if valid(version)]
    made = 0
    while made < count:
        first = chance.choice(known)
        if made % 2:
            second = chance.choice(known)
        else:
            second = _changed(first, alphabet, chance)
            if not valid(second):
                continue
            if len(known) < 5_000:
                known.append(second)
        made += 1
        yield first, second


def _changed(version: str, alphabet: str, chance: random.Random) -> str:
    characters = list(version)
    for _ in range(chance.randint(1, 3)):
        position = chance.randrange(len(characters) + 1)
        characters[position : position + chance.randint(0, 1)] = chance.choice(("", *alphabet))
    return "".join(characters)
