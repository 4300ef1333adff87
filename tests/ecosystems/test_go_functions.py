import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ecosystems.program_builder import elf
from tests.support.go_programs import (
    FIRST_LAYOUT,
    GO_1_16,
    GO_1_18,
    GO_1_20,
    SHOP,
    build_info,
    function_table,
    go_program,
)

from deadlight.ecosystems import LinkedFunctions, UnreadableFileError, go_functions, list_linked_functions

LATER = [GO_1_16, GO_1_18, GO_1_20]


def read(program: bytes) -> LinkedFunctions:
    found = list_linked_functions(memoryview(program))
    assert found is not None
    return found


def linked(*names: str, modules: str = SHOP) -> dict[str, list[str]]:
    return {path: symbols.split("\n") for path, symbols in read(go_program(names, modules=modules)).packages.items()}


@pytest.mark.parametrize("layout", [FIRST_LAYOUT, *LATER])
@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_layout_is_read(layout, bits, order):
    names = ["runtime.goexit", "net/http.(*Server).Serve", "example.com/shop.Größe"]
    found = read(go_program(names, layout=layout, bits=bits, order=order))
    assert found.packages == {
        "runtime": "goexit",
        "net/http": "Server.Serve",
        "example.com/shop": "Größe",
    }
    assert found.count == 3
    assert found.complete == (layout != FIRST_LAYOUT)


@pytest.mark.parametrize(
    ("name", "package", "symbol"),
    [
        ("example.com/a.F", "example.com/a", "F"),
        ("example.com/a.T.M", "example.com/a", "T.M"),
        ("example.com/a.(*T).M", "example.com/a", "T.M"),
        ("example.com/a.(*T).M-fm", "example.com/a", "T.M"),
        ("example.com/a.F.func1", "example.com/a", "F"),
        ("example.com/a.F.func1.2.3", "example.com/a", "F"),
        ("example.com/a.F.gowrap2", "example.com/a", "F"),
        ("example.com/a.F.deferwrap1", "example.com/a", "F"),
        ("example.com/a.F.(*T).M.func1", "example.com/a", "F"),
        ("example.com/a.(*T).M.func1", "example.com/a", "T.M"),
        ("example.com/a.T.M.func1", "example.com/a", "T.M"),
        ("example.com/a.init.0", "example.com/a", "init"),
        ("example.com/a.function1", "example.com/a", "function1"),
        ("example.com/a.T.functional", "example.com/a", "T.functional"),
        ("example.com/a.Sum[...]", "example.com/a", "Sum"),
        ("example.com/a.Sum[...].func1", "example.com/a", "Sum"),
        ("example.com/a.(*Box[...]).Get", "example.com/a", "Box.Get"),
        ("example.com/a.Box[example.com/b.T[int]].Get", "example.com/a", "Box.Get"),
        ("gopkg.in/yaml%2ev3.Unmarshal", "gopkg.in/yaml.v3", "Unmarshal"),
        ("go.uber.org/zap.New", "go.uber.org/zap", "New"),
    ],
)
def test_names_are_those_of_functions_and_methods_in_the_source(name, package, symbol):
    assert linked(name) == {package: [symbol]}


def test_what_has_no_package_or_is_the_compilers_own_is_left_out():
    names = ["gogo", "type:.eq.example.com/a.T", "type..hash.[2]string", "go:buildid", ".F", "a.", "a.(b"]
    found = read(go_program(names))
    assert (found.packages, found.count) == ({}, len(names))


def test_the_program_s_own_package_has_the_path_it_is_built_from():
    assert linked("main.main", "main.(*T).M") == {"example.com/shop": ["T.M", "main"]}
    for modules in ("", "path\tcommand-line-arguments\ndep\texample.com/a\tv1.0.0\n"):
        assert linked("main.main", modules=modules) == {"main": ["main"]}


def test_a_module_that_stands_in_for_another_is_found_by_its_own_path_too():
    modules = "path\tp\ndep\texample.com/old\tv1.0.0\n=>\texample.com/fork\tv1.0.1\ndep\tb\tv1\n=>\t../b\t\n"
    assert linked("example.com/old.F", "example.com/old/in.G", "example.com/older.H", modules=modules) == {
        "example.com/old": ["F"],
        "example.com/old/in": ["G"],
        "example.com/older": ["H"],
        "example.com/fork": ["F"],
        "example.com/fork/in": ["G"],
    }


@pytest.mark.parametrize(
    ("bits", "order", "machine", "architecture"),
    [
        (64, "<", 62, "amd64"),
        (32, "<", 3, "386"),
        (64, "<", 183, "arm64"),
        (64, "<", 21, "ppc64le"),
        (64, ">", 21, "ppc64"),
        (64, ">", 8, "mips64"),
        (32, "<", 8, "mipsle"),
        (64, "<", 9999, ""),
    ],
)
def test_the_architecture_is_in_go_s_words(bits, order, machine, architecture):
    program = bytearray(go_program(["a.F"], bits=bits, order=order))
    struct.pack_into(f"{order}H", program, 18, machine)
    assert read(bytes(program)).architecture == architecture


