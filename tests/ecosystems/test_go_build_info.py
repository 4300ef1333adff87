import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ecosystems.catalogued import golden, purls
from tests.ecosystems.excerpted import catalogue_file, excerpt, versions
from tests.ecosystems.program_builder import ADDRESS, address_of, elf

from deadlight.ecosystems import UnreadableFileError
from deadlight.ecosystems.go_build_info import GO_PROGRAMS

MAGIC = b"\xff Go buildinf:"
SENTINEL = bytes(range(16))
MODULES = "path\tcommand\nmod\texample.com/shop\tv1.4.0\th1:x=\ndep\texample.com/a\tv0.3.0\th1:y=\n"


def varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def framed(modules: str) -> bytes:
    return SENTINEL + modules.encode() + SENTINEL if modules else b""


def program(modules: str = MODULES, toolchain: str = "go1.22.3") -> bytes:
    """A program as Go's linker writes it since 1.18."""
    texts = [toolchain.encode(), framed(modules)]
    info = MAGIC + bytes([8, 2]) + bytes(16) + b"".join(varint(len(text)) + text for text in texts)
    return elf({".text": b"code", ".go.buildinfo": info})


def old_program(modules: str = MODULES, *, bits: int = 64, order: str = "<") -> bytes:
    """A program as Go's linker wrote it before: two addresses of strings, which are an address and a length."""
    word = struct.Struct(order + ("Q" if bits == 64 else "I"))

    def sections(pointers: list[int], strings: list[int]) -> dict[str, bytes]:
        info = MAGIC + bytes([word.size, int(order == ">")]) + b"".join(map(word.pack, pointers))
        return {
            ".rodata": b"go1.16.5" + framed(modules),
            ".data": b"HEAD" + b"".join(map(word.pack, strings)),
            ".go.buildinfo": info,
        }

    blank = elf(sections([0, 0], [0, 0, 0, 0]), bits=bits, order=order)
    rodata, data = address_of(blank, b"go1.16.5"), address_of(blank, b"HEAD") + 4
    strings = [rodata, 8, rodata + 8, len(framed(modules))]
    return elf(sections([data, data + 2 * word.size], strings), bits=bits, order=order)


def test_a_program_is_its_standard_library_and_its_modules():
    found = catalogue_file(GO_PROGRAMS, "usr/bin/shop", program())
    assert purls(found) == [
        "pkg:golang/stdlib@1.22.3",
        "pkg:golang/example.com/shop@v1.4.0",
        "pkg:golang/example.com/a@v0.3.0",
    ]
    assert {installed.package.ecosystem for installed in found.packages} == {"Go"}
    assert {(installed.location, installed.files) for installed in found.packages} == {
        ("usr/bin/shop", ("/usr/bin/shop",))
    }
    assert found.problems == ()


def test_what_go_itself_built_is_read():
    """The section of a program built with Go 1.27 from modules in folders and one with a replacement."""
    found = catalogue_file(GO_PROGRAMS, "hello", elf({".go.buildinfo": golden("go1.27.buildinfo")}))
    assert versions(found) == {
        "stdlib": "1.27.3",
        "example.com/hello": "(devel)",
        "example.com/lib": "(devel)",
        "example.com/old": "(devel)",
    }
    assert found.problems == ()


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_program_from_before_go_1_18_is_read_through_its_pointers(bits, order):
    found = catalogue_file(GO_PROGRAMS, "a", old_program(bits=bits, order=order))
    assert versions(found) == {"stdlib": "1.16.5", "example.com/shop": "v1.4.0", "example.com/a": "v0.3.0"}


def test_an_old_program_without_modules_is_its_standard_library():
    assert versions(catalogue_file(GO_PROGRAMS, "a", old_program(""))) == {"stdlib": "1.16.5"}


def test_a_replaced_module_is_what_replaced_it():
    modules = (
        "mod\texample.com/shop\t(devel)\t\n"
        "dep\texample.com/a\tv1.0.0\n=>\texample.com/fork\tv1.0.1\th1:z=\n"
        "dep\texample.com/b\tv2.0.0\n=>\t../b\t(devel)\t\n"
        "dep\texample.com/c\tv3.0.0\n=>\t/src/c\t\t\n"
        "dep\texample.com/d\tv4.0.0\n"
    )
    assert versions(catalogue_file(GO_PROGRAMS, "a", program(modules))) == {
        "stdlib": "1.22.3",
        "example.com/shop": "(devel)",
        "example.com/fork": "v1.0.1",
        "example.com/b": "(devel)",
        "example.com/c": "(devel)",
        "example.com/d": "v4.0.0",
    }


@pytest.mark.parametrize(
    ("toolchain", "version"),
    [
        ("go1.21", "1.21.0"),
        ("go1.22rc1", "1.22.0-rc.1"),
        ("go1.22.3 X:boringcrypto", "1.22.3"),
        ("devel a1b2", "(devel)"),
    ],
)
def test_the_standard_library_has_its_toolchains_version_or_none(toolchain, version):
    assert versions(catalogue_file(GO_PROGRAMS, "a", program("", toolchain))) == {"stdlib": version}


def test_the_settings_of_a_build_are_not_kept():
    kept = excerpt(GO_PROGRAMS, program(f"{MODULES}build\t-ldflags=-X main.token=hunter2\n"))
    assert kept is not None
    assert b"hunter2" not in kept


def test_programs_in_other_languages_are_of_no_interest():
    assert excerpt(GO_PROGRAMS, elf({".text": b"code"})) is None
    assert excerpt(GO_PROGRAMS, b"#!/bin/sh\n") is None


def test_a_module_without_a_name_is_told_and_the_others_are_found():
    found = catalogue_file(GO_PROGRAMS, "a", program("dep\t\tv1\ndep\tb c\tv1\ndep\td\tv1\n"))
    assert versions(found) == {"stdlib": "1.22.3", "d": "v1"}
    assert [problem for problem in found.problems if problem.startswith("a in layer sha256:1: ")] == [*found.problems]
    assert len(found.problems) == 2


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        (b"", "damaged"),
        (MAGIC + bytes([8, 2]), "too early"),
        (MAGIC + bytes([8, 2]) + bytes(16) + b"\xff" * 9, "too early"),
        (MAGIC + bytes([8, 2]) + bytes(16) + b"\x08go1.2", "too early"),
        (MAGIC + bytes([3, 0]) + bytes(16), "3 bytes"),
        (MAGIC + bytes([8, 0]) + bytes(16), "outside"),
        (MAGIC + bytes([8, 0]) + struct.pack("<QQ", ADDRESS, 2**64 - 1), "outside"),
    ],
)
def test_damaged_information_is_refused_with_the_reason(info, reason):
    with pytest.raises(UnreadableFileError, match=reason):
        excerpt(GO_PROGRAMS, elf({".go.buildinfo": info}))


@given(old=st.booleans(), data=st.data())
def test_damage_raises_nothing_but_the_readers_own_error(old, data):
    content = bytearray(old_program() if old else program())
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(4, len(content) - 1))
        content[position] = data.draw(st.integers(0, 255))
    try:
        found = catalogue_file(GO_PROGRAMS, "a", bytes(content))
    except UnreadableFileError:
        return
    assert all(installed.package.version for installed in found.packages)
