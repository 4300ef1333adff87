"""What differs between two pod templates, in words. Pure; templates are JSON of strangers."""

from collections.abc import Iterator, Mapping
from typing import Any


def describe_changes(before: Any, wanted: Any) -> tuple[str, ...]:
    """What a request changes, images first; `before` is None for something new."""
    return tuple(_changes(_map(before), _map(wanted)))


def _changes(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    old, new = _containers(before), _containers(wanted)
    for name, container in new.items():
        image = container.get("image", "")
        if name not in old:
            yield f"container {name} added with {image}" if before else f"image of {name}: {image}"
        elif old[name].get("image", "") != image:
            yield f"image of {name}: {old[name].get('image', '')} -> {image}"
    yield from (f"container {name} removed" for name in old if name not in new)
    if before:
        yield from _other_changes(before, wanted)


def _other_changes(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    old, new = _containers(before), _containers(wanted)
    for name in new:
        if name in old and _without(old[name], "image") != _without(new[name], "image"):
            yield f"settings of {name}"
    if _map(before.get("metadata")) != _map(wanted.get("metadata")):
        yield "labels or annotations of the pods"
    lists = ("containers", "initContainers")
    if _without(_map(before.get("spec")), *lists) != _without(_map(wanted.get("spec")), *lists):
        yield "settings of the pods"


def _containers(template: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    spec = _map(template.get("spec"))
    found = [*_list(spec.get("initContainers")), *_list(spec.get("containers"))]
    return {str(item["name"]): item for item in found if isinstance(item, dict) and "name" in item}


def _without(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
