import importlib.metadata
from pathlib import Path

import pytest

from deadlight.ecosystems import Distribution, Document, source_of_bytecode
from deadlight.ecosystems.python_metadata import PYTHON, normalise_name

SITE = "usr/local/lib/python3.12/site-packages"


def catalogue(documents: dict[str, bytes]):
    assert all(PYTHON.wants(path) for path in documents)
    return PYTHON.catalogue({path: Document(text, "sha256:1") for path, text in documents.items()}, Distribution())


def test_a_wheel_is_known_by_its_metadata_and_owns_its_record():
    record = """\
../../../bin/flask,sha256=x,1
flask/__init__.py,sha256=x,1
flask/__pycache__/__init__.cpython-312.pyc,,
flask/__pycache__/gone.cpython-312.pyc,,
"flask/a, b.py",,
/etc/flask.cfg,,
Flask-3.0.0.dist-info/RECORD,,
"""
    found = catalogue(
        {
            f"{SITE}/Flask-3.0.0.dist-info/METADATA": b"Metadata-Version: 2.1\r\nName: Flask\r\nVersion: 3.0.0\r\n"
            b"Requires-Dist: Jinja2 >=3.1.2\r\nRequires-Dist: python-dotenv ; extra == 'dotenv'\r\n\r\nName: other\r\n",
            f"{SITE}/Flask-3.0.0.dist-info/RECORD": record.encode(),
        }
    )
    (flask,) = found.packages
    assert (flask.package.name, flask.package.version, flask.package.ecosystem) == ("flask", "3.0.0", "PyPI")
    assert flask.package.purl == "pkg:pypi/flask@3.0.0"
    assert flask.files == (
        "/usr/local/bin/flask",
        f"/{SITE}/flask/__init__.py",
        f"/{SITE}/flask/__pycache__/gone.cpython-312.pyc",
        f"/{SITE}/flask/a, b.py",
        "/etc/flask.cfg",
        f"/{SITE}/Flask-3.0.0.dist-info/RECORD",
    )
    assert found.requirements == {"flask": frozenset({"jinja2", "python-dotenv"})}
    assert found.problems == ()


def test_paths_that_climb_out_end_at_the_root():
    found = catalogue({"a-1.dist-info/METADATA": b"Name: a\nVersion: 1\n", "a-1.dist-info/RECORD": b"../../../x,,\n"})
    assert found.packages[0].files == ("/x",)


def test_an_egg_info_folder_owns_its_installed_files():
    found = catalogue(
        {
            "usr/lib/a.egg-info/PKG-INFO": b"Name: a\nVersion: 1\n",
            "usr/lib/a.egg-info/installed-files.txt": b"../a/__init__.py\nPKG-INFO\n",
            "usr/lib/a.egg-info/SOURCES.txt": b"setup.py\n",
            "usr/lib/a.egg-info/requires.txt": b"b>=1\n\n[extra]\nC\n",
        }
    )
    assert found.packages[0].files == ("/usr/lib/a/__init__.py", "/usr/lib/a.egg-info/PKG-INFO")
    assert found.requirements == {"a": frozenset({"b", "c"})}


def test_without_such_a_list_an_egg_info_folder_owns_its_sources():
    found = catalogue({"l/a.egg-info/PKG-INFO": b"Name: a\nVersion: 1\n", "l/a.egg-info/SOURCES.txt": b"a/b.py\n"})
    assert found.packages[0].files == ("/l/a/b.py",)


def test_distutils_wrote_the_metadata_as_one_file():
    found = catalogue({"usr/lib/python3/dist-packages/a-1.egg-info": b"Name: A_b\nVersion: 1\n"})
    assert [(p.package.name, p.files) for p in found.packages] == [("a-b", ())]


def test_an_egg_folder_is_a_distribution():
    found = catalogue({"x/a-1-py3.egg/EGG-INFO/PKG-INFO": b"Name: a\nVersion: 1\n"})
    assert [p.package.purl for p in found.packages] == ["pkg:pypi/a@1"]


@pytest.mark.parametrize(
    "text", [b"", b"Name: a\n", b"Version: 1\n", b"Name: ../x\nVersion: 1\n", b"Summary: x\n\nName: a\nVersion: 1\n"]
)
def test_metadata_without_name_and_version_is_named_not_guessed(text):
    found = catalogue({"a-1.dist-info/METADATA": text})
    assert found.packages == ()
    assert found.problems == ("a-1.dist-info/METADATA in layer sha256:1: no valid Name and Version, not catalogued",)


@pytest.mark.parametrize("tail", [b"a/c", b"a/c,sha2", b'"a/c', b"a/c,\0" + b"x" * 200_000 + b",1"])
def test_a_file_list_cut_short_keeps_its_whole_rows_and_says_so(tail):
    found = catalogue(
        {"a-1.dist-info/METADATA": b"Name: a\nVersion: 1\n", "a-1.dist-info/RECORD": b"a/b.py,,\n" + tail}
    )
    assert found.packages[0].files == ("/a/b.py",)
    assert "a-1.dist-info/RECORD in layer sha256:1: row 2" in found.problems[0]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("/a/__pycache__/b.cpython-311.pyc", "/a/b.py"),
        ("/a/__pycache__/b.cpython-311.opt-1.pyc", "/a/b.py"),
        ("/a/b.pyc", "/a/b.py"),
        ("/__pycache__/b.pypy310.pyc", "/b.py"),
        ("/a/b.py", ""),
        ("/a/b.so", ""),
    ],
)
def test_byte_code_belongs_to_its_source(path, source):
    assert source_of_bytecode(path) == source


@pytest.mark.req("A8")
def test_this_environments_distributions_are_those_importlib_lists():
    site = Path(str(importlib.metadata.distribution("pytest").locate_file("")))
    files = [path for name in ("METADATA", "RECORD") for path in site.glob(f"*.dist-info/{name}")]
    documents = {str(path.relative_to("/")): path.read_bytes() for path in files}
    found = catalogue(documents)
    known = importlib.metadata.distributions(path=[str(site)])
    expected = sorted({(normalise_name(d.metadata["Name"]), d.version) for d in known})
    assert found.problems == ()
    assert sorted({(p.package.name, p.package.version) for p in found.packages}) == expected
    assert len(expected) > 20
    pytest_files = {
        str(Path(str(file.locate())).resolve())
        for file in importlib.metadata.distribution("pytest").files or ()
        if file.suffix == ".py"
    }
    (pytest_package,) = (p for p in found.packages if p.package.name == "pytest")
    assert pytest_files == {path for path in pytest_package.files if path.endswith(".py")}
