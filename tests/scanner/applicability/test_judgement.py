import msgspec
import pytest
from tests.scanner.layer_builder import LayerBuilder

from deadlight.model.package import Package
from deadlight.model.vulnerability import Applicability
from deadlight.scanner import ApplicabilityResult, Evidence, FirstPartyCode, judge_applicability, load_rules, squash

RULES = load_rules()
PYYAML = Package("PyPI", "pyyaml", "5.0", "pkg:pypi/pyyaml@5.0", "pyyaml", "5.0")


def judge(*ids: str, package: Package = PYYAML, **files: str) -> ApplicabilityResult:
    """Judge an image whose files are given by path, with `__` for a slash and without `.py`."""
    layer = LayerBuilder()
    for path, content in files.items():
        layer.file(f"{path.replace('__', '/')}.py", content)
    return judge_applicability(RULES, squash([layer.scan()]).calls, ids or ("CVE-2017-18342",), package)


@pytest.mark.req("A9")
def test_a_call_makes_it_applicable_with_the_place_as_evidence():
    result = judge(app__main="import settings\n", app__settings="import yaml as y\n\ndata = y.load(open('x'))\n")
    assert result.status is Applicability.APPLICABLE
    assert result.evidence == (Evidence("/app/settings.py", 3, "yaml.load", "pyyaml-load"),)
    assert result.reason == "/app/settings.py line 3 calls yaml.load."


@pytest.mark.req("A9")
def test_all_source_read_and_no_call_makes_it_not_applicable():
    result = judge(app__main="import yaml\nyaml.safe_load(open('x'))\n")
    assert (result.status, result.evidence) == (Applicability.NOT_APPLICABLE, ())
    assert result.reason.startswith("None of the 1 own source files calls yaml.load, ")


@pytest.mark.req("A9")
def test_a_vulnerability_no_rule_names_is_not_covered():
    result = judge("CVE-1999-0001", app__main="import yaml\nyaml.load(1)\n")
    assert (result.status, result.reason) == (Applicability.NOT_COVERED, "No rule names CVE-1999-0001.")


def test_any_of_the_ids_of_a_vulnerability_will_do():
    result = judge("GHSA-rprw-h62v-c2w7", "CVE-2017-18342", app__main="import yaml\nyaml.load(1)\n")
    assert result.status is Applicability.APPLICABLE


@pytest.mark.req("A9")
@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "holds no source file of its own"),
        ({"app__main": "print 'x'"}, "holds no source file of its own"),
        (
            {"app__main": "import os\n", "app__old": "print 'x'"},
            "1 of its own files could not be read, such as /app/old.py",
        ),
        (
            {"app__main": "import importlib\nimportlib.import_module(x)\n"},
            "/app/main.py line 2 finds names at run time",
        ),
        ({"app__main": "import yaml\nf(yaml.load)\n"}, "/app/main.py line 2 refers to yaml.load"),
        ({"app__main": "from yaml import load\n"}, "/app/main.py line 1 refers to yaml.load"),
        ({"app__main": "import yaml\ngetattr(yaml, 'load')(1)\n"}, "/app/main.py line 2 refers to yaml"),
        (
            {"app__main": "from app.compat import yaml\nyaml.load(1)\n"},
            "/app/main.py line 2 refers to app.compat.yaml.load",
        ),
        ({"app__main": "from .compat import *\nyaml.load(1)\n"}, "/app/main.py line 2 refers to .compat.yaml.load"),
    ],
)
def test_whatever_leaves_a_doubt_makes_it_undetermined(files, reason):
    result = judge(**files)
    assert result.status is Applicability.UNDETERMINED
    assert reason in result.reason
    assert result.evidence == ()


def test_another_installed_package_that_needs_it_leaves_a_doubt():
    layer = LayerBuilder().file("app/main.py", "import tool\ntool.run()\n")
    layer.file("s/tool-1.dist-info/METADATA", "Name: tool\nVersion: 1\nRequires-Dist: PyYAML>=5\n")
    result = judge_applicability(RULES, squash([layer.scan()]).calls, ["CVE-2017-18342"], PYYAML)
    assert result.status is Applicability.UNDETERMINED
    assert "tool may call it" in result.reason


def test_byte_code_without_source_leaves_a_doubt():
    layer = LayerBuilder().file("app/main.py", "import os\n").file("app/secret.pyc", b"\0")
    result = judge_applicability(RULES, squash([layer.scan()]).calls, ["CVE-2017-18342"], PYYAML)
    assert (result.status, "/app/secret.pyc is not source" in result.reason) == (Applicability.UNDETERMINED, True)


@pytest.mark.parametrize(
    ("loader", "status"),
    [
        ("yaml.SafeLoader", Applicability.NOT_APPLICABLE),
        ("Loader", Applicability.APPLICABLE),
        ("Maybe", Applicability.APPLICABLE),
        ("Own", Applicability.NOT_APPLICABLE),
        ("unknown", Applicability.APPLICABLE),
    ],
)
def test_only_an_argument_that_is_safe_in_every_meaning_makes_a_call_harmless(loader, status):
    header = (
        "import yaml\nfrom yaml import UnsafeLoader as Loader\n"
        "try:\n  from yaml import CSafeLoader as Maybe\nexcept ImportError:\n  from yaml import UnsafeLoader as Maybe\n"
        "class Own(yaml.SafeLoader): pass\n"
    )
    assert judge(app__main=f"{header}yaml.load(1, Loader={loader})\n").status is status


def test_a_harmless_call_does_not_hide_another():
    result = judge(app__a="import yaml\nyaml.load(1, yaml.SafeLoader)\nyaml.load(1)\n")
    assert [place.line for place in result.evidence] == [3]


def test_code_of_installed_packages_is_not_the_images_own():
    layer = LayerBuilder().file("app/main.py", "import os\n")
    layer.file("usr/lib/python3/dist-packages/x.py", "import yaml\nyaml.load(1)\n")
    result = judge_applicability(RULES, squash([layer.scan()]).calls, ["CVE-2017-18342"], PYYAML)
    assert result.status is Applicability.NOT_APPLICABLE


def test_source_deleted_by_an_upper_layer_does_not_count():
    lower = LayerBuilder().file("app/main.py", "import os\n").file("app/old.py", "import yaml\nyaml.load(1)\n")
    contents = squash([lower.scan(), LayerBuilder().whiteout("app/old.py").scan()])
    assert judge_applicability(RULES, contents.calls, ["CVE-2017-18342"], PYYAML).status is Applicability.NOT_APPLICABLE


def test_what_a_judgement_rests_on_can_be_stored():
    layer = (
        LayerBuilder()
        .file("app/main.py", "import yaml\nyaml.load(1, Loader=yaml.SafeLoader)\n")
        .file("app/bad.py", "(")
    )
    layer.file("s/a-1.dist-info/METADATA", "Name: a\nVersion: 1\nRequires-Dist: b\n")
    code = squash([layer.scan()]).calls
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(code), type=FirstPartyCode) == code


def test_evidence_is_bounded():
    source = "import yaml\n" + "".join(f"import m{n}\nyaml.load(1, m{n})\n" for n in range(80))
    assert len(judge(app__main=source).evidence) == 50
