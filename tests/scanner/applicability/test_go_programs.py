from tests.scanner.layer_builder import LayerBuilder
from tests.support.go_programs import go_program

from deadlight.scanner import load_functions, squash
from deadlight.scanner.applicability import go_programs
from deadlight.scanner.applicability.go_programs import ANALYZER, take_functions

HTML = go_program(["runtime.goexit", "example.com/html.Parse"])


def test_programs_are_read_where_the_image_has_them():
    lower = LayerBuilder().file("usr/bin/shop", HTML, mode=0o755).file("bin/old", HTML, mode=0o755).scan()
    upper = LayerBuilder().whiteout("bin/old").hard_link("bin/link", "usr/bin/shop").scan("sha256:2")
    code = squash([lower, upper]).calls
    assert set(code.go_programs) == {"/usr/bin/shop", "/bin/link"}
    functions = load_functions(code.go_programs, "usr/bin/shop")
    assert functions is not None
    assert functions.packages["example.com/html"] == "Parse"
    assert load_functions(code.go_programs, "/usr/bin/shop") == functions
    assert load_functions(code.go_programs, "bin/old") is None


def test_a_program_without_a_readable_table_is_unknown_and_its_modules_are_not():
    damaged = HTML.replace(b"\xf1\xff\xff\xff", b"\x01\xff\xff\xff")
    facts = LayerBuilder().file("usr/bin/shop", damaged, mode=0o755).scan()
    contents = squash([facts])
    assert "unknown layout" in facts.of(ANALYZER[0]).unread["usr/bin/shop"]
    assert load_functions(contents.calls.go_programs, "usr/bin/shop") is None
    assert {item.package.name for item in contents.packages} == {"stdlib", "example.com/shop", "example.com/html"}


def test_what_an_image_keeps_of_its_programs_is_bounded(monkeypatch):
    kept = take_functions("", memoryview(HTML))
    assert kept is not None
    monkeypatch.setattr(go_programs, "MAX_PROGRAMS_BYTES", 2 * len(kept))
    layer = LayerBuilder()
    for name in "abc":
        layer.file(f"bin/{name}", HTML, mode=0o755)
    assert len(squash([layer.scan()]).calls.go_programs) == 2


def test_what_another_version_kept_is_not_known():
    assert load_functions({"/a": b"other"}, "a") is None
