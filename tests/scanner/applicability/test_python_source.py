import contextlib
import sys
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deadlight.scanner.applicability.python_source import MAX_USES, UnreadableSourceError, Use, analyse_source


def uses(source: str) -> list[Use]:
    return list(analyse_source(source.encode()).uses)


def called(source: str) -> set[str]:
    return {use.name for use in uses(source) if use.called}


def referred(source: str) -> set[str]:
    return {use.name for use in uses(source) if not use.called}


def test_calls_are_found_with_their_first_line():
    assert uses("import yaml\n\ny = 1\nyaml.load(y)\nyaml.load(y)\n") == [Use("yaml.load", 4, called=True)]


@pytest.mark.parametrize(
    "source",
    [
        "import yaml\nyaml.load(1)",
        "from yaml import load\nload(1)",
        "import yaml\nwith open(1) as f: x = [yaml.load(l) for l in f]",
        "import yaml\nclass A:\n  x = lambda self: yaml.load(self)",
        "import yaml\nasync def f():\n  await g(yaml.load(1))",
        "import yaml\n@yaml.load\ndef f(): pass",
        "import yaml\n@yaml.load\nclass A: pass",
        "import yaml\nclass A(yaml.load): pass",
        "from yaml import *\nload(1)",
        "\ufeffimport yaml\nyaml.load(1)",
        "# -*- coding: latin-1 -*-\nimport yaml\nyaml.load('x')",
    ],
)
def test_a_call_is_found_wherever_it_is_written(source):
    assert "yaml.load" in called(source)


def test_calls_of_the_standard_library_and_of_locals_are_not_kept():
    assert uses("import os, json\nos.path.join(json.loads(1))\ndef f(): load = 1\nf()\nself.load()") == []


@pytest.mark.parametrize(
    "source",
    [
        "import yaml\nx = yaml.load",
        "import yaml\nf(yaml.load)",
        "import yaml\nf(key=yaml.load)",
        "from yaml import load",
    ],
)
def test_a_name_passed_on_is_a_reference(source):
    assert (called(source), referred(source)) == (set(), {"yaml.load"})


@pytest.mark.parametrize(
    "source", ["import yaml\ngetattr(yaml, name)(1)", "import yaml", "import yaml\nx = yaml", "from yaml import *"]
)
def test_a_module_passed_on_is_a_reference(source):
    assert "yaml" in referred(source)


@pytest.mark.parametrize(
    "source",
    ["try:\n  import yaml\nexcept ImportError:\n  yaml = None\nif yaml is None: f()\nif yaml is not None: f()"],
)
def test_asking_whether_an_optional_module_is_there_uses_nothing(source):
    assert uses(source) == []


def test_arguments_of_a_call_are_named_where_they_are_imported():
    (use,) = (
        u for u in uses("import yaml\nyaml.load(f, *a, Loader=yaml.SafeLoader, safe=True, n=3, o=None)") if u.called
    )
    assert use.arguments == (("yaml.SafeLoader",), ("safe=True",), ("o=None",))


@pytest.mark.parametrize(
    "call",
    [
        "__import__('yaml')",
        "eval('1')",
        "exec('1')",
        "importlib.import_module('yaml')",
        "il.import_module(x)",
        "import_module(x)",
        "runpy.run_path(x)",
    ],
)
def test_what_runs_or_imports_text_makes_a_file_dynamic(call):
    header = "import importlib, runpy\nimport importlib as il\nfrom importlib import import_module\n"
    assert analyse_source(f"{header}\n{call}\n".encode()).dynamic_line == 5


def test_ordinary_use_of_importlib_is_not_dynamic():
    source = b"import importlib.metadata\nimportlib.metadata.version('x')\nre.compile('x')\nmodel.eval()\n"
    assert analyse_source(source).dynamic_line == 0


@pytest.mark.parametrize(
    "source",
    [
        b"print 'python 2'",
        b"(",
        b"a\0b",
        b"\xff\xfe",
        b"# coding: nonsense\n",
        b"x = " + b"-" * 100_000 + b"1",
        b"x = a" + b".b" * 50_000,
        b"x = a" + b"()" * 50_000,
        b"x = 1" + b"+1" * 50_000,
        b"import a" + b".a" * 100_000,
        b"from a" + b".a" * 100_000 + b" import b",
        b"from a" + b" . \\\n a" * 20_000 + b" import b",
        b"if 1:\n pass\n" + b"elif 1:\n pass\n" * 20_000,
        b"x = " + b"9" * 10_000,
    ],
    ids=range(14),
)
def test_what_cannot_be_parsed_is_unreadable(source):
    with pytest.raises(UnreadableSourceError):
        analyse_source(source)


def test_a_file_with_too_many_uses_is_unreadable():
    source = "import a\n" + "\n".join(f"a.b{number}" for number in range(MAX_USES + 1))
    with pytest.raises(UnreadableSourceError, match="more than"):
        analyse_source(source.encode())


def test_warnings_about_the_source_are_not_ours():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert analyse_source(b"x = '\\q'\nif x is 'y': pass\n").uses == ()


words = st.sampled_from(
    [
        "import yaml",
        "from a import b",
        "\n",
        "  ",
        "yaml",
        ".",
        "load",
        "(",
        ")",
        "class A",
        ":",
        "x=1",
        "def f",
        "@",
        "'",
        "*",
        ",",
        "\\",
        "\t",
    ]
)


@settings(max_examples=300)
@given(st.lists(words, max_size=25).map(" ".join).map(str.encode) | st.binary(max_size=80))
def test_any_text_raises_nothing_but_unreadable(source):
    with contextlib.suppress(UnreadableSourceError):
        analyse_source(source)


def test_the_standard_librarys_own_modules_can_be_analysed():
    """Real code of every style; `this` and `antigravity` would act if they were run."""
    for module in ("argparse", "asyncio.tasks", "dataclasses", "typing", "unittest.mock", "email.message"):
        __import__(module)
        analyse_source(Path(sys.modules[module].__file__ or "").read_bytes())
