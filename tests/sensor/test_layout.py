"""Both sides of `bpf/events.h` agree: the object's own type information is held against the Python structures."""

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from itertools import accumulate

import pytest

from deadlight.sensor.layout import (
    BLOCKING_FIELDS,
    CGROUP_KEY_FIELDS,
    CONFIG_FIELDS,
    COUNTERS_FIELDS,
    EVENT,
    EVENT_FIELDS,
    FILE_KEY_FIELDS,
    GROUP_FIELDS,
    SEEN_KEY_FIELDS,
    Blocking,
    Call,
    EventFlags,
    EventKind,
    Subject,
    Verdict,
    structure,
)

# Kinds of type of the BPF Type Format (Linux, Documentation/bpf/btf.rst), and the bytes that follow each.
_STRUCT, _ENUM = 4, 6
_TRAILING = {1: 4, 3: 12, 14: 4, 17: 4}
_TRAILING_EACH = {4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}


@dataclass(frozen=True)
class Btf:
    """The named structures (member to byte offset, and size) and enumerations of an object."""

    structures: dict[str, tuple[dict[str, int], int]]
    enumerations: dict[str, dict[str, int]]


def elf_section(elf: bytes, wanted: str) -> bytes:
    """A section of a 64-bit ELF file of this machine's byte order."""
    (offset,) = struct.unpack_from("=Q", elf, 0x28)
    size, count, names = struct.unpack_from("=HHH", elf, 0x3A)
    headers = [struct.unpack_from("=IIQQQQ", elf, offset + size * index) for index in range(count)]
    strings = headers[names][4]
    for name, _, _, _, start, length in headers:
        if elf[strings + name :].startswith(wanted.encode() + b"\0"):
            return elf[start : start + length]
    raise LookupError(f"no section {wanted}")


def read_btf(data: bytes) -> Btf:
    magic, _, _, header, types, types_length, strings, _ = struct.unpack_from("=HBBIIIII", data)
    assert magic == 0xEB9F
    found = Btf({}, {})

    def text(offset: int) -> str:
        start = header + strings + offset
        return data[start : data.index(b"\0", start)].decode()

    position, end = header + types, header + types + types_length
    while position < end:
        name, info, size = struct.unpack_from("=III", data, position)
        kind, count, position = info >> 24 & 0x1F, info & 0xFFFF, position + 12
        if kind == _STRUCT:
            members = [struct.unpack_from("=III", data, position + 12 * index) for index in range(count)]
            found.structures[text(name)] = ({text(member): bits // 8 for member, _, bits in members}, size)
        elif kind == _ENUM:
            values = [struct.unpack_from("=Ii", data, position + 8 * index) for index in range(count)]
            found.enumerations[text(name)] = {text(member): value for member, value in values}
        position += _TRAILING.get(kind, 0) + count * _TRAILING_EACH.get(kind, 0)
    return found


@pytest.fixture(scope="module")
def btf(built_object: bytes) -> Btf:
    return read_btf(elf_section(built_object, ".BTF"))


def offsets(fields: tuple[tuple[str, str], ...]) -> dict[str, int]:
    sizes = accumulate((struct.calcsize("=" + code) for _, code in fields), initial=0)
    return dict(zip((name for name, _ in fields), sizes, strict=False))


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("cgroup_key", CGROUP_KEY_FIELDS),
        ("group", GROUP_FIELDS),
        ("counters", COUNTERS_FIELDS),
        ("file_key", FILE_KEY_FIELDS),
        ("blocking", BLOCKING_FIELDS),
        ("seen_key", SEEN_KEY_FIELDS),
        ("config", CONFIG_FIELDS),
    ],
)
def test_every_member_of_a_structure_is_where_python_looks_for_it(btf, name, fields):
    assert btf.structures[name] == (offsets(fields), structure(fields).size)


@pytest.mark.req("R19")
def test_every_member_of_an_event_is_where_python_looks_for_it(btf):
    members, size = btf.structures["event"]
    inside, _ = btf.structures["cgroup_key"]
    flat = {name: offset for name, offset in members.items() if name != "cgroup"}
    flat |= {f"cgroup.{name}": members["cgroup"] + offset for name, offset in inside.items()}

    assert flat == offsets(EVENT_FIELDS)
    assert size == EVENT.size


@pytest.mark.parametrize(
    ("name", "prefix", "python"),
    [
        ("event_kind", "EVENT_", EventKind),
        ("event_flags", "FLAG_", EventFlags),
        ("verdict", "VERDICT_", Verdict),
        ("subject", "SUBJECT_", Subject),
        ("blocking_mode", "BLOCKING_", Blocking),
        ("call", "CALL_", Call),
    ],
)
def test_every_number_means_the_same_on_both_sides(btf, name, prefix, python: type[IntEnum] | type[IntFlag]):
    numbers = {member.removeprefix(prefix): value for member, value in btf.enumerations[name].items()}

    assert numbers == {member.name: member.value for member in python}
