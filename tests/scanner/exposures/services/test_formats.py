"""The readers of formats, each with what is peculiar to it."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.ecosystems import UnreadableFileError
from deadlight.scanner.exposures.services.finding import host_of, is_local, names_old_tls, names_weak_cipher
from deadlight.scanner.exposures.services.formats.blocks import read_blocks
from deadlight.scanner.exposures.services.formats.documents import MAX_TOML, read_json, read_toml, read_xml, read_yaml
from deadlight.scanner.exposures.services.formats.lines import read_assignments, read_sections, word_lines
from deadlight.scanner.exposures.services.setting import MAX_DEPTH, MAX_SETTINGS, Setting, bounded

READERS: dict[str, Callable[[str], Iterator[Setting]]] = {
    "blocks": read_blocks,
    "sections": read_sections,
    "words": word_lines(sections=("match",), comment="#"),
    "assignments": read_assignments,
    "yaml": read_yaml,
    "json": read_json,
    "toml": read_toml,
    "xml": read_xml,
}


def test_blocks_know_quotes_variables_and_comments() -> None:
    text = '# a;\nserver {\n  set $a "b; \\" c";\n  if ($x = ${y}) { return 301\n https://$host; }\n}\nuser www;\n'
    assert list(read_blocks(text)) == [
        Setting("server", (), 2, -1),
        Setting("set", ("$a", 'b; \\" c'), 3, 0),
        Setting("if", ("($x", "=", "${y})"), 4, 0),
        Setting("return", ("301", "https://$host"), 4, 2),
        Setting("user", ("www",), 7, -1),
    ]


def test_sections_go_on_after_a_backslash() -> None:
    text = '<VirtualHost *:80>\n  # a\n  SSLProtocol all \\\n   -SSLv3\n</VirtualHost>\nListen "80"\n'
    assert list(read_sections(text)) == [
        Setting("virtualhost", ("*:80",), 1, -1),
        Setting("sslprotocol", ("all", "-SSLv3"), 3, 0),
        Setting("listen", ("80",), 6, -1),
    ]


def test_assignments_have_sections_quotes_and_comments() -> None:
    text = "; a\nA=1\nB: 'x # y' # z\n[s.t]\nc 5 # d\nbare\nexport D=\"e\"\n!includedir /etc/x\n"
    assert [(setting.name, *setting.values) for setting in read_assignments(text)] == [
        ("A", "1"),
        ("B", "x # y"),
        ("s.t.c", "5"),
        ("s.t.bare", ""),
        ("s.t.D", "e"),
        ("!includedir", "/etc/x"),
    ]


def test_documents_are_flat_with_their_lines() -> None:
    expected = [Setting("a.b.0", ("1",), 2), Setting("a.b.1.c", ("x",), 3)]
    assert list(read_yaml("a:\n  b: [1,\n   {c: x}]\n")) == expected
    assert list(read_json('{"a":\n\t{"b": [1,\n\t{"c": "x"}]}}')) == expected
    assert list(read_toml("[a]\nb = [1,\n{c = 'x'}]\n")) == [Setting("a.b.0", ("1",), 2), Setting("a.b.1.c", ("x",), 1)]


def test_xml_keeps_attributes_texts_and_parents() -> None:
    assert list(read_xml("<a b='1'>\n<c>x &amp; y</c></a>")) == [
        Setting("a", ("b=1",), 1, -1),
        Setting("c", ("text=x & y",), 2, 0),
    ]


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        ("blocks", "a {" * (MAX_DEPTH + 1)),
        ("sections", "<a>\n" * (MAX_DEPTH + 1)),
        ("yaml", "[" * (MAX_DEPTH + 1)),
        ("yaml", "a: 'open"),
        ("json", '{"a":' * (MAX_DEPTH + 1)),
        ("toml", "a = "),
        ("toml", "#" * (MAX_TOML + 1)),
        ("toml", "a = " + "[" * 2_000),
        ("toml", "a = " + "{a = " * 40 + "1" + "}" * 40),
        ("xml", "<a>" * (MAX_DEPTH + 1)),
        ("xml", "<a"),
        ("xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
    ],
)
def test_what_is_damaged_or_too_deep_is_refused(reader: str, text: str) -> None:
    with pytest.raises(UnreadableFileError):
        list(READERS[reader](text))


def test_a_file_has_no_more_settings_than_anybody_writes() -> None:
    assert len(bounded(read_blocks("a;" * MAX_SETTINGS))) == MAX_SETTINGS
    with pytest.raises(UnreadableFileError, match="more than"):
        bounded(read_blocks("a;" * (MAX_SETTINGS + 1)))


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
@given(text=st.text(alphabet="ab01 \t\n=:;#\"'\\{}[]()<>/&*!-.,$", max_size=60))
def test_no_text_makes_a_reader_fail(reader: Callable[[str], Iterator[Setting]], text: str) -> None:
    try:
        settings = list(reader(text))
    except UnreadableFileError:
        return
    assert all(setting.parent < index for index, setting in enumerate(settings))
    assert all(0 <= setting.line <= text.count("\n") + 1 for setting in settings)


@pytest.mark.parametrize(
    ("value", "old"),
    [
        ("TLSv1.2 TLSv1.3", False),
        ("TLSv1 TLSv1.2", True),
        ("TLSv1.1", True),
        ("SSLv3", True),
        ("TLS10", True),
        ("TLS12", False),
        ("TLSv1_2", False),
        ("TLSv1_0", True),
        ("tlsv1.3", False),
        ("-TLSv1 !SSLv3", False),
        ("TLS_AUTO", False),
    ],
)
def test_old_protocols_are_told_from_new_ones(value: str, old: bool) -> None:
    assert names_old_tls(value) is old


@pytest.mark.parametrize(
    ("value", "weak"),
    [
        ("HIGH:!aNULL:!MD5", False),
        ("ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-SHA", False),
        ("DES-CBC3-SHA", True),
        ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", True),
        ("ALL:eNULL", True),
        ("EXP-RC4-MD5", True),
        ("DEFAULT:!EXP:!LOW", False),
        ("HIGH:-RC4", False),
    ],
)
def test_weak_ciphers_are_told_from_those_that_are_ruled_out(value: str, weak: bool) -> None:
    assert names_weak_cipher(value) is weak


@pytest.mark.parametrize(
    ("address", "host", "local"),
    [
        ("127.0.0.1:80", "127.0.0.1", True),
        ("[::1]:80", "[::1]", True),
        ("::1", "::1", True),
        ("*:80", "*", False),
        (":9090", "", False),
        ("http://0.0.0.0:2379", "0.0.0.0", False),
        ("https://localhost:2379/x", "localhost", True),
        ("unix:/run/a.sock", "unix", True),
        ("::", "::", False),
    ],
)
def test_addresses_are_local_or_not(address: str, host: str, local: bool) -> None:
    assert host_of(address) == host
    assert is_local(address) is local
