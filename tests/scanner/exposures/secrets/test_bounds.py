"""Any bytes at any path are read in time, and nothing is raised."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scanner.exposures.secrets.planting import SECRETS, plant

from deadlight.model.image import ImageSettings
from deadlight.scanner.exposures.exposure_scanner import KeptFile
from deadlight.scanner.exposures.secrets import load_rules
from deadlight.scanner.exposures.secrets.engine import MAX_KEYWORDS, MAX_SPANS, Engine
from deadlight.scanner.exposures.secrets.evidence import MAX_EVIDENCE
from deadlight.scanner.exposures.secrets.kept import decode

RULES = load_rules()
KEYWORDS = sorted({keyword for rule in RULES for keyword in rule.keywords})
PATHS = sorted({rule.examples_path for rule in RULES})
MIB = 1 << 20


def repeated(text: str) -> bytes:
    return (text.encode() * (MIB // len(text) + 1))[:MIB]


HOSTILE = {
    "all keywords": repeated(" ".join(KEYWORDS)),
    "keywords in any order": repeated(" ".join(random.Random(1).choices(KEYWORDS, k=20_000))),
    "a JWT that never ends": repeated("eyJ"),
    "JWTs": repeated("eyJaaaaaaaaaa."),
    "keys that never end": repeated("-----BEGIN RSA PRIVATE " + "KEY-----\n"),
    "a key of one mebibyte": b"-----BEGIN RSA PRIVATE " + b"KEY-----\n" + repeated("QUJD"),
    "addresses": repeated("https://u:pa5sword@h "),
    "half addresses": repeated("a://u:p"),
    "assignments": repeated("password='Xy7fj29dkFs'\n"),
    "half assignments": repeated("secret" + " " * 10),
    "quotes": repeated("password'"),
    "every secret": repeated("\n".join(plant(text, 1).text for rule in RULES for text in rule.matches)),
    "one line of base64": repeated('"auth":"' + "QUFB" * 300),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mebibyte_is_read_in_half_a_second_of_computing(name):
    SECRETS.take("app/.env", b"token")
    before = time.process_time()
    SECRETS.take("app/.env", HOSTILE[name])
    assert time.process_time() - before < 0.5


def test_what_is_too_much_is_told():
    kept = SECRETS.take("app/.env", repeated("token "))
    assert kept is not None
    assert decode(kept).is_cut
    assert not Engine(RULES).find(b"token " * (MAX_KEYWORDS - 1), "a").is_cut
    assert Engine(RULES).find(b"token " * MAX_KEYWORDS, "a").is_cut


def test_so_many_matches_are_looked_at():
    text = "\n".join(plant("ghp_<crc:30>", seed).text for seed in range(MAX_SPANS + 5))
    found = Engine(RULES).find(text.encode(), "a")
    assert len(found.matched) == MAX_SPANS
    assert found.is_cut


def test_a_file_that_was_not_read_to_the_end_shows_nothing_but_masks():
    text = "\n".join(plant("GITHUB_TOKEN=ghp_<crc:30>", seed).text for seed in range(MAX_SPANS + 5))
    kept = SECRETS.take("app/.env", text.encode())
    assert kept is not None
    assert {len(secret.evidence) for secret in decode(kept).secrets} == {8}


SIGNS = ["=", ":", '"', "'", " ", "\n", "://", "@", "-----", "eyJ", ".", "\xff", "\\n", "<", "${"]
_PART = st.one_of(
    st.sampled_from([keyword.encode() for keyword in KEYWORDS]),
    st.sampled_from(
        [b"=", b":", b'"', b"'", b" ", b"\n", b"://", b"@", b"-----", b"eyJ", b".", b"\xff", b"\\n", b"<", b"${"]
    ),
    st.binary(max_size=12),
    st.text(alphabet="abcXYZ0189+/=", max_size=60).map(str.encode),
)


@given(st.lists(_PART, max_size=40).map(b"".join), st.one_of(st.sampled_from(PATHS), st.text(max_size=40)))
@settings(max_examples=150)
def test_any_bytes_at_any_path_are_read_and_judged(content, path):
    kept = SECRETS.take(path, content)
    if kept is None:
        return
    for secret in decode(kept).secrets:
        assert len(secret.evidence) <= MAX_EVIDENCE
        assert secret.evidence.isprintable()
    assert SECRETS.judge([KeptFile(f"/{path}", kept, "sha256:1")], ImageSettings()).problems == ()


@given(st.binary(max_size=200), st.lists(st.text(max_size=60), max_size=4))
@settings(max_examples=100)
def test_any_kept_bytes_and_settings_are_judged(content, texts):
    image = ImageSettings(
        env=tuple(texts),
        labels=tuple((text, text) for text in texts),
        layer_commands=tuple(texts),
        command=tuple(texts),
    )
    SECRETS.judge([KeptFile("/a", content, "sha256:1")], image)
