"""Rules from files in gitleaks' format."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scanner.exposures.secrets.planting import plant

from deadlight.model.image import ImageSettings
from deadlight.scanner import InvalidRuleError
from deadlight.scanner.exposures.exposure_scanner import KeptFile
from deadlight.scanner.exposures.secrets import load_rules, parse_gitleaks_rules, secrets_scanner
from deadlight.scanner.exposures.secrets.gitleaks import MAX_FILE_BYTES, MAX_RULES
from deadlight.scanner.exposures.secrets.kept import decode

ACME = r"""
title = "Acme"
[[rules]]
id = "acme-key"
description = "An Acme key opens the warehouse"
regex = '''(?i)acme[_-]key\s*=\s*"(k)-([a-z0-9]{16})"'''
secretGroup = 2
entropy = 3.0
keywords = ["ACME"]
"""
LINE = 'acme_key = "k-<lower:16>"'


def load(text: str = ACME, more: str = ""):
    return parse_gitleaks_rules("acme.toml", (text + more).encode())


def found(text: str, rules, path: str = "app/settings.py") -> list[str]:
    kept = secrets_scanner(rules=rules).take(path, text.encode())
    return [secret.rule for secret in decode(kept).secrets] if kept else []


def test_a_rule_finds_its_group_case_insensitively_by_keyword():
    rules = load().rules
    text = plant(LINE, 1).text
    scanner = secrets_scanner(rules=rules)
    kept = scanner.take("app/a.py", text.encode())
    assert kept is not None
    (exposure,) = scanner.judge([KeptFile("/app/a.py", kept, "sha256:1")], ImageSettings()).exposures
    assert exposure.rule_id == "EXP-SECRET-acme-key"
    assert exposure.title == "Acme key"
    assert exposure.description == "An Acme key opens the warehouse."
    assert exposure.evidence == 'acme_key = "k-****"'
    assert found(text.replace("acme", "ACME"), rules) == ["acme-key"]
    assert found(text.replace("acme", "acne"), rules) == []


def test_entropy_is_a_floor():
    assert found('acme_key = "k-abababababababab"', load().rules) == []


def test_rules_are_used_beside_our_own():
    rules = (*load().rules, *load_rules())
    text = plant(LINE, 1).text + "\n" + plant("ghp_<crc:30>", 1).text
    assert found(text, rules) == ["acme-key", "github-token"]


def test_the_first_group_that_took_part_is_the_secret_where_none_is_named():
    rules = load(ACME.replace("secretGroup = 2", "").replace("(k)-", "(?:(q)|k)-").replace("entropy = 3.0", "")).rules
    scanner = secrets_scanner(rules=rules)
    kept = scanner.take("a.py", b'acme_key = "k-zh27ahs6510qp4bn"')
    assert kept is not None
    assert decode(kept).secrets[0].evidence == 'acme_key = "k-****"'


def test_a_rule_with_a_path_is_for_such_files():
    rules = load(more="path = '''\\.ini$'''\n").rules
    assert found(plant(LINE, 1).text, rules, "app/x.ini") == ["acme-key"]
    assert found(plant(LINE, 1).text, rules, "app/x.py") == []


def test_a_rule_with_nothing_but_a_path_names_the_file():
    rules = load("[[rules]]\nid = 'dump'\npath = '''\\.dump$'''\n").rules
    assert found("anything", rules, "backup/shop.dump") == ["dump"]
    assert found("anything", rules, "backup/shop.txt") == []


@pytest.mark.parametrize(
    ("allowlist", "is_found"),
    [
        ("[[rules.allowlists]]\npaths = ['''settings''']\n", False),
        ("[[rules.allowlists]]\npaths = ['''other''']\n", True),
        ("[[rules.allowlists]]\nregexes = ['''^zh27''']\n", False),
        ("[[rules.allowlists]]\nregexes = ['''^acme''']\n", True),
        ("[[rules.allowlists]]\nregexTarget = 'match'\nregexes = ['''^acme''']\n", False),
        ("[[rules.allowlists]]\nregexTarget = 'line'\nregexes = ['''# harmless$''']\n", False),
        ("[[rules.allowlists]]\nstopwords = ['AHS6']\n", False),
        ("[[rules.allowlists]]\ncondition = 'AND'\npaths = ['''settings''']\nstopwords = ['none']\n", True),
        ("[[rules.allowlists]]\ncondition = 'AND'\npaths = ['''settings''']\nstopwords = ['ahs6']\n", False),
        ("[[rules.allowlists]]\ncondition = 'AND'\npaths = ['''settings''']\ncommits = ['abc']\n", True),
        ("[rules.allowlist]\nstopwords = ['ahs6']\n", False),
        ("[allowlist]\npaths = ['''settings''']\n", False),
        ("[[allowlists]]\ntargetRules = ['other']\npaths = ['''settings''']\n", True),
        ("[[allowlists]]\ntargetRules = ['acme-key']\npaths = ['''settings''']\n", False),
    ],
)
def test_allowlists_pass_over_what_they_say(allowlist, is_found):
    text = 'acme_key = "k-zh27ahs6510qp4bn"  # harmless'
    assert found(text, load(more=allowlist).rules) == (["acme-key"] if is_found else [])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("[extend]\nuseDefault = true\n", "extend is not followed: give the extended file as well"),
        ("[allowlist]\ncommits = ['abc']\n", "allowlists by commit are not followed"),
        ("[[rules.allowlists]]\ncommits = ['abc']\n", "acme-key: allowlists by commit"),
        ("[[rules.required]]\nid = 'other'\n", "acme-key: is left out: rules that need other rules near"),
        ("[[rules]]\nid = 'other'\nregex = 'a'\n", "other: has no keywords"),
        ("[[rules]]\nid = 'base'\n[extend]\nuseDefault = true\n", "base: is left out: it changes a rule"),
    ],
)
def test_what_is_not_followed_is_told(more, said):
    assert any(said in notice for notice in load(more=more).notices)
    assert load().notices == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no"),
        ("rules = 3", "rules"),
        ("[[rules]", "Expected"),
        ("[[rules]]\nregex = 'a'\n", "rule 1: needs an id"),
        ("[[rules]]\nid = 'a'\n", "a: needs an id, and a regex or a path"),
        ("[[rules]]\nid = 'a'\nregex = '(?=b)'\n", r"a: RE2 cannot compile '\(\?=b\)': invalid perl operator"),
        ("[[rules]]\nid = 'a'\nregex = 'b'\npath = '('\n", "a: RE2 cannot compile"),
        ("[[rules]]\nid = 'a'\nregex = '(b)'\nsecretGroup = 2\n", "a: the secret is group 2 of 1"),
        ("[[rules]]\nid = 'a'\nregex = 'b'\n[[rules]]\nid = 'a'\nregex = 'c'\n", "more than one rule is called a"),
        ("[[rules]]\nid = 'a'\nregex = 'b'\n[[rules.allowlists]]\ncondition = 'XOR'\npaths = ['a']\n", "'XOR'"),
        ("[[rules]]\nid = 'a'\nregex = 'b'\n[[rules.allowlists]]\nregexTarget = 'mtach'\npaths = ['a']\n", "'mtach'"),
        ("[[rules]]\nid = 'a'\nregex = 'b'\n[[rules.allowlists]]\nregexes = ['(']\n", "a: RE2 cannot compile"),
        ("[[rules]]\nid = 'a'\nregex = 'b'\n[[rules.allowlists]]\n", "a: allowlist: needs paths"),
        ("[[rules]]\nid = 'a'\nregex = '" + "b" * 30_000 + "'\n", "regex"),
        ("[[rules]]\nid = 'a'\nregex = 'b'\n" * (MAX_RULES + 1), "rules"),
        ("#" * (MAX_FILE_BYTES + 1), "more than the"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_name_and_rule(text, said):
    with pytest.raises(InvalidRuleError, match=rf"secret rules broken\.toml: (.|\n)*{said}"):
        parse_gitleaks_rules("broken.toml", text.encode())


def test_every_broken_expression_is_named():
    text = "".join(f"[[rules]]\nid = '{name}'\nregex = '('\nkeywords = ['k']\n" for name in ("one", "two"))
    with pytest.raises(InvalidRuleError, match=r"one: .*; two: "):
        parse_gitleaks_rules("broken.toml", text.encode())


_WORDS = """
    [[rules]] [rules.allowlist] [[rules.allowlists]] [allowlist] [extend] id= regex= path= keywords= entropy= nan 1 'a'
    '(' ['a'] [] true secretGroup= stopwords= condition= = {} # '''
"""
_TOML = st.sampled_from([*_WORDS.split(), " ", "\n"])


@given(st.one_of(st.binary(max_size=300), st.lists(_TOML, max_size=40).map(lambda parts: "\n".join(parts).encode())))
@settings(max_examples=200)
def test_any_file_is_read_or_refused(content):
    try:
        loaded = parse_gitleaks_rules("any.toml", content)
    except InvalidRuleError:
        return
    secrets_scanner(rules=loaded.rules).take("app/a", b"a = 'a'\n" + content)


@given(
    st.text(alphabet="ab(|)[]{}*+?.^$\\1,d ", min_size=1, max_size=30),
    st.binary(max_size=200),
    st.lists(st.sampled_from(["a", "b", "A", "1"]), max_size=2),
)
@settings(max_examples=200)
def test_any_expression_is_tried_or_refused(pattern, content, keywords):
    text = f"[[rules]]\nid = 'x'\nregex = '{pattern}'\nkeywords = {keywords}\n"
    try:
        rules = parse_gitleaks_rules("any.toml", text.encode()).rules
    except InvalidRuleError:
        return
    secrets_scanner(rules=rules).take("app/a", content)
