"""What the SHA-256 of a file of an image is, however its layers and links put the file where it is."""

import contextlib
import io
import tarfile
import tracemalloc
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ecosystems.program_builder import elf
from tests.scanner.layer_builder import LayerBuilder
from tests.scanner.test_filesystem import names

from deadlight.scanner import (
    DEFAULT_LIMITS,
    ExecutableIndex,
    ImageContents,
    ImageFile,
    InvalidFactsError,
    LayerError,
    LayerFacts,
    Limits,
    Presence,
    image_analyzers,
    scan_layer,
    squash,
)
from deadlight.scanner.facts import Entry, Kept, Listing
from deadlight.scanner.packed import pack
from deadlight.scanner.tar import Kind

ELF = elf({".text": b"code"})
SCRIPT = b"#!/bin/sh\necho hello\n"
ABSENT, UNREAD, PLAIN = Presence.ABSENT, Presence.UNREAD, Presence.NOT_EXECUTABLE


def image(*layers: LayerBuilder, limits: Limits = DEFAULT_LIMITS) -> ImageContents:
    analyzers = image_analyzers(limits)
    return squash([layer.scan(f"sha256:{n}", limits, analyzers) for n, layer in enumerate(layers)])


def index(*layers: LayerBuilder, limits: Limits = DEFAULT_LIMITS) -> ExecutableIndex:
    """As it comes back from where it is stored."""
    made = ExecutableIndex.of(image(*layers, limits=limits))
    stored = ExecutableIndex.from_bytes(made.to_bytes())
    assert stored == made
    return stored


def hashed(path: str, content: bytes) -> ImageFile:
    return ImageFile(path, Presence.HASHED, sha256(content).hexdigest())


def program(path: str, content: bytes = ELF) -> LayerBuilder:
    return LayerBuilder().file(path, content, mode=0o755)


def test_executables_are_what_may_be_executed():
    layer = program("app/run", SCRIPT).file("usr/bin/ls", ELF, mode=0o711).file("lib/libz.so.1", ELF)
    layer.file("app/empty", mode=0o100).file("etc/passwd", SCRIPT).directory("srv")
    found = index(layer)
    assert found.find("/app/run") == hashed("/app/run", SCRIPT)
    assert found.find("/usr/bin/ls") == hashed("/usr/bin/ls", ELF)
    assert found.find("/app/empty") == hashed("/app/empty", b"")
    assert {path: found.find(path).presence for path in ("/etc/passwd", "/lib/libz.so.1", "/srv", "/nowhere", "/")} == {
        "/etc/passwd": PLAIN,
        "/lib/libz.so.1": PLAIN,
        "/srv": ABSENT,
        "/nowhere": ABSENT,
        "/": ABSENT,
    }


@pytest.mark.parametrize("mode", [0o4755, 0o2755, 0o6711, 0o4510])
def test_programs_that_change_the_user_are_executables(mode):
    assert index(LayerBuilder().file("usr/bin/su", ELF, mode=mode)).find("/usr/bin/su") == hashed("/usr/bin/su", ELF)


def test_a_mode_that_a_later_layer_gives_or_takes_away_counts():
    lower = LayerBuilder().file("a", SCRIPT).file("b", SCRIPT, mode=0o4755)
    upper = LayerBuilder().file("a", SCRIPT, mode=0o4755).file("b", SCRIPT)
    found = index(lower, upper)
    assert (found.find("/a"), found.find("/b").presence) == (hashed("/a", SCRIPT), PLAIN)


def test_the_topmost_layer_wins_and_whiteouts_and_opaque_folders_remove():
    lower = (
        program("bin/a").file("bin/b", ELF, mode=0o755).file("opt/x/c", ELF, mode=0o755).file("opt/d", ELF, mode=0o755)
    )
    lower.file("srv/e", ELF, mode=0o755)
    upper = (
        program("bin/a", SCRIPT).whiteout("bin/b").opaque("opt").file("opt/x/new", SCRIPT, mode=0o755).whiteout("srv")
    )
    found = index(lower, upper)
    assert found.find("/bin/a") == hashed("/bin/a", SCRIPT)
    assert found.find("/opt/x/new") == hashed("/opt/x/new", SCRIPT)
    assert {found.find(path).presence for path in ("/bin/b", "/opt/x/c", "/opt/d", "/srv/e")} == {ABSENT}


