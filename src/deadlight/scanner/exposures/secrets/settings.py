"""What an image's settings show of secrets: environment, labels and the commands that made its layers."""

from collections.abc import Iterator

from deadlight.model.image import ImageSettings

SETTINGS_PATH = "image.env"
"""Stands for the path of a setting, for rules that read some files only: settings are as loosely written as `.env`."""

_MAX_SETTINGS = 2_000
_MAX_SETTING = 128 * 1024
"""Characters of one setting that are read."""


def iter_settings(settings: ImageSettings) -> Iterator[tuple[str, str]]:
    """Where a setting stands (`ENV NAME`, `label NAME`, `history 3`), and its text."""
    places = (*_places(settings),)
    for location, text in places[:_MAX_SETTINGS]:
        yield location, text[:_MAX_SETTING]


def _places(settings: ImageSettings) -> Iterator[tuple[str, str]]:
    for variable in settings.env:
        yield f"ENV {variable.partition('=')[0][:100]}", variable
    for name, value in settings.labels:
        yield f"label {name[:100]}", f"{name}={value}"
    for number, command in enumerate(settings.layer_commands, start=1):
        yield f"history {number}", command
    yield "entrypoint", " ".join(settings.entrypoint)
    yield "command", " ".join(settings.command)
