"""Parsers of what images hold: layers, package databases, programs and archives, source, stored facts."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import zstandard
from tests.contracts.test_cataloguers import GOLDEN
from tests.ecosystems.archive_builder import archive, manifest, properties
from tests.ecosystems.program_builder import elf
from tests.fuzz.target import Target
from tests.scanner.layer_builder import OS_RELEASE, LayerBuilder, status
from tests.support.go_programs import LAYOUTS, go_program
from tests.support.rpm_databases import berkeley_database, header, ndb_database, sqlite_database

from deadlight.ecosystems import (
    CATALOGUERS,
    ECOSYSTEMS,
    Cataloguer,
    Distribution,
    Document,
    Ecosystem,
    InvalidVersionError,
    UnreadableFileError,
    identify_distribution,
    list_linked_functions,
    parse_os_release,
)
from deadlight.ecosystems.elf import ELF_MAGIC, parse_elf
from deadlight.ecosystems.rpm.cataloguer import RPM
from deadlight.ecosystems.rpm.header import FileBounds, Header, InvalidHeaderError
from deadlight.ecosystems.zip_directory import open_zip
from deadlight.scanner import (
    ExecutableIndex,
    ExposureSetup,
    FileIndex,
    ImageTooLargeError,
    InvalidFactsError,
    LayerError,
    LayerFacts,
    exposure_analyzer,
    exposure_scanners,
    image_analyzers,
    scan_layer,
    squash,
)
from deadlight.scanner.applicability.python_source import UnreadableSourceError, analyse_source

_BLOCK = 512
_DEBIAN = Distribution("Debian:12", "debian", "debian-12")
_LAYER = "sha256:1"


def scanner_targets() -> Iterator[Target]:
    """Everything that reads bytes of an image, or what was kept of them."""
    yield from _layers()
    yield from _stored()
    yield from map(_cataloguer, CATALOGUERS)
    yield from map(_version_order, ECOSYSTEMS)
    yield from _formats()


# --- layers -------------------------------------------------------------------------------------------------


def _layers() -> Iterator[Target]:
    plain = (_debian_layer().to_tar(), _links_layer().to_tar())
    packed = tuple(form(tar) for tar in plain for form in (zlib_gzip, zstandard.ZstdCompressor().compress))
    yield Target("layer", _scan, (*plain, *packed), (LayerError,))
    yield Target("layer-with-checksums", lambda data: _scan(with_checksums(data)), plain, (LayerError,))
    yield Target("image", _put_together, plain, (LayerError, ImageTooLargeError))


def _debian_layer() -> LayerBuilder:
    layer = LayerBuilder().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", status(("bash", "5.2-1")))
    layer.file("var/lib/dpkg/info/bash.list", "/.\n/bin\n/bin/bash\n").file("usr/bin/bash", b"\x7fELF", mode=0o755)
    return layer.file("app/main.py", "import yaml\nyaml.load(1)\n").file("n" * 200, "x")


def _links_layer() -> LayerBuilder:
    layer = LayerBuilder().directory("usr/bin").symlink("bin", "usr/bin").hard_link("bin/sh", "usr/bin/bash")
    return layer.whiteout("etc/motd").opaque("srv").symlink("loop", "loop").file("bin/new", "x")


def zlib_gzip(content: bytes) -> bytes:
    """The content as one gzip member, the same each time."""
    compressor = zlib.compressobj(wbits=31)
    return compressor.compress(content) + compressor.flush()


def _scan(data: bytes) -> LayerFacts:
    analyzers = (*image_analyzers(), *map(exposure_analyzer, exposure_scanners(ExposureSetup())))
    return scan_layer(io.BytesIO(data), digest=_LAYER, analyzers=analyzers)


def _put_together(data: bytes) -> None:
    """A changed layer above a good one, put together, stored and read back."""
    layers = [_scan(_debian_layer().to_tar()), _scan(with_checksums(data))]
    layers = [LayerFacts.from_parts(layer.digest, dict(layer.iter_parts())) for layer in layers]
    contents = squash(layers)
    FileIndex.from_bytes(FileIndex.of(contents).to_bytes())
    ExecutableIndex.from_bytes(ExecutableIndex.of(contents).to_bytes()).find("/bin/sh")


def with_checksums(data: bytes) -> bytes:
    """The blocks that look like tar headers with their checksums made right: else no change gets past them."""
    blocks = [data[at : at + _BLOCK] for at in range(0, len(data), _BLOCK)]
    return b"".join(map(_checked, blocks))


def _checked(block: bytes) -> bytes:
    if len(block) < _BLOCK or block[257:262] != b"ustar":
        return block
    total = sum(block) - sum(block[148:156]) + 8 * 0x20
    return block[:148] + b"%06o\0 " % total + block[156:]


# --- what is stored -----------------------------------------------------------------------------------------


def _stored() -> Iterator[Target]:
    facts = _scan(_debian_layer().to_tar())
    parts = dict(facts.iter_parts())
    contents = squash([facts])
    for name in ("listing", "dpkg", "executables"):
        seeds = (parts[name],)
        yield Target(f"stored-{name}", partial(_read_part, name), seeds, (InvalidFactsError,))
        yield Target(
            f"stored-{name}-inside",
            partial(_read_packed_part, name, parts[name][:4]),
            (zstandard.decompress(parts[name][4:]),),
            (InvalidFactsError,),
        )
    yield from _stored_index("file-index", FileIndex.of(contents).to_bytes(), FileIndex.from_bytes)
    yield from _stored_index("executable-index", ExecutableIndex.of(contents).to_bytes(), _find_executable)


def _stored_index(name: str, index: bytes, read: Callable[[bytes], object]) -> Iterator[Target]:
    yield Target(f"stored-{name}", read, (index,), (InvalidFactsError,))
    yield Target(
        f"stored-{name}-inside",
        lambda data: read(index[:4] + zstandard.compress(data)),
        (zstandard.decompress(index[4:]),),
        (InvalidFactsError,),
    )


def _find_executable(data: bytes) -> None:
    ExecutableIndex.from_bytes(data).find("/bin/../bin/sh")


def _read_packed_part(name: str, mark: bytes, data: bytes) -> LayerFacts:
    return _read_part(name, mark + zstandard.compress(data))


def _read_part(name: str, stored: bytes) -> LayerFacts:
    listing = dict(LayerFacts(_LAYER).iter_parts())
    return LayerFacts.from_parts(_LAYER, {**listing, name: stored})


# --- packages -----------------------------------------------------------------------------------------------


def _cataloguer(cataloguer: Cataloguer) -> Target:
    """The bytes as every file that the cataloguer's golden images have."""
    images = [image for image in GOLDEN if image.cataloguer is cataloguer]
    paths = sorted({path for image in images for path in image.documents})
    contents = {image.files[path] for image in images for path in image.documents}
    return Target(f"packages-{cataloguer.name}", partial(_catalogue, cataloguer, paths), tuple(sorted(contents)))