def test_a_table_in_read_only_data_is_found():
    sections = {".go.buildinfo": build_info(), ".data.rel.ro.gopclntab": function_table(["a.F"])}
    assert read(elf(sections)).packages == {"a": "F"}


def test_what_is_no_go_program_is_passed_over():
    assert list_linked_functions(memoryview(elf({".text": b"code"}))) is None


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (b"", "without a table"),
        (b"\xf1\xff\xff\xff\0\0\1", "without a table"),
        (b"\xf2\xff\xff\xff\0\0\1\x08" + bytes(100), "unknown layout"),
        (b"\xf1\xff\xff\xff\0\0\1\x03" + bytes(100), "unknown layout"),
        (b"\xf1\xff\xff\xff\0\0\1\x08" + bytes(100), "damaged"),
        (b"\xf1\xff\xff\xff\0\0\1\x08" + bytes(10), "ends too early"),
        (b"\xfb\xff\xff\xff\0\0\1\x08\x09" + bytes(20), "ends too early"),
        (function_table(["a.F"], layout=FIRST_LAYOUT)[:-1], "damaged"),
        (function_table(["a.F"])[:-1], "damaged"),
    ],
)
def test_damage_is_named(table, reason):
    sections = {".go.buildinfo": build_info()} | ({".gopclntab": table} if table else {})
    with pytest.raises(UnreadableFileError, match=reason):
        list_linked_functions(memoryview(elf(sections)))


@pytest.mark.parametrize("layout", [FIRST_LAYOUT, GO_1_20])
def test_no_program_has_more_functions_than_the_bound(layout, monkeypatch):
    monkeypatch.setattr(go_functions, "MAX_FUNCTIONS", 3)
    assert read(go_program(["a.F"] * 3, layout=layout)).count == 3
    with pytest.raises(UnreadableFileError, match="more than 3 functions"):
        read(go_program(["a.F"] * 4, layout=layout))


@pytest.mark.parametrize("layout", [FIRST_LAYOUT, GO_1_20])
def test_no_name_is_longer_than_the_bound(layout, monkeypatch):
    monkeypatch.setattr(go_functions, "MAX_NAME_BYTES", 8)
    assert read(go_program(["a.FGHIJ"], layout=layout)).count == 1
    with pytest.raises(UnreadableFileError, match=r"damaged|longer than 8 bytes"):
        read(go_program(["a.FGHIJKL"], layout=layout))


def test_names_of_the_first_layout_are_bounded_altogether(monkeypatch):
    """There, several functions may name the same text."""
    monkeypatch.setattr(go_functions, "MAX_NAMES_BYTES", 8)
    with pytest.raises(UnreadableFileError, match="damaged"):
        read(go_program(["a.FGH", "a.GHI"], layout=FIRST_LAYOUT))


def test_only_modules_of_a_sensible_depth_are_stood_in_for(monkeypatch):
    modules = "path\tp\ndep\ta/b/c\tv1.0.0\n=>\tfork\tv1.0.1\n"
    assert set(linked("a/b/c/d.F", modules=modules)) == {"a/b/c/d", "fork/d"}
    monkeypatch.setattr(go_functions, "MAX_DEPTH", 2)
    assert set(linked("a/b/c/d.F", modules=modules)) == {"a/b/c/d"}


def test_no_program_has_longer_names_than_the_bounds(monkeypatch):
    monkeypatch.setattr(go_functions, "MAX_NAMES_BYTES", 8)
    assert read(go_program(["a.FGHIJ"])).count == 1
    with pytest.raises(UnreadableFileError, match="more than 8 bytes of names"):
        read(go_program(["a.FGHIJK"]))


@given(st.sampled_from([FIRST_LAYOUT, *LATER]), st.binary(max_size=200))
def test_no_table_raises_anything_else(layout, rest):
    table = struct.pack("<I4B", layout, 0, 0, 1, 8) + rest
    with suppress(UnreadableFileError):
        list_linked_functions(memoryview(elf({".go.buildinfo": build_info(), ".gopclntab": table})))


@given(st.sampled_from([FIRST_LAYOUT, GO_1_20]), st.integers(0, 400), st.binary(min_size=1, max_size=9))
def test_no_damage_raises_anything_else(layout, position, damage):
    program = bytearray(go_program(["runtime.goexit", "a.F[...].func1"], layout=layout))
    program[position : position + len(damage)] = damage
    with suppress(UnreadableFileError):
        list_linked_functions(memoryview(program))


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30), min_size=1, max_size=5
    )
)
def test_any_names_are_taken(names):
    found = read(go_program(names))
    assert found.count == sum(map(bool, names))
