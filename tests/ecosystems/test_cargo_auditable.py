import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ecosystems.catalogued import golden, purls
from tests.ecosystems.excerpted import catalogue_file, excerpt
from tests.ecosystems.program_builder import elf

from deadlight.ecosystems import UnreadableFileError
from deadlight.ecosystems.cargo_auditable import RUST_PROGRAMS


def program(listing: bytes) -> bytes:
    return elf({".text": b"code", ".dep-v0": zlib.compress(listing)})


def test_a_program_is_the_crates_linked_into_it_without_those_that_only_built_it():
    found = catalogue_file(RUST_PROGRAMS, "usr/bin/shop", program(golden("cargo-auditable.json")))
    assert purls(found) == ["pkg:cargo/shop@0.1.0", "pkg:cargo/tokio@1.38.0"]
    assert {installed.package.ecosystem for installed in found.packages} == {"crates.io"}
    assert {installed.files for installed in found.packages} == {("/usr/bin/shop",)}
    assert found.problems == ()


def test_programs_without_the_section_are_of_no_interest():
    assert excerpt(RUST_PROGRAMS, elf({".text": b"code"})) is None


@pytest.mark.parametrize("listing", [b"", b"[]", b'{"packages": 1}', b"[" * 60_000, b'{"packages": [{"name": 1}]}'])
def test_a_listing_of_another_shape_is_refused(listing):
    with pytest.raises(UnreadableFileError, match="damaged list of crates"):
        excerpt(RUST_PROGRAMS, program(listing))


def test_a_listing_that_is_not_compressed_is_refused():
    with pytest.raises(UnreadableFileError, match="damaged list of crates"):
        excerpt(RUST_PROGRAMS, elf({".dep-v0": b'{"packages": []}'}))


def test_a_listing_that_expands_far_beyond_its_program_is_refused():
    with pytest.raises(UnreadableFileError, match="expands to more than 65536 bytes"):
        excerpt(RUST_PROGRAMS, program(b'{"packages": []}' + b" " * 1_000_000))


def test_a_listing_that_was_cut_short_is_refused():
    with pytest.raises(UnreadableFileError, match="cut short"):
        excerpt(RUST_PROGRAMS, elf({".dep-v0": zlib.compress(golden("cargo-auditable.json"))[:-8]}))


def test_a_crate_without_a_valid_name_is_told_and_the_others_are_found():
    listing = {"packages": [{"name": "a b", "version": "1.0.0"}, {"name": "c", "version": "1.0.0"}]}
    found = catalogue_file(RUST_PROGRAMS, "a", program(json.dumps(listing).encode()))
    assert purls(found) == ["pkg:cargo/c@1.0.0"]
    assert found.problems == ("a in layer sha256:1: 'a b' with version '1.0.0' is no crate",)


@given(data=st.data())
def test_damage_raises_nothing_but_the_readers_own_error(data):
    content = bytearray(program(golden("cargo-auditable.json")))
    position = data.draw(st.integers(4, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    try:
        catalogue_file(RUST_PROGRAMS, "a", bytes(content))
    except UnreadableFileError:
        return
