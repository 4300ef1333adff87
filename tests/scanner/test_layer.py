import gzip
import io
import os
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from tests.scanner.layer_builder import OS_RELEASE, LayerBuilder, status

from deadlight.scanner import DEFAULT_LIMITS, LayerError, LayerFacts, Limits, scan_layer, squash
from deadlight.scanner.facts import Entry
from deadlight.scanner.tar import Kind

DIGEST = "sha256:" + "5" * 64


def scan(data: bytes, limits: Limits = DEFAULT_LIMITS, media_type: str = "") -> LayerFacts:
    return scan_layer(io.BytesIO(data), digest=DIGEST, media_type=media_type, limits=limits)


def small_layer() -> LayerBuilder:
    return LayerBuilder().file("var/lib/dpkg/status", status(("bash", "5.2"))).file("app/main.py", "import os\n")


def test_a_layer_is_listed_and_only_wanted_files_are_kept():
    layer = (
        small_layer()
        .directory("app")
        .symlink("bin", "usr/bin")
        .hard_link("app/again.py", "app/main.py")
        .file("app/picture.png", b"\x89PNG")
        .file("etc/os-release", OS_RELEASE)
    )
    facts = scan(layer.to_tar())
    assert facts.digest == DIGEST
    assert facts.listing.entries == (
        Entry("var/lib/dpkg/status", Kind.FILE, ""),
        Entry("app/main.py", Kind.FILE, ""),
        Entry("app", Kind.DIRECTORY, ""),
        Entry("bin", Kind.SYMLINK, "usr/bin"),
        Entry("app/again.py", Kind.HARD_LINK, "app/main.py"),
        Entry("app/picture.png", Kind.FILE, ""),
        Entry("etc/os-release", Kind.FILE, ""),
    )
    assert {name: set(kept.files) for name, kept in facts.kept.items()} == {
        "dpkg": {"var/lib/dpkg/status"},
        "os-release": {"etc/os-release"},
        "python-source": {"app/main.py"},
    }


def test_whiteouts_are_told_from_files():
    facts = scan(
        LayerBuilder().whiteout("a/b").whiteout("c").opaque("d").file(".wh..wh.plnk/1").file(".wh..wh.aufs").to_tar()
    )
    assert (facts.listing.whiteouts, facts.listing.opaque) == (("a/b", "c"), ("d",))
    assert [entry.path for entry in facts.listing.entries] == [".wh..wh.plnk/1"]


@pytest.mark.req("R9")
def test_compression_does_not_change_what_a_layer_is():
    plain = small_layer().to_tar()
    facts = [scan(form) for form in (plain, gzip.compress(plain), zstandard.ZstdCompressor().compress(plain))]
    assert facts[0] == facts[1] == facts[2]


def test_of_two_members_with_one_path_the_later_counts():
    layer = LayerBuilder().file("etc/os-release", "ID=a").file("etc/os-release", "ID=b").to_tar()
    assert scan(layer).of("os-release").files == {"etc/os-release": b"ID=b"}


def test_scripts_are_found_by_their_first_line():
    layer = (
        LayerBuilder()
        .file("app/serve", "#!/usr/bin/env python3\nimport yaml\n", mode=0o755)
        .file("app/notes", "#!/usr/bin/env python3\n", mode=0o644)
        .file("app/run", "#!/bin/sh\n", mode=0o755)
        .file("usr/local/bin/pydoc3.12", "#!/usr/local/bin/python3.12\nimport pydoc\n", mode=0o755)
    )
    assert set(scan(layer.to_tar()).of("python-source").files) == {"app/serve"}


def test_source_that_cannot_be_parsed_is_named_with_the_reason():
    facts = scan(LayerBuilder().file("app/old.py", "print 'hello'\n").to_tar())
    assert facts.of("python-source").unread == {"app/old.py": "cannot be parsed as Python (SyntaxError)"}


# --- bad input: a clear error naming the layer, and nothing else affected ------------------------------------


def assert_refused(data: bytes, reason: str, limits: Limits = DEFAULT_LIMITS) -> None:
    """The layer is refused by name and reason, and the next layer is read as if nothing had happened."""
    with pytest.raises(LayerError, match=reason) as refused:
        scan(data, limits)
    assert DIGEST in str(refused.value)
    contents = squash([small_layer().scan("sha256:good")])
    assert [package.package.name for package in contents.packages] == ["bash"]


@pytest.mark.req("A8")
@pytest.mark.parametrize(
    "compress", [bytes, gzip.compress, zstandard.ZstdCompressor().compress], ids=["plain", "gzip", "zstd"]
)
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.7])
def test_a_truncated_layer_is_refused(compress: Callable[[bytes], bytes], kept: float):
    layer = compress(LayerBuilder().file("a", os.urandom(40_000)).file("b", os.urandom(9000)).to_tar())
    assert_refused(layer[: int(len(layer) * kept)], "cut short")


