"""A deployer counts once the workload is what they asked for, and for as long as it is."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from deadlight.controller.deltas import Change
from deadlight.controller.sources.kubernetes import objects
from deadlight.controller.sources.kubernetes.deployers import REMEMBERED, DeployerBook
from deadlight.controller.sources.kubernetes.templates import images_hash, template_hash
from deadlight.controller.sources.kubernetes.view import ClusterView
from deadlight.model import wire

AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def deployer(user: str, template: str, via: str = "admission") -> wire.Deployer:
    return wire.Deployer(user=user, via=via, at=AT, template=template)


def raw(image: str) -> msgspec.Raw:
    return msgspec.Raw(f'{{"spec": {{"containers": [{{"name": "web", "image": "{image}"}}]}}}}'.encode())


def seen(image: str) -> objects.Deployment:
    metadata = objects.LabelledMetadata(name="web", uid="web-uid", resource_version="1", namespace="shop")
    return objects.Deployment(metadata=metadata, spec=objects.ScaledSpec(template=raw(image)))


ONE, TWO = template_hash(raw("web:1")), template_hash(raw("web:2"))


def user(changes: Iterable[Change]) -> str | None:
    (record,) = changes
    assert isinstance(record, wire.WorkloadRecord)
    assert record.hash == wire.content_hash(record)
    return record.deployer.user if record.deployer else None


def test_whoever_asked_is_told_with_the_workload_that_came_of_it() -> None:
    view = ClusterView()
    assert list(view.attribute("web-uid", deployer("grace", ONE))) == []
    assert user(view.see(seen("web:1"))) == "grace"
    assert user(view.see(seen("web:1"))) == "grace"
    assert user(view.attribute("web-uid", deployer("heidi", TWO))) == "grace", "it may be refused yet"
    assert user(view.see(seen("web:2"))) == "heidi"


def test_an_audit_event_may_come_after_the_workload_and_about_something_else() -> None:
    view = ClusterView()
    assert user(view.see(seen("web:1"))) is None
    assert user(view.attribute("web-uid", deployer("grace", ONE, "audit"))) == "grace"
    assert list(view.attribute("web-uid", deployer("who labelled it", ONE, "audit"))) == []
    assert user(view.attribute("web-uid", deployer("heidi", ONE))) == "heidi", "a review tells what it changes"


def test_requests_that_are_refused_do_not_hide_the_one_that_came_true() -> None:
    view = ClusterView()
    list(view.attribute("web-uid", deployer("grace", ONE)))
    list(view.see(seen("web:1")))
    for number in range(REMEMBERED - 1):
        assert user(view.attribute("web-uid", deployer("mallory", f"refused {number}"))) == "grace"


def test_a_pod_that_nothing_makes_has_a_deployer_too() -> None:
    view = ClusterView()
    metadata = objects.Metadata(name="tool", uid="tool-uid", resource_version="1", namespace="shop")
    spec = objects.PodSpec(containers=[objects.Container(name="tool", image="tool:1")])
    list(view.attribute("tool-uid", deployer("grace", images_hash([("tool", "tool:1")]))))
    workload, _ = view.see(objects.Pod(metadata=metadata, spec=spec))
    assert isinstance(workload, wire.WorkloadRecord)
    assert workload.deployer is not None


def test_what_is_gone_is_forgotten_and_too_much_is_counted() -> None:
    view = ClusterView()
    list(view.attribute("web-uid", deployer("grace", ONE)))
    list(view.see(seen("web:1")))
    list(view.forget(objects.Deployment, "web-uid"))
    assert view.deployers.find("web-uid", ONE) is None
    book = DeployerBook(most=2)
    for number in range(5):
        book.note(str(number), deployer("grace", ONE))
    assert (book.lost, book.find("4", ONE) is not None, book.find("2", ONE)) == (3, True, None)


VALUES = st.dictionaries(st.text(max_size=2), st.integers() | st.text(max_size=3), max_size=3)


@given(st.dictionaries(st.text(max_size=2), VALUES, min_size=1, max_size=4))
def test_the_same_template_has_the_same_hash_however_it_is_written(template: dict[str, object]) -> None:
    elsewhere = dict(reversed(template.items()))
    spaced = msgspec.json.format(msgspec.json.encode(elsewhere))
    assert template_hash(spaced) == template_hash(msgspec.json.encode(template))
    assert template_hash(msgspec.json.encode({**template, "more": 1})) != template_hash(spaced)
