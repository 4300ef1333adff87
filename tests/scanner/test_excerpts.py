"""Files too large to be kept, of which cataloguers keep an excerpt: programs and archives."""

import gzip
import io
import tracemalloc
import zlib

import pytest
from tests.ecosystems.archive_builder import archive, properties
from tests.ecosystems.catalogued import golden
from tests.ecosystems.program_builder import elf
from tests.scanner.layer_builder import OS_RELEASE, LayerBuilder, status

from deadlight.scanner import (
    DEFAULT_LIMITS,
    FileIndex,
    ImageContents,
    LayerError,
    LayerFacts,
    Limits,
    scan_layer,
    squash,
)

GO = elf({".text": b"code", ".go.buildinfo": golden("go1.27.buildinfo")})
RUST = elf({".dep-v0": zlib.compress(golden("cargo-auditable.json"))})
JAR = archive(properties("org.slf4j", "slf4j-api", "2.0.9"))


def names(contents: ImageContents) -> set[str]:
    return {package.package.name for package in contents.packages}


@pytest.mark.parametrize("mode", [0o755, 0o644])
def test_programs_are_found_by_their_mode(mode):
    facts = LayerBuilder().file("usr/bin/shop", GO, mode=mode).scan()
    assert ("stdlib" in names(squash([facts]))) == (mode == 0o755)


def test_shared_objects_and_archives_are_found_by_their_names():
    facts = LayerBuilder().file("app/_rust.abi3.so", RUST).file("app/lib/slf4j.jar", JAR).scan()
    contents = squash([facts])
    assert names(contents) == {"shop", "tokio", "org.slf4j:slf4j-api"}
    assert set(facts.kept) == {"rust", "java"}
    assert contents.problems == ()


def test_what_no_cataloguer_cares_for_leaves_nothing():
    layer = LayerBuilder().file("usr/bin/ls", elf({".text": b"code"}), mode=0o755).file("bin/x", b"\x7f", mode=0o755)
    facts = layer.file("lib/libz.so.1", b"not ELF").hard_link("lib/libz.so", "lib/libz.so.1").scan()
    assert facts.kept == {}
    assert squash([facts]).problems == ()


def test_a_script_is_still_read_as_a_script_after_a_look_at_its_first_bytes():
    facts = LayerBuilder().file("app/run", "#!/usr/bin/env python3\nimport yaml\n", mode=0o755).scan()
    assert set(facts.of("python-source").files) == {"app/run"}


def test_a_program_in_use_shows_all_that_is_linked_into_it():
    layer = LayerBuilder().file("app/shop", GO, mode=0o755).hard_link("app/again", "app/shop").file("app/x.jar", JAR)
    index = FileIndex.of(squash([layer.scan()]))
    linked = index.find("/app/shop")
    assert linked[:2] == ("pkg:golang/stdlib@1.27.3", "pkg:golang/example.com/hello@%28devel%29")
    assert len(linked) == 4
    assert index.find("/app/again") == linked
    assert index.find("/app/x.jar") == ("pkg:maven/org.slf4j/slf4j-api@2.0.9",)


def test_a_program_the_distribution_ships_is_the_distributions():
    layer = (
        LayerBuilder()
        .file("etc/os-release", OS_RELEASE)
        .file("var/lib/dpkg/status", status(("docker.io", "20.10")))
        .file("var/lib/dpkg/info/docker.io.list", "/usr/bin/docker\n")
        .file("usr/bin/docker", GO, mode=0o755)
    )
    contents = squash([layer.scan()])
    debian = contents.packages[0].package.purl
    assert {package.owner_purl for package in contents.packages[1:]} == {debian}
    assert FileIndex.of(contents).find("/usr/bin/docker") == (debian,)


def test_ones_own_extension_module_stays_ones_own_whatever_was_linked_into_it():
    """Calls from it into packages cannot be seen, so nothing may be said not to apply."""
    facts = LayerBuilder().file("app/_fast.abi3.so", RUST, mode=0o755).scan()
    assert squash([facts]).calls.unread == ("/app/_fast.abi3.so is not source",)


def test_what_an_upper_layer_replaces_or_removes_is_not_found():
    lower = LayerBuilder().file("app/a", GO, mode=0o755).file("app/b.jar", JAR).scan("sha256:1")
    upper = LayerBuilder().file("app/a", RUST, mode=0o755).whiteout("app/b.jar").scan("sha256:2")
    assert names(squash([lower, upper])) == {"shop", "tokio"}


def test_of_two_members_with_one_path_the_later_counts():
    facts = LayerBuilder().file("a", GO, mode=0o755).file("a", RUST, mode=0o755).scan()
    assert names(squash([facts])) == {"shop", "tokio"}


def test_facts_with_excerpts_come_back_as_they_were_stored():
    facts = LayerBuilder().file("a", GO, mode=0o755).scan()
    assert facts.of("go").files
    assert LayerFacts.from_parts(facts.digest, dict(facts.iter_parts())) == facts


def test_a_file_too_large_to_look_into_is_named_and_the_rest_is_read():
    layer = LayerBuilder().file("big", GO, mode=0o755).file("large.jar", JAR + bytes(2000)).file("a.so", RUST)
    facts = layer.scan(limits=Limits(max_excerpted_bytes=len(RUST)))
    assert set(facts.of("go").unread) == {"big"}
    assert set(facts.of("java").unread) == {"large.jar"}
    assert squash([facts]).problems[0] == f"big in layer sha256:1: has {len(GO)} bytes, more than the {len(RUST)} read"
    assert names(squash([facts])) == {"shop", "tokio"}


def test_a_damaged_file_is_named_with_the_reason():
    facts = LayerBuilder().file("a.jar", b"PK").file("b", GO[:-1], mode=0o755).scan()
    assert squash([facts]).problems == (
        "b in layer sha256:1: is an ELF file that was cut short: its sections are not where its header says",
        "a.jar in layer sha256:1: is no zip archive, or was cut short",
    )


def test_a_layer_that_ends_inside_a_program_is_refused():
    layer = LayerBuilder().file("a", GO, mode=0o755).to_tar()
    with pytest.raises(LayerError, match="ends inside a file"):
        scan_layer(io.BytesIO(layer[:900]), digest="sha256:1")


def test_excerpts_together_may_not_fill_the_memory():
    layer = LayerBuilder()
    for number in range(3):
        layer.file(f"{number}.jar", JAR)
    facts = layer.scan(limits=Limits(max_excerpts_bytes=200))
    assert set(facts.of("java").files) == {"0.jar"}
    assert facts.of("java").unread["2.jar"] == "comes after the 200 bytes kept of files"


def test_one_file_at_a_time_is_held_in_memory():
    program = elf({".text": bytes(20_000_000), ".go.buildinfo": golden("go1.27.buildinfo")})
    layer = LayerBuilder()
    for number in range(4):
        layer.file(f"bin/{number}", program, mode=0o755)
    compressed = gzip.compress(layer.to_tar(), compresslevel=1)
    del layer, program
    tracemalloc.start()
    facts = scan_layer(io.BytesIO(compressed), digest="sha256:1", limits=DEFAULT_LIMITS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(facts.of("go").files) == 4
    assert peak < 50_000_000
