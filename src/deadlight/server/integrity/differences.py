"""In which layers and settings two images differ: the deep evidence of a mismatch. Pure, bounded, without secrets."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deadlight.registry import ImageConfig

MAX_LISTED = 100
"""Layers on each side, and settings, that are listed; how many there are is counted all the same."""

MAX_VALUE_CHARACTERS = 500
HIDDEN = "(hidden)"

_CONFIDENTIAL = r"(?:pass|pwd|secret|token|credential|auth(?!or)|private|api[_-]?key|access[_-]?key|dsn)"
_SECRET_NAME = re.compile(rf"{_CONFIDENTIAL}|[_.-]key$|^key$", re.IGNORECASE)
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")

# A name is tried from its first character alone and never given back in part: strangers write what this reads, and the
# time must grow with its length, not with the square of it.
_ASSIGNMENT = re.compile(r"(?<![A-Za-z0-9_.-])([A-Za-z0-9_.-]++)=(\"[^\"]*\"|'[^']*'|\S*)")
_SECRET_OPTION = re.compile(
    rf"(?<![A-Za-z0-9_-])(--?(?:(?!{_CONFIDENTIAL})[A-Za-z0-9_-])*+{_CONFIDENTIAL}[A-Za-z0-9_-]*+[ =])(\S+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of an image, compressed, as its manifest names it. An empty command is unknown."""

    digest: str
    size: int | None = None
    """Bytes; None where only a scan is left to tell of it."""
    created_by: str = ""


@dataclass(frozen=True, slots=True)
class ImageDescription:
    """What an image is made of."""

    layers: tuple[Layer, ...]
    """Lowest first."""
    config: ImageConfig


def describe(layers: Iterable[tuple[str, int | None]], config: ImageConfig) -> ImageDescription:
    """An image of these layers (digest and size), with what its configuration says of each."""
    named = list(layers)
    commands = config.layer_commands if len(config.layer_commands) == len(named) else [""] * len(named)
    made = zip(named, commands, strict=True)
    return ImageDescription(tuple(Layer(digest, size, command) for (digest, size), command in made), config)


def compare_images(running: ImageDescription, expected: ImageDescription) -> dict[str, Any]:
    """The differences as JSON-able evidence.

    Layers are compared by digest, settings one by one: each environment variable and each label is a field of its own.
    What may be a secret, by the name it has, is hidden.
    """
    only_running, only_expected = _without(running, expected), _without(expected, running)
    config, config_count = _compare_settings(_settings(running.config), _settings(expected.config))
    return {
        "layers": {
            "common": len(running.layers) - len(only_running),
            "only_running": [_listed(layer) for layer in only_running[:MAX_LISTED]],
            "only_running_count": len(only_running),
            "only_expected": [_listed(layer) for layer in only_expected[:MAX_LISTED]],
            "only_expected_count": len(only_expected),
        },
        "config": config,
        "config_count": config_count,
        "problem": "",
    }


def not_compared(problem: str) -> dict[str, Any]:
    """The same where the images could not be compared, with why."""
    nothing = {"only_running": [], "only_running_count": 0, "only_expected": [], "only_expected_count": 0}
    return {
        "layers": {"common": None, **nothing},
        "config": [],
        "config_count": 0,
        "problem": problem[:MAX_VALUE_CHARACTERS],
    }


def _without(image: ImageDescription, other: ImageDescription) -> Sequence[Layer]:
    known = {layer.digest for layer in other.layers}
    return [layer for layer in image.layers if layer.digest not in known]


def _listed(layer: Layer) -> dict[str, Any]:
    return {"digest": layer.digest, "size": layer.size, "created_by": hide_secrets(layer.created_by)}


def _settings(config: ImageConfig) -> Mapping[str, str]:
    """Every setting by the name it is listed under."""
    variables = (item.partition("=") for item in config.env)
    settings = {
        "platform": str(config.platform),
        "created": config.created_at.isoformat() if config.created_at else "",
        "entrypoint": " ".join(config.entrypoint),
        "command": " ".join(config.command),
        "user": config.user,
        "working directory": config.working_directory,
    }
    settings |= {f"environment {name}": value for name, _, value in variables}
    return settings | {f"label {name}": value for name, value in config.labels.items()}


def _compare_settings(running: Mapping[str, str], expected: Mapping[str, str]) -> tuple[list[dict[str, Any]], int]:
    """Those that differ, as many as are listed, and how many there are."""
    names = [*running, *(name for name in expected if name not in running)]
    differing = [name for name in names if running.get(name) != expected.get(name)]
    listed = [
        {"field": name[:MAX_VALUE_CHARACTERS], "running": _shown(name, running), "expected": _shown(name, expected)}
        for name in differing[:MAX_LISTED]
    ]
    return listed, len(differing)


def _shown(name: str, settings: Mapping[str, str]) -> str | None:
    value = settings.get(name)
    if value is None:
        return None
    return HIDDEN if value and _SECRET_NAME.search(name.partition(" ")[2]) else hide_secrets(value)


def hide_secrets(text: str) -> str:
    """A command or value without what looks like a secret in it, and not too long."""
    text = _USER_INFO.sub(f"{HIDDEN}@", text[: 4 * MAX_VALUE_CHARACTERS])
    text = _ASSIGNMENT.sub(lambda found: f"{found[1]}={HIDDEN if _SECRET_NAME.search(found[1]) else found[2]}", text)
    return _SECRET_OPTION.sub(rf"\g<1>{HIDDEN}", text)[:MAX_VALUE_CHARACTERS]
