"""Rules and documents of them as strangers may write them."""

import json

import pytest
from pydantic import ValidationError

from deadlight.server.errors import BadRequestError
from deadlight.server.owners.documents import parse_document, write_document
from deadlight.server.owners.schemas import MAX_RULES, RuleIn


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"namespace": "shop"}, "names a team, a person or an e-mail"),
        ({"team": "x", "email": "not an address"}, "e-mail"),
        ({"team": "x", "email": "a@b.c, d@e.f"}, "e-mail"),
        ({"team": "x", "email": "a@b.c\r\nBcc: d@e.f"}, "e-mail"),
        ({"team": "x", "on_call": "javascript:alert(1)"}, "http"),
        ({"team": "x", "label": "team"}, "key=value"),
        ({"team": "x", "namespaces": "shop"}, "namespaces"),
        ({"team": "x" * 257}, "256"),
        ({"team": "x\0"}, "zero byte"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_with_what_is_wrong(rule: dict[str, str], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        RuleIn.model_validate(rule)
    with pytest.raises(BadRequestError, match="rule 2"):
        parse_document(json.dumps({"owners": [{"team": "shop"}, rule]}))


BOMB = "owners:\n- &a {team: x}\n" + "".join(f"- &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "a list `owners`"),
        ("[]", "a list `owners`"),
        ("owners: {}", "a list `owners`"),
        ("owners: [", "neither YAML nor JSON"),
        ("owners: !!python/object/apply:os.system ['true']", "neither YAML nor JSON"),
        (BOMB, "aliases"),
        ("owners: " + "[" * 5_000 + "]" * 5_000, "neither YAML nor JSON"),
        ("owners: [" + "{}," * 60_000 + "]", "too many values"),
        ("owners: [" + "{team: x}," * (MAX_RULES + 1) + "]", "at most"),
        ("owners: [7]", "rule 1"),
        ("owners: [{team: 2026-01-01}]", "rule 1: team"),
    ],
)
def test_a_document_that_is_none_is_refused_at_once(content: str, text: str) -> None:
    with pytest.raises(BadRequestError, match=text):
        parse_document(content)


def test_what_is_written_is_what_is_read() -> None:
    rules = [RuleIn(team="büro", label="a=b, c=*"), RuleIn(person="yes", namespace="0x1", email="a@b.example")]
    assert parse_document(write_document(rules, "yaml")) == rules
    assert parse_document(write_document(rules, "json")) == rules
