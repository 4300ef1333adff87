"""What reviews and audit events say of who deploys, and what of them says nothing."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.controller.admission.made import GRACE, RECEIVED, deployment, encoded, event, events, review

from deadlight.controller.admission.requests import (
    MOST_EVENTS,
    Asked,
    UnreadableRequestError,
    asked_in_review,
    iter_asked,
    parse_events,
    parse_review,
)

AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def asked(*arguments: Any, **more: Any) -> Asked | None:
    return asked_in_review(parse_review(encoded(review(*arguments, **more))), AT)


def told(*items: Any) -> list[Asked]:
    return list(iter_asked(parse_events(events(*items))))


@pytest.mark.req("F2")
def test_a_person_who_changes_an_image_is_told_with_groups_time_and_the_change() -> None:
    found = asked(deployment("web:2"), deployment("web:1"))
    assert found is not None
    assert (found.uid, found.deployer.user, found.deployer.groups) == (
        "web-uid",
        "grace@example.com",
        ("developers", "system:authenticated"),
    )
    assert (found.deployer.via, found.deployer.at) == ("admission", AT)
    assert found.deployer.changed == ("image of web: web:1 -> web:2",)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod"])
def test_every_kind_of_workload_is_told_of_when_it_is_made_and_when_its_image_changes(kind: str) -> None:
    made = asked(deployment("web:1", kind=kind))
    changed = asked(deployment("web:2", kind=kind), deployment("web:1", kind=kind))
    assert made is not None
    assert changed is not None
    assert (made.deployer.changed, changed.deployer.changed) == (
        ("image of web: web:1",),
        ("image of web: web:1 -> web:2",),
    )
    assert made.deployer.template not in {"", changed.deployer.template}


DEPLOYMENT = deployment()
CONTROLLED = deployment(kind="ReplicaSet")
CONTROLLED["metadata"]["ownerReferences"] = [{"kind": "Deployment", "name": "web", "uid": "u", "controller": True}]
SERVICE_ACCOUNT = "system:serviceaccount:kube-system:deployment-controller"


@pytest.mark.parametrize(
    "said",
    [
        review(deployment(replicas=9), DEPLOYMENT),
        review({**DEPLOYMENT, "status": {"replicas": 3}}, DEPLOYMENT),
        review(deployment("web:2"), DEPLOYMENT, dryRun=True),
        review(deployment("web:2"), DEPLOYMENT, subResource="scale"),
        review(None, DEPLOYMENT, operation="DELETE"),
        review(CONTROLLED),
        review(deployment("web:2"), DEPLOYMENT, user={"username": SERVICE_ACCOUNT}),
        review(deployment("web:2"), DEPLOYMENT, user={"username": "system:kube-controller-manager"}),
        review(deployment("web:2"), DEPLOYMENT, user={"username": "system:node:node-1"}),
        review(deployment("web:2"), DEPLOYMENT, user={"username": ""}),
        review(deployment("web:2", uid=""), DEPLOYMENT),
        review({**DEPLOYMENT, "kind": "Secret"}),
        review("nonsense"),
        review({"kind": "Deployment", "spec": 7}),
    ],
)
def test_what_deploys_nothing_names_nobody(said: dict[str, Any]) -> None:
    assert asked_in_review(parse_review(encoded(said)), AT) is None


def test_gitops_accounts_and_helm_in_kube_system_are_told() -> None:
    for name in ("argocd:argocd-application-controller", "kube-system:helm-traefik"):
        account = f"system:serviceaccount:{name}"
        found = asked(deployment("web:2"), DEPLOYMENT, user={"username": account})
        assert found is not None
        assert found.deployer.user == account


@pytest.mark.req("F2")
def test_an_audit_event_names_whoever_it_was_done_as_when_it_was_asked_for() -> None:
    rancher = {"username": "system:serviceaccount:cattle-system:rancher"}
    (found,) = told(event(deployment("web:2"), user=rancher, impersonatedUser=GRACE))
    assert (found.uid, found.deployer.user, found.deployer.via) == ("web-uid", "grace@example.com", "audit")
    assert found.deployer.at == datetime.fromisoformat(RECEIVED)
    reviewed = asked(deployment("web:2"), DEPLOYMENT)
    assert reviewed is not None
    assert found.deployer.template == reviewed.deployer.template


@pytest.mark.parametrize(
    "said",
    [
        event(DEPLOYMENT, stage="RequestReceived"),
        event(DEPLOYMENT, responseStatus={"code": 403}),
        event(DEPLOYMENT, verb="delete"),
        event(DEPLOYMENT, objectRef={"subresource": "scale"}),
        event(DEPLOYMENT, requestURI="/apis/apps/v1/namespaces/shop/deployments?dryRun=All"),
        event(None),
        event({"kind": "Status", "code": 201}),
        event("skipped-too-big-size-object"),
        event(DEPLOYMENT, requestReceivedTimestamp=None),
        event(DEPLOYMENT, user={}),
    ],
)
def test_an_event_that_changed_no_workload_names_nobody(said: dict[str, Any]) -> None:
    assert told(said) == []


KEYS = st.sampled_from(
    ["request", "uid", "object", "kind", "metadata", "spec", "template", "containers", "name", "image", "items", "user"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(KEYS, part, max_size=5),
    max_leaves=15,
)


@given(JSON | st.binary(max_size=40))
def test_nonsense_is_refused_as_what_it_is_or_names_nobody(value: Any) -> None:
    body = value if isinstance(value, bytes) else encoded(value)
    for read in (lambda: asked_in_review(parse_review(body), AT), lambda: list(iter_asked(parse_events(body)))):
        with suppress(UnreadableRequestError):
            read()


@given(JSON)
def test_a_workload_of_any_shape_names_somebody_or_nobody(spec: Any) -> None:
    for wanted in ({**DEPLOYMENT, "spec": spec}, {**DEPLOYMENT, "spec": {"template": spec}}):
        asked(wanted)
        asked(wanted, DEPLOYMENT)
        asked(DEPLOYMENT, wanted)
        told(event(wanted))


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"request":{"uid":"1","object":' + b'{"a":' * 50_000])
def test_what_is_nested_too_deep_is_refused(body: bytes) -> None:
    for parse in (parse_review, parse_events):
        with pytest.raises(UnreadableRequestError):
            parse(body)


def test_more_events_than_any_batch_has_are_refused() -> None:
    with pytest.raises(UnreadableRequestError, match="audit-webhook-batch-max-size"):
        parse_events(encoded({"items": [{}] * (MOST_EVENTS + 1)}))


def test_texts_are_cut_to_what_the_wire_takes() -> None:
    long = "x" * 2000
    found = asked(deployment(long, uid=long), user={"username": long + "\0", "groups": [long] * 99})
    assert found is not None
    assert {len(text) for text in (found.uid, found.deployer.user, *found.deployer.changed)} == {512}
    assert len(found.deployer.groups) == 32


def test_an_object_that_is_no_utf_8_says_nothing_and_spoils_no_other_event() -> None:
    spoilt = events(event(deployment("web:1")), event(deployment("web:2"))).replace(b"web:1", b"web\xff1")
    assert [item.uid for item in iter_asked(parse_events(spoilt))] == ["web-uid"]
    body = encoded(review(deployment("web:1"))).replace(b"web:1", b"web\xff1")
    assert asked_in_review(parse_review(body), AT) is None


@pytest.mark.parametrize("template", [None, 7, [], {"spec": None}, {"spec": 7}, {"spec": {"template": 7}}])
def test_a_job_template_of_another_shape_is_told_without_its_changes(template: Any) -> None:
    odd = deployment(kind="CronJob")
    odd["spec"]["jobTemplate"] = template
    found = asked(odd)
    assert found is not None
    assert found.deployer.changed == ()