def test_a_zip_bomb_is_refused():
    bomb = gzip.compress(LayerBuilder().file("zeros", bytes(30_000_000)).to_tar())
    assert_refused(bomb, "zip bomb", Limits(expansion_floor_bytes=1_000_000))


def test_a_layer_larger_than_allowed_is_refused():
    assert_refused(
        LayerBuilder().file("a", bytes(90_000)).to_tar(), "more than 50000 bytes", Limits(max_layer_bytes=50_000)
    )


@pytest.mark.parametrize(
    "build",
    [
        lambda layer: layer.file("../../etc/passwd", "root::0:0"),
        lambda layer: layer.file("a/../../b"),
        lambda layer: layer.hard_link("a", "../../etc/shadow"),
        lambda layer: layer.directory(".."),
    ],
)
def test_paths_that_leave_the_image_are_refused(build):
    assert_refused(build(LayerBuilder()).to_tar(), "out of the image")


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh..."])
def test_whiteouts_of_nothing_or_of_the_parent_are_refused(name):
    assert_refused(LayerBuilder().file(f"a/{name}").to_tar(), "names no file")


class ManyFiles(io.RawIOBase):
    """An endless tar of empty files, made as it is read."""

    def __init__(self) -> None:
        self.given = 0

    def _headers(self) -> Iterator[bytes]:
        while True:
            self.given += 1
            yield tarfile.TarInfo(f"f{self.given}").tobuf(tarfile.USTAR_FORMAT)

    def read(self, size: int = -1, /) -> bytes:
        return b"".join(header for _, header in zip(range(512), self._headers(), strict=False))


def test_a_layer_of_a_million_files_is_refused_without_reading_them_all():
    assert DEFAULT_LIMITS.max_members < 1_000_000
    stream = ManyFiles()
    with pytest.raises(LayerError, match="more than 2000 files"):
        scan_layer(stream, digest=DIGEST, limits=Limits(max_members=2000))  # type: ignore[arg-type]  # reads like one
    assert stream.given < 4000


def test_paths_may_not_fill_the_memory():
    layer = LayerBuilder()
    for number in range(20):
        layer.symlink(f"link{number}", "t" * 1000)
    assert_refused(layer.to_tar(), "bytes of paths", Limits(max_listing_bytes=10_000))


def test_an_encrypted_layer_is_called_so():
    with pytest.raises(LayerError, match="is encrypted"):
        scan(b"", media_type="application/vnd.oci.image.layer.v1.tar+gzip+encrypted")


def test_a_database_too_large_to_read_is_reported_and_the_rest_is_read():
    layer = (
        LayerBuilder()
        .file("var/lib/dpkg/status", bytes(5000))
        .file("x/a-1.dist-info/METADATA", "Name: a\nVersion: 1\n")
    )
    facts = scan(layer.to_tar(), Limits(max_document_bytes=1000))
    assert facts.of("dpkg").unread == {"var/lib/dpkg/status": "has 5000 bytes, more than the 1000 read"}
    assert set(facts.of("python").files) == {"x/a-1.dist-info/METADATA"}
    assert squash([facts]).problems == (
        f"var/lib/dpkg/status in layer {DIGEST}: has 5000 bytes, more than the 1000 read",
    )


def test_databases_together_may_not_fill_the_memory():
    layer = LayerBuilder()
    for number in range(4):
        layer.file(f"var/lib/dpkg/info/{number}.list", bytes(500))
    facts = scan(layer.to_tar(), Limits(max_documents_bytes=1500))
    assert set(facts.of("dpkg").files) == {f"var/lib/dpkg/info/{number}.list" for number in range(3)}
    assert squash([facts]).problems == (
        f"var/lib/dpkg/info/3.list in layer {DIGEST}: comes after the 50000 files or 1500 bytes read for dpkg",
    )


def test_there_may_not_be_more_databases_than_any_image_has():
    layer = LayerBuilder()
    for number in range(4):
        layer.file(f"var/lib/dpkg/status.d/{number}")
    facts = scan(layer.to_tar(), Limits(max_documents=3))
    assert set(facts.of("dpkg").unread) == {"var/lib/dpkg/status.d/3"}


def test_source_beyond_the_budget_is_reported_not_read():
    layer = LayerBuilder().file("a.py", "import a\n").file("b.py", "import b\n").file("c.py", "#" * 99)
    facts = scan(layer.to_tar(), Limits(max_source_bytes=50, max_sources_bytes=12))
    assert set(facts.of("python-source").files) == {"a.py"}
    assert set(facts.of("python-source").unread) == {"b.py", "c.py"}


def test_errors_of_the_stream_itself_pass_through():
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionResetError("registry went away")

    with pytest.raises(ConnectionResetError):
        scan_layer(Broken(), digest=DIGEST)


def test_a_large_layer_is_streamed_in_little_memory(tmp_path: Path):
    big = LayerBuilder().file("big", bytes(60_000_000)).to_tar()
    compressed = gzip.compress(big, compresslevel=1)
    tracemalloc.start()
    scan(compressed)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30_000_000
    assert list(tmp_path.iterdir()) == []