def _catalogue(cataloguer: Cataloguer, paths: list[str], data: bytes) -> None:
    documents = {path: Document(data, _LAYER) for path in paths}
    cataloguer.catalogue(documents, _DEBIAN)
    excerpt = cataloguer.excerpt
    if excerpt and data.startswith(excerpt.magic):
        try:
            kept = excerpt.take(memoryview(data))
        except UnreadableFileError:
            return
        if kept is not None:
            cataloguer.catalogue({path: Document(kept, _LAYER) for path in paths}, _DEBIAN)


def _version_order(ecosystem: Ecosystem) -> Target:
    seeds = (b"1.2.3", b"1:1.2~rc1-3+deb12u1", b"v1.2.3-0.20200101000000-abcdefabcdef+incompatible", b"1.0.0-alpha.1")
    name = ecosystem.name.lower().replace(" ", "-")
    return Target(f"version-{name}", partial(_key, ecosystem), seeds, (InvalidVersionError,), max_bytes=1024)


def _key(ecosystem: Ecosystem, data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    ecosystem.normalise_name(text)
    key = ecosystem.version_key(text)
    assert not key < key  # noqa: PLR0124 - that it can be compared
    if ecosystem.normalise_release:
        ecosystem.normalise_release(text)


# --- formats ------------------------------------------------------------------------------------------------


def _formats() -> Iterator[Target]:
    jar = archive({**manifest(Implementation_Title="web", Implementation_Version="1.0"), **properties("g", "a", "1")})
    headers = [header(), header("glibc", files=["/lib64/libc.so.6"])]
    unreadable = (UnreadableFileError,)
    yield Target("zip", _read_zip, (jar, archive({"lib/inner.jar": jar})), unreadable)
    program = elf({".go.buildinfo": b"\xff Go buildinf:\x08\2" + bytes(16) + b"\x08go1.24.3\0", ".dep-v0": b"x"})
    yield Target(
        "elf", lambda data: parse_elf(memoryview(ELF_MAGIC + data[4:])), (program, elf({"a": b""}, bits=32)), unreadable
    )
    yield Target("rpm-header", _read_header, tuple(headers), (InvalidHeaderError,))
    yield Target("rpm-sqlite", partial(_rpm, "rpmdb.sqlite"), (sqlite_database(headers, page_size=512),))
    yield Target("rpm-log", _rpm_log, (_empty_log(),))
    yield Target("rpm-ndb", partial(_rpm, "Packages.db"), (ndb_database(headers),))
    yield Target("rpm-berkeley", partial(_rpm, "Packages"), (berkeley_database(headers, page_size=512),))
    yield Target(
        "os-release", lambda data: identify_distribution(parse_os_release(data), ECOSYSTEMS), (OS_RELEASE.encode(),)
    )
    functions = tuple(go_program(["runtime.goexit", "a.T[...].F.func1"], layout=layout) for layout in LAYOUTS)
    yield Target(
        "go-functions", lambda data: list_linked_functions(memoryview(ELF_MAGIC + data[4:])), functions, unreadable
    )
    yield Target("python-source", _analyse, _sources(), (UnreadableSourceError,))


def _read_zip(data: bytes) -> None:
    directory = open_zip(memoryview(data))
    for file in directory:
        directory.read(file, 4096)


def _read_header(data: bytes) -> None:
    parsed = Header(data)
    parsed.identity()
    list(parsed.iter_files(FileBounds()))


def _rpm(name: str, data: bytes) -> None:
    RPM.catalogue({f"var/lib/rpm/{name}": Document(data, _LAYER)}, _DEBIAN)


def _rpm_log(data: bytes) -> None:
    database = Document(sqlite_database([header()], page_size=512), _LAYER)
    path = "var/lib/rpm/rpmdb.sqlite"
    RPM.catalogue({path: database, f"{path}-wal": Document(data, _LAYER)}, _DEBIAN)


def _empty_log() -> bytes:
    """A log of one frame (SQLite, "WAL File Format"); its checksums are left to chance."""
    return (
        struct.pack(">8I", 0x377F0683, 3007000, 512, 0, 1, 2, 0, 0) + struct.pack(">6I", 1, 1, 1, 2, 0, 0) + bytes(512)
    )


def _analyse(data: bytes) -> None:
    msgspec.msgpack.encode(analyse_source(data))


def _sources() -> tuple[bytes, ...]:
    return (
        b"import yaml\nfrom jinja2 import Template as T\nT(x).render(a=1)\nyaml.load(open(1))\n",
        b"try:\n    import a.b\nexcept ImportError:\n    a = None\n@a.b\nclass C(a.D):\n    def f(self): a.c(*b)\n",
        Path(__file__).read_bytes()[:4000],
    )
