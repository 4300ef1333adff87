"""What differs between two pod templates, in words."""

from typing import Any

import pytest
from tests.controller.admission.made import deployment

from deadlight.controller.admission.changes import describe_changes


def template(*containers: dict[str, Any], init: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    lists = {"containers": list(containers)} | ({"initContainers": [init]} if init else {})
    return {"metadata": {"labels": {"app": "web"}}, "spec": {**lists, **spec}}


WEB = {"name": "web", "image": "web:1"}
BEFORE = template(WEB)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (BEFORE, ()),
        (template({**WEB, "image": "web:2"}), ("image of web: web:1 -> web:2",)),
        (template(WEB, {"name": "proxy", "image": "p:1"}), ("container proxy added with p:1",)),
        (template(WEB, init={"name": "setup", "image": "s:1"}), ("container setup added with s:1",)),
        (template({"name": "api", "image": "a:1"}), ("container api added with a:1", "container web removed")),
        (template({**WEB, "env": [{"name": "DEBUG"}]}), ("settings of web",)),
        (template(WEB, hostNetwork=True), ("settings of the pods",)),
        ({**BEFORE, "metadata": {"annotations": {"restartedAt": "now"}}}, ("labels or annotations of the pods",)),
    ],
)
def test_a_change_is_told_by_what_it_is_about(wanted: dict[str, Any], told: tuple[str, ...]) -> None:
    assert describe_changes(BEFORE, wanted) == told


def test_something_new_is_told_by_its_images() -> None:
    assert describe_changes(None, BEFORE) == ("image of web: web:1",)
    assert describe_changes(None, deployment()["spec"]["template"]) == ("image of web: web:1",)
