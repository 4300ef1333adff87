from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.demo.kubernetes.selectors import parse_selector
from deadlight.demo.kubernetes.statuses import StatusError

LABELS = {"app": "web", "app.kubernetes.io/name": "shop", "tier": ""}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app=db", False),
        ("app!=db", True),
        ("other!=db", True),
        ("app", True),
        ("other", False),
        ("!other", True),
        ("!app", False),
        ("tier=", True),
        ("app in (db, web)", True),
        ("app notin (db,web)", False),
        ("other notin (db)", True),
        ("app=web, app.kubernetes.io/name=shop", True),
        ("app=web,app in (db)", False),
    ],
)
def test_a_selector_chooses_by_labels(selector: str, matches: bool) -> None:
    assert parse_selector(selector)(LABELS) is matches


@pytest.mark.parametrize("selector", ["=", "app=web,,", "app in", "app in (a", "a b", ","])
def test_what_is_no_selector_is_400(selector: str) -> None:
    with pytest.raises(StatusError) as refused:
        parse_selector(selector)

    assert refused.value.code == 400


@given(st.text(alphabet="ab=!,() in", max_size=40))
def test_any_text_is_a_selector_or_400(selector: str) -> None:
    with suppress(StatusError):
        parse_selector(selector)(LABELS)
