"""What is stored of a file's settings: those that rules look at, and no password."""

import re
from collections.abc import Iterable
from dataclasses import replace

from deadlight.scanner.exposures.rule import MASK, mask_urls
from deadlight.scanner.exposures.services.configuration import Node
from deadlight.scanner.exposures.services.service import Service
from deadlight.scanner.exposures.services.setting import ALIAS, MAX_VALUES, PROGRAM, Setting

WELL_KNOWN = f"{MASK} (a well-known default)"
"""Stands for a password that anybody tries first."""

MAX_VALUE = 1_000
"""Characters kept of one value."""

_WELL_KNOWN = frozenset(
    {"admin", "changeme", "changeit", "default", "foobared", "guest", "manager", "password", "postgres", "root"}
    | {"s3cret", "secret", "test", "tomcat", "123456", "minioadmin", "elastic", "prom-operator", "both", "role1"}
)
_SECRET_PAIR = re.compile(
    r"((?i:[\w.-]{0,100}(?:passw|pwd|secret(?!required)|token|credential)[\w.-]{0,100})=)(.*)", re.DOTALL
)


def keep_settings(service: Service, settings: Iterable[Setting]) -> tuple[Setting, ...]:
    """The settings that rules look at, passwords masked, each in the innermost kept block around it."""
    moved: dict[int, int] = {-1: -1}
    kept: list[Setting] = []
    for index, setting in enumerate(settings):
        parent = moved.get(setting.parent, -1)
        if is_kept(service, setting.name):
            moved[index] = len(kept)
            values = mask_values(service, setting.name, setting.values[:MAX_VALUES])
            kept.append(Setting(setting.name, values, setting.line, parent))
        else:
            moved[index] = parent
    return tuple(kept)


def keep_nodes(service: Service, nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The same for settings that stand in no file."""
    return tuple(
        replace(node, values=mask_values(service, node.name, node.values))
        for node in nodes
        if is_kept(service, node.name)
    )


def is_kept(service: Service, name: str) -> bool:
    """Whether any rule looks at settings of this name, or they say where others stand."""
    return name in {ALIAS, PROGRAM} or name in service.includes or service.keep.fullmatch(name) is not None


def mask_values(service: Service, name: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """The values without what is secret in them; an empty one stays, for that is what is wrong with it."""
    if service.secret is not None and service.secret.fullmatch(name):
        return (mask(values[-1]),) if values and values[-1] else values
    return tuple(_mask_pair(mask_urls(value[:MAX_VALUE])) for value in values)


def mask(secret: str) -> str:
    """What is shown in place of a password, or of `user:password`."""
    return WELL_KNOWN if secret.rpartition(":")[2].lower() in _WELL_KNOWN else MASK


def _mask_pair(value: str) -> str:
    pair = _SECRET_PAIR.fullmatch(value)
    return pair[1] + mask(pair[2]) if pair and pair[2] else value
