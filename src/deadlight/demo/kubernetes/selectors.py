"""Label and field selectors: equality (`a=b`, `a!=b`), presence (`a`, `!a`) and sets (`a in (b, c)`)."""

import re
from collections.abc import Callable, Mapping

from deadlight.demo.kubernetes.statuses import bad_request

Matches = Callable[[Mapping[str, str]], bool]

_REQUIREMENT = re.compile(
    r"\s*(?:(?P<absent>!)?(?P<bare>[\w./-]+)"
    r"|(?P<key>[\w./-]+)\s*(?P<operator>==|=|!=)\s*(?P<value>[\w./:-]*)"
    r"|(?P<set_key>[\w./-]+)\s+(?P<membership>in|notin)\s*\((?P<values>[^()]*)\))\s*"
)
_SPLIT = re.compile(r",(?![^(]*\))")


def parse_selector(text: str) -> Matches:
    """What a selector accepts; an empty one accepts everything.

    Raises:
        StatusError: 400, the text is no selector.
    """
    requirements = [_requirement(part) for part in _SPLIT.split(text)] if text.strip() else []
    return lambda values: all(requirement(values) for requirement in requirements)


def _requirement(text: str) -> Matches:
    found = _REQUIREMENT.fullmatch(text)
    if found is None:
        raise bad_request(f"unable to parse requirement: {text!r}")
    if bare := found["bare"]:
        wanted = not found["absent"]
        return lambda values: (bare in values) is wanted
    if set_key := found["set_key"]:
        members, inside = {part.strip() for part in found["values"].split(",")}, found["membership"] == "in"
        return lambda values: (values.get(set_key) in members) is inside
    key, value, equal = found["key"], found["value"], found["operator"] != "!="
    return lambda values: (values.get(key) == value) is equal
