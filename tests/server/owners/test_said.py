"""Labels and annotations that name who is responsible."""

import pytest

from deadlight.model.attribution import Attribution, Party
from deadlight.server.owners.rules import Owner
from deadlight.server.owners.said import find_email, find_said_owner, owner_by_build


def test_our_annotations_come_before_conventions() -> None:
    values = {
        "deadlight.io/owner": "Ada <ada@example.com>",
        "a8r.io/owner": "bob",
        "team": "shop",
        "a8r.io/chat": "#shop",
        "deadlight.io/on-call": "https://rota.example/shop",
    }
    assert find_said_owner(values, "workload") == Owner(
        "shop", "Ada <ada@example.com>", "ada@example.com", "#shop", "https://rota.example/shop", "workload: team"
    )


def test_what_names_nobody_is_no_owner() -> None:
    assert find_said_owner({"a8r.io/chat": "#shop", "deadlight.io/owner": " "}, "workload") is None


def test_an_address_on_call_that_is_no_web_address_is_left_out() -> None:
    said = find_said_owner({"team": "shop", "deadlight.io/on-call": "javascript:alert(1)"}, "namespace")
    assert said is not None
    assert (said.on_call, said.source) == ("", "namespace: team")


def test_the_builder_is_responsible_unless_it_is_a_machine() -> None:
    bot = Attribution("renovate[bot]", "label", party=Party.MACHINE)
    ada = Attribution("Ada <ada@example.com>", "label maintainer")
    assert owner_by_build(bot) is None
    found = owner_by_build(Attribution("build web #1", "registry", party=Party.APPLICATION, others=(bot, ada)))
    assert found is not None
    assert (found.email, found.source) == ("ada@example.com", "Build Owner: label maintainer")


@pytest.mark.parametrize(
    ("text", "email"),
    [("Ada <ada@example.com>", "ada@example.com"), ("ada", ""), ("@example.com", ""), ("a@b", ""), ("x" * 9999, "")],
)
def test_the_first_address_in_a_text_is_found(text: str, email: str) -> None:
    assert find_email(text) == email
