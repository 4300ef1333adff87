import pytest

from deadlight.scanner.applicability import first_party


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("app/main.py", True),
        ("srv/lib/tools/x.py", True),
        ("usr/local/lib/python3.12/site-packages/flask/app.py", False),
        ("usr/lib/python3/dist-packages/yaml/__init__.py", False),
        ("usr/local/lib/python3.12/json/decoder.py", False),
        ("opt/conda/lib/python3.11/os.py", False),
        ("app/node_modules/node-gyp/gyp/gyp_main.py", False),
        ("app/__pycache__/main.cpython-312.pyc", False),
    ],
)
def test_own_code_lies_outside_of_installed_packages(path, own):
    assert first_party.may_be_own(path) is own


@pytest.mark.parametrize(
    ("path", "executable", "worth_reading"),
    [
        ("app/main.py", False, True),
        ("app/gui.pyw", False, True),
        ("app/serve", True, True),
        ("app/serve", False, False),
        ("app/run.sh", True, False),
        ("usr/local/bin/pip3", True, False),
        ("usr/local/bin/python3.12-config", True, False),
        ("usr/lib/python3/dist-packages/x.py", True, False),
    ],
)
def test_source_is_told_by_name_or_by_being_an_executable_without_suffix(path, executable, worth_reading):
    may_be_one = first_party.may_be_source(path) or (executable and first_party.may_be_script(path))
    assert may_be_one is worth_reading


@pytest.mark.parametrize(
    ("content", "python"),
    [
        (b"#!/usr/bin/env python3\n", True),
        (b"#!/usr/bin/python -O", True),
        (b"#!/bin/sh\n# python\n", False),
        (b"\x7fELFpython", False),
    ],
)
def test_a_script_is_pythons_by_its_first_line(content, python):
    assert first_party.is_python_script(content) is python


@pytest.mark.parametrize(
    ("path", "closed"),
    [
        ("app/a.pyc", True),
        ("app/a.pyz", True),
        ("app/fast.cpython-312-x86_64-linux-gnu.so", True),
        ("app/fast.abi3.so", True),
        ("app/libssl.so.3", False),
        ("app/a.py", False),
    ],
)
def test_closed_code_is_what_has_no_source(path, closed):
    assert first_party.is_closed_code(path) is closed
