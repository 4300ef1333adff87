"""The owners map as a document, to keep it beside the code it is about. Pure."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import yaml
from pydantic import ValidationError

from deadlight.server.errors import BadRequestError
from deadlight.server.owners.schemas import MAX_RULES, RuleIn

Format = Literal["yaml", "json"]

MAX_PARTS = 40_000
"""A rule with all its fields has 22."""

MAX_DEPTH = 4

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""In C where libyaml is there, which it is in the usual packages: an import is read while others wait."""


def write_document(rules: Sequence[RuleIn], form: Format) -> str:
    """The map as text; what is empty is left out."""
    fields = set(RuleIn.model_fields) - {"demonstration"}
    owners = [{name: value for name, value in rule.model_dump(include=fields).items() if value} for rule in rules]
    document = {"owners": owners}
    if form == "json":
        return msgspec.json.format(msgspec.json.encode(document)).decode() + "\n"
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def parse_document(content: str) -> list[RuleIn]:
    """The rules of a document in YAML, of which JSON is a part.

    Raises:
        BadRequestError: it is no such document, or names the rule that is wrong.
    """
    try:
        _check(content)
        document = yaml.load(content, Loader=_LOADER)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError) as error:
        raise BadRequestError(f"this is neither YAML nor JSON: {_first_line(error)}") from None
    owners = document.get("owners") if isinstance(document, dict) else None
    if not isinstance(owners, list) or len(owners) > MAX_RULES:
        raise BadRequestError(f"the document has a list `owners` of at most {MAX_RULES} rules")
    return [_rule(number, item) for number, item in enumerate(owners, 1)]


def _check(content: str) -> None:
    """Raises YAMLError for what is larger than any map, and for aliases, through which a few lines become gigabytes."""
    depth = 0
    for number, event in enumerate(yaml.parse(content, Loader=_LOADER)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if number > MAX_PARTS or depth > MAX_DEPTH:
            raise yaml.YAMLError("too many values, or too deep")
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not understood")


def _rule(number: int, item: Any) -> RuleIn:
    try:
        return RuleIn.model_validate(item)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, wrong["loc"]))
        raise BadRequestError(f"rule {number}: {place + ': ' if place else ''}{wrong['msg']}") from None


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
