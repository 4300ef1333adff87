import ast

import pytest

from deadlight.scanner.applicability.python_names import MAX_MEANINGS, Names, TooManyMeaningsError


def meanings(source: str, expression: str) -> tuple[str, ...]:
    return Names(ast.parse(source)).meanings_of(ast.parse(expression, mode="eval").body)


@pytest.mark.parametrize(
    ("source", "expression", "expected"),
    [
        ("import yaml", "yaml.load", ("yaml.load",)),
        ("import yaml as y", "y.load", ("yaml.load",)),
        ("import lxml.html.clean", "lxml.html.clean.Cleaner", ("lxml.html.clean.Cleaner",)),
        ("import lxml.html.clean as c", "c.Cleaner", ("lxml.html.clean.Cleaner",)),
        ("from yaml import load as l", "l", ("yaml.load",)),
        ("from jinja2 import sandbox", "sandbox.SandboxedEnvironment", ("jinja2.sandbox.SandboxedEnvironment",)),
        ("from . import compat", "compat.yaml.load", (".compat.yaml.load",)),
        ("from ..a.b import c", "c", ("..a.b.c",)),
        ("def f():\n  import yaml", "yaml.load", ("yaml.load",)),
        (
            "try:\n  from yaml import CLoader as L\nexcept ImportError:\n  from yaml import Loader as L",
            "L",
            ("yaml.CLoader", "yaml.Loader"),
        ),
        ("import yaml\nclass L(yaml.SafeLoader): pass", "L", ("yaml.SafeLoader",)),
        ("import yaml\nclass L(yaml.SafeLoader): pass\nclass M(L): pass", "M", ("yaml.SafeLoader",)),
        ("from yaml import *", "load", ("yaml.load",)),
        ("from yaml import *\ndef load(): pass", "load", ()),
        ("from yaml import *\nload = 1", "load", ()),
        ("from yaml import *\ndef f(load): pass", "load", ()),
        ("from yaml import *", "print", ()),
        ("from os import *", "path", ()),
        ("import yaml", "load", ()),
        ("import yaml", "f().load", ()),
    ],
)
def test_names_mean_what_the_imports_say(source, expression, expected):
    assert meanings(source, expression) == expected


def test_a_name_may_not_mean_everything():
    source = "\n".join(f"import m{number} as x" for number in range(MAX_MEANINGS + 1))
    with pytest.raises(TooManyMeaningsError, match="'x'"):
        Names(ast.parse(source))
    with pytest.raises(TooManyMeaningsError, match="everything"):
        Names(ast.parse(source.replace("import", "from").replace("as x", "import *")))


def test_a_name_may_not_be_endless():
    with pytest.raises(TooManyMeaningsError, match="characters"):
        Names(ast.parse(f"import {'a' * 5000} as b"))
