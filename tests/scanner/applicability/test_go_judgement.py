import pytest

from deadlight.ecosystems import LinkedFunctions
from deadlight.model.vulnerability import Applicability, VulnerableImport
from deadlight.scanner import ApplicabilityResult, GoRecord, go_records, judge_linked_functions

PARSE = VulnerableImport("example.com/html", ("Parse", "Node.Walk"))
RECORD = GoRecord("GO-2026-0001", (PARSE,))
SHOP = "/usr/bin/shop"


def linked(count: int = 900, *, complete: bool = True, architecture: str = "amd64", **packages: str) -> LinkedFunctions:
    paths = {f"example.com/{name}": symbols.replace(" ", "\n") for name, symbols in packages.items()}
    return LinkedFunctions(paths, count, complete, architecture)


def judge(*programs: LinkedFunctions | None, records: tuple[GoRecord, ...] = (RECORD,)) -> ApplicabilityResult:
    return judge_linked_functions(records, {f"{SHOP}{number or ''}": item for number, item in enumerate(programs)})


@pytest.mark.req("A9")
def test_a_vulnerable_function_in_a_program_applies():
    found = judge(linked(html="Escape Parse"))
    assert found.status is Applicability.APPLICABLE
    assert found.reason == "example.com/html.Parse is linked into /usr/bin/shop."
    (place,) = found.evidence
    assert (place.path, place.line, place.call, place.rule_id) == (SHOP, 0, "example.com/html.Parse", "GO-2026-0001")


@pytest.mark.req("A9")
def test_without_a_vulnerable_function_in_any_program_it_does_not_apply():
    found = judge(linked(html="Escape ParseAll Node.WalkAll", other="Parse"), linked(100))
    assert found.status is Applicability.NOT_APPLICABLE
    assert found.reason == (
        "None of the 1000 functions linked into /usr/bin/shop and 1 more is one that GO-2026-0001 names."
    )
    assert found.evidence == ()


def test_one_program_and_one_record_are_enough_to_apply():
    other = GoRecord("GO-2026-0002", ())
    found = judge(None, linked(html="Node.Walk"), linked(complete=False), records=(other, RECORD))
    assert found.status is Applicability.APPLICABLE
    assert [place.path for place in found.evidence] == ["/usr/bin/shop1"]


@pytest.mark.parametrize(
    ("programs", "records", "doubt"),
    [
        ([linked()], (RECORD, GoRecord("GO-2026-0002", ())), "GO-2026-0002 does not name the functions it is about"),
        ([], (RECORD,), "it is not known which programs the module was linked into"),
        ([linked(), None], (RECORD,), "the functions of /usr/bin/shop1 could not be read"),
        ([linked(complete=False)], (RECORD,), "/usr/bin/shop was built with Go before 1.16, whose"),
        (
            [linked(html="Escape")],
            (GoRecord("GO-2026-0002", (VulnerableImport("example.com/html"),)),),
            "GO-2026-0002 is about all of example.com/html, which /usr/bin/shop has functions of",
        ),
        (
            [LinkedFunctions({"main": "Parse\nmain"}, 2, True, "amd64")],
            (RECORD,),
            "/usr/bin/shop does not tell whether its own package is example.com/html",
        ),
    ],
)
def test_what_proves_nothing_is_undetermined(programs, records, doubt):
    found = judge(*programs, records=records)
    assert found.status is Applicability.UNDETERMINED
    assert found.reason.startswith(f"It cannot be told, for {doubt}")


def test_a_package_that_is_vulnerable_as_a_whole_and_not_linked_does_not_apply():
    whole = GoRecord("GO-2026-0002", (VulnerableImport("example.com/html"),))
    assert judge(linked(other="Parse"), records=(whole,)).status is Applicability.NOT_APPLICABLE


def test_an_own_package_of_unknown_path_is_no_doubt_where_it_has_no_such_function():
    program = LinkedFunctions({"main": "main\nrun"}, 2, True, "amd64")
    assert judge(program).status is Applicability.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("goos", "goarch", "status"),
    [
        ((), (), Applicability.APPLICABLE),
        (("windows", "linux"), (), Applicability.APPLICABLE),
        (("windows",), (), Applicability.NOT_APPLICABLE),
        ((), ("arm64", "amd64"), Applicability.APPLICABLE),
        ((), ("ppc64le",), Applicability.NOT_APPLICABLE),
    ],
)
def test_what_concerns_other_systems_or_architectures_does_not_count(goos, goarch, status):
    record = GoRecord("GO-2026-0001", (VulnerableImport("example.com/html", ("Parse",), goos, goarch),))
    assert judge(linked(html="Parse"), records=(record,)).status is status


def test_an_unknown_architecture_may_be_any():
    record = GoRecord("GO-2026-0001", (VulnerableImport("example.com/html", ("Parse",), (), ("ppc64le",)),))
    assert judge(linked(html="Parse", architecture=""), records=(record,)).status is Applicability.APPLICABLE


@pytest.mark.parametrize(("symbol", "functions"), [("Node", "Node.Walk"), ("init#1", "init"), ("Walk", "Run Walk")])
def test_a_type_stands_for_its_methods_and_a_numbered_init_for_all(symbol, functions):
    record = GoRecord("GO-2026-0001", (VulnerableImport("example.com/html", (symbol,)),))
    assert judge(linked(html=functions), records=(record,)).status is Applicability.APPLICABLE


def test_only_records_of_go_s_own_database_decide():
    assert go_records({"GHSA-1": (), "GO-2026-0001": (PARSE,)}) == (RECORD,)
    assert judge(linked(html="Parse"), records=()).status is Applicability.NOT_COVERED
