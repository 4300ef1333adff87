"""What only the start needed is given back, and nothing that could not be found again."""

import subprocess
import sys

from deadlight.sensor.memory import iter_code

MAPS = """\
5581-55a0 r--p 00000000 fe:00 131 /usr/bin/python3.11
55a0-55b0 r-xp 00002000 fe:00 131 /usr/bin/python3.11
55b0-55b8 rw-p 00003000 fe:00 131 /usr/bin/python3.11
7f00-7f10 r-xp 00000000 00:00 0
7f10-7f20 r-xp 00001000 fe:00 97 /a folder/libcrypto.so.3
7ff0-7ff8 r-xp 00000000 00:00 0                          [vdso]
"""

RELEASE = """
from pathlib import Path
from deadlight.sensor.memory import release_code

def held():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssFile"))

import json, sqlite3, ssl
before = held()
release_code()
after = held()
print(before, after, ssl.create_default_context() is not None)
"""


def test_code_of_files_is_found_and_nothing_that_can_have_been_written_to():
    assert list(iter_code(MAPS.splitlines())) == [(0x55A0, 0x55B0), (0x7F10, 0x7F20)]


def test_a_program_holds_less_afterwards_and_goes_on():
    run = subprocess.run([sys.executable, "-c", RELEASE], capture_output=True, text=True, check=True)
    before, after, works = run.stdout.split()

    assert int(after) < int(before) - 1024
    assert works == "True"
