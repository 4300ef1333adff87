import zlib
from dataclasses import replace

import msgspec
from tests.ecosystems.archive_builder import archive, properties
from tests.ecosystems.catalogued import golden
from tests.ecosystems.program_builder import elf
from tests.scanner.layer_builder import OS_RELEASE, LayerBuilder, status
from tests.support.go_programs import go_program
from tests.support.rpm_databases import header, ndb_database

from deadlight.scanner import SCANNER_STATE, ExecutableIndex, image_analyzers, load_functions, squash
from deadlight.scanner.applicability.go_programs import ANALYZER as GO_FUNCTIONS
from deadlight.scanner.state import state_of


def test_the_state_changes_with_every_name_and_version_and_with_nothing_else():
    state = state_of([("dpkg", 1), ("apk", 1)])
    assert state == state_of([("apk", 1), ("dpkg", 1)])
    assert (
        len({state, state_of([("dpkg", 2), ("apk", 1)]), state_of([("dpkg", 1)]), state_of([("dpkg1", 1), ("apk", 1)])})
        == 4
    )


def test_what_a_scan_gives_changes_only_together_with_the_state():
    """When this fails, raise the version of the analyzer you changed, then write down both new values."""
    layer = (
        LayerBuilder()
        .file("etc/os-release", OS_RELEASE)
        .file("var/lib/dpkg/status", status(("bash", "5.2")))
        .file("var/lib/dpkg/info/bash.list", "/bin/bash\n")
        .file("bin/bash")
        .file("lib/apk/db/installed", "P:musl\nV:1.2-r0\nA:x86_64\no:musl\nF:lib\nR:ld.so\n\n")
        .file("var/lib/rpm/Packages.db", ndb_database([header(files=["/usr/bin/sh"])]))
        .file("usr/bin/sh")
        .file("s/a-1.dist-info/METADATA", "Name: A\nVersion: 1\nRequires-Dist: b\n")
        .file("s/a-1.dist-info/RECORD", "a.py,,\n")
        .file("s/a.py")
        .file("n/node_modules/a/package.json", '{"name": "a", "version": "1.0.0"}')
        .file("n/node_modules/a/index.js")
        .file("l/package-lock.json", '{"packages": {"node_modules/b": {"version": "1.0.0"}}}')
        .file("g/specifications/a-1.gemspec", "# stub: a 1 ruby lib\n")
        .file("g/gems/a-1/lib/a.rb")
        .file("d/a.deps.json", '{"libraries": {"A/1.0.0": {"type": "package"}}}')
        .file("v/composer/installed.json", '[{"name": "a/b", "version": "1.0"}]')
        .file("b/go", elf({".go.buildinfo": golden("go1.27.buildinfo")}), mode=0o755)
        .file("b/go-functions", go_program(["runtime.goexit", "a%2eb.(*T).M.func1"]), mode=0o755)
        .file("b/rust.so", elf({".dep-v0": zlib.compress(golden("cargo-auditable.json"))}))
        .file("b/a-1.0.jar", archive(properties("g", "a", "1.0")))
        .symlink("b/link", "go")
        .file("app/main.py", "import yaml as y\nfrom . import x\ny.load(1, Loader=y.SafeLoader)\n")
    )
    facts = layer.scan(analyzers=image_analyzers())
    contents = squash([facts])
    # How they are compressed is the library's affair.
    programs = {path: load_functions(contents.calls.go_programs, path) for path in contents.calls.go_programs}
    unpacked = {name: kept for name, kept in facts.kept.items() if name != GO_FUNCTIONS[0]}
    facts, calls = msgspec.structs.replace(facts, kept=unpacked), replace(contents.calls, go_programs={})
    index = ExecutableIndex.of(contents)
    executables = [index.digests, sorted(index.others), index.links]
    found = [facts, contents.distribution, contents.packages, contents.problems, calls, programs, executables]
    seen = state_of([(msgspec.json.encode(found).decode(), 0)])
    assert (SCANNER_STATE, seen) == ("ce5ed018692dd7fd", "3af513483c29f16a")