def test_of_two_members_with_one_path_the_later_counts():
    found = index(program("a").file("a", SCRIPT, mode=0o755).file("b", ELF, mode=0o755).file("b", b"text"))
    assert (found.find("/a"), found.find("/b").presence) == (hashed("/a", SCRIPT), PLAIN)


def test_symbolic_links_lead_to_the_file_as_in_a_container():
    lower = program("usr/bin/dash").symlink("usr/bin/sh", "dash").symlink("bin", "usr/bin")
    lower.symlink("etc/alternatives/awk", "/usr/bin/mawk").symlink("usr/bin/awk", "/etc/alternatives/awk")
    upper = program("bin/mawk", SCRIPT).symlink("root", "/").symlink("text", "etc/text").file("etc/text", "x")
    found = index(lower, upper)
    for path in ("/bin/sh", "/usr/bin/sh", "/bin/dash", "/bin/../bin/./sh", "//bin//sh", "/root/bin/sh"):
        assert found.find(path) == hashed("/usr/bin/dash", ELF)
    assert found.find("/bin/awk") == hashed("/usr/bin/mawk", SCRIPT)
    assert found.find("/text") == ImageFile("/etc/text", PLAIN)


def test_links_that_lead_nowhere_are_no_files_of_the_image():
    layer = LayerBuilder().symlink("a", "b").symlink("b", "a").symlink("gone", "bin/sh").symlink("dir", "nowhere")
    found = index(layer.file("x", ELF))
    assert {found.find(path).presence for path in ("/a", "/b/c", "/gone", "/dir/x", "x", "", "../x")} == {ABSENT}


def test_a_link_that_a_later_layer_changes_leads_elsewhere():
    lower = program("bin/dash").file("bin/bash", SCRIPT, mode=0o755).symlink("bin/sh", "dash")
    assert index(lower, LayerBuilder().symlink("bin/sh", "bash")).find("/bin/sh") == hashed("/bin/bash", SCRIPT)
    removed = LayerBuilder().whiteout("bin/dash")
    lower = program("bin/dash").symlink("bin/sh", "dash")
    assert index(lower, removed).find("/bin/sh").presence is ABSENT


def test_every_hard_link_has_the_digest_also_from_another_layer():
    lower = program("bin/busybox").hard_link("bin/ls", "bin/busybox").file("data", "x").hard_link("data2", "data")
    upper = LayerBuilder().hard_link("sbin/init", "bin/ls").whiteout("bin/busybox")
    found = index(lower, upper)
    for path in ("/bin/ls", "/sbin/init"):
        assert found.find(path) == hashed(path, ELF)
    assert (found.find("/bin/busybox").presence, found.find("/data2").presence) == (ABSENT, PLAIN)


def test_a_hard_link_to_a_file_that_no_layer_has_is_not_known():
    assert index(LayerBuilder().hard_link("a", "missing")).find("/a").presence is UNREAD


def test_what_is_too_large_or_comes_too_late_or_has_holes_is_not_known():
    layer = program("large", ELF + b"x").file("first", ELF, mode=0o755).file("late", ELF, mode=0o755).file("text", "x")
    layer.member("holes", tarfile.GNUTYPE_SPARSE, ELF, mode=0o755)
    limits = Limits(max_executable_bytes=len(ELF), max_executables=1)
    found = index(layer, limits=limits)
    assert found.find("/first") == hashed("/first", ELF)
    assert [found.find(path).presence for path in ("/large", "/late", "/holes")] == [UNREAD] * 3
    assert found.find("/text").presence is PLAIN
    assert index(LayerBuilder().member("holes", tarfile.GNUTYPE_SPARSE, ELF, mode=0o755)).unread == {"/holes"}


def test_a_program_is_hashed_without_being_held_in_memory():
    content = bytes(range(256)) * 160_000
    layer = program("big", content).to_tar()
    stream = io.BytesIO(layer)
    tracemalloc.start()
    facts = scan_layer(stream, digest="sha256:1", analyzers=image_analyzers())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert facts.of("executables").files == {"big": sha256(content).digest()}
    assert peak < 5_000_000


@pytest.mark.parametrize("content", [ELF + bytes(700_000), b"#!x" + bytes(700_000)], ids=["held", "passing"])
def test_a_layer_that_ends_inside_an_executable_is_refused(content):
    layer = program("a", content).to_tar()
    with pytest.raises(LayerError, match="ends inside a file"):
        scan_layer(io.BytesIO(layer[:600_000]), digest="sha256:1", analyzers=image_analyzers())


def test_digests_of_layers_come_back_as_they_were_stored():
    facts = program("a").scan(analyzers=image_analyzers())
    assert facts.of("executables") == Kept({"a": sha256(ELF).digest()})
    assert LayerFacts.from_parts(facts.digest, dict(facts.iter_parts())) == facts


def test_an_index_beyond_its_bound_never_says_that_a_file_is_absent():
    contents = image(program("a").file("other" * 20, "x").symlink("link", "a"))
    whole, part, nothing = (ExecutableIndex.of(contents, limit) for limit in (200, 100, 20))
    assert [item.complete for item in (whole, part, nothing)] == [True, False, False]
    assert [part.find(path).presence for path in ("/a", "/link", "/" + "other" * 20, "/b")] == [
        Presence.HASHED,
        Presence.HASHED,
        UNREAD,
        UNREAD,
    ]
    assert nothing == ExecutableIndex(complete=False)
    assert ExecutableIndex.from_bytes(nothing.to_bytes()).find("/a").presence is UNREAD


# A member's path has no dots by the time it is listed (tar_header.normalise_path); where its link leads may have.
plain = st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=4).map("/".join)
listings = st.builds(
    Listing,
    entries=st.lists(st.builds(Entry, plain, st.sampled_from(Kind), names), max_size=8).map(tuple),
    whiteouts=st.lists(plain, max_size=2).map(tuple),
    opaque=st.lists(plain, max_size=1).map(tuple),
)


@given(
    st.lists(listings, max_size=4),
    st.lists(st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=4), max_size=6),
)
def test_whatever_layers_say_a_path_is_the_file_that_the_tree_has_there(built, asked):
    facts = [LayerFacts(f"sha256:{number}", listing) for number, listing in enumerate(built)]
    contents = squash(facts)
    made = ExecutableIndex.of(contents)
    for path in ("/" + "/".join(parts) for parts in asked):
        expected = contents.examined.tree.find_file(path, follow=True)
        found = made.find(path)
        assert (found.presence is ABSENT) == (expected is None)
        assert expected is None or found.path == expected[0]


@given(st.data())
def test_a_damaged_index_raises_nothing_but_its_own_error(data):
    layer = program("usr/bin/dash").symlink("bin", "usr/bin").file("text", "x").hard_link("y", "missing")
    stored = bytearray(ExecutableIndex.of(image(layer)).to_bytes())
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(InvalidFactsError):
        ExecutableIndex.from_bytes(bytes(stored)).find("/bin/dash")


@pytest.mark.parametrize(
    "stored",
    [
        ["/a\0/b", bytes(32), "", "", "", True],
        ["/a", bytes(31), "", "", "", True],
        ["", bytes(32), "", "", "", True],
        ["", b"", "", "", "/a\0/b\0/c", True],
        ["", b"", "", ""],
    ],
)
def test_an_index_whose_parts_do_not_fit_is_damaged(stored):
    with pytest.raises(InvalidFactsError):
        ExecutableIndex.from_bytes(pack(b"DLE1", stored, level=1))


def test_3_000_executables_among_45_000_files_fit_in_200_kb_besides_their_digests():
    made = ExecutableIndex(
        {
            f"/usr/lib/x86_64-linux-gnu/package{n % 40}/lib{n}.so.{n % 7}": sha256(b"%d" % n).digest()
            for n in range(3_000)
        },
        frozenset(f"/usr/lib/python3/dist-packages/package_{n % 500}/module_{n}.py" for n in range(42_000)),
    )
    assert len(made.to_bytes()) - 3_000 * 32 < 200_000
