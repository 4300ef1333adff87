"""What people ask the API server for, as its admission reviews and audit events tell. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from deadlight.controller.admission.changes import describe_changes
from deadlight.controller.errors import ControllerError
from deadlight.controller.sources.kubernetes.objects import Part
from deadlight.controller.sources.kubernetes.templates import NO_TEMPLATE, images_hash, template_hash
from deadlight.model.wire import Deployer

KINDS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod"})
MOST_EVENTS = 10_000
LONGEST = 512

_OWN = ("system:node:", "system:kube-", "system:apiserver")


class UnreadableRequestError(ControllerError):
    """What came is not what an API server sends."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody asked for what a workload's pods are to be made from."""

    uid: str
    """The workload's."""
    deployer: Deployer


class User(Part, gc=False, rename="camel"):
    """authentication.k8s.io/v1 UserInfo."""

    username: str = ""
    groups: list[str] | None = None


class _Owner(Part, gc=False, rename="camel"):
    controller: bool = False


class _Metadata(Part, gc=False, rename="camel"):
    uid: str = ""
    owner_references: list[_Owner] | None = None


class _Container(Part, gc=False, rename="camel"):
    name: str = ""
    image: str = ""


class _Spec(Part, gc=False, rename="camel"):
    """Of any of our kinds: each has one of these."""

    template: msgspec.Raw = NO_TEMPLATE
    job_template: msgspec.Raw = NO_TEMPLATE
    containers: list[_Container] | None = None
    init_containers: list[_Container] | None = None


class Asset(Part, gc=False, rename="camel"):
    """A workload as somebody wants it to be, or as it was."""

    kind: str = ""
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    spec: _Spec = msgspec.field(default_factory=_Spec)

    @property
    def template(self) -> str:
        """The hash of what its pods are made from."""
        if self.kind == "Pod":
            return images_hash((item.name, item.image) for item in self._containers)
        return template_hash(self._raw)

    @property
    def pod_template(self) -> Any:
        """The pod template as JSON, to say what differs; of a pod, what of it can be changed."""
        if self.kind == "Pod":
            return {"spec": {"containers": [{"name": item.name, "image": item.image} for item in self._containers]}}
        raw = bytes(self._raw)
        value: Any = msgspec.json.decode(raw) if raw else None
        return _pods_of_jobs(value) if self.kind == "CronJob" else value

    @property
    def is_controlled(self) -> bool:
        """Whether something else made it: then that is what people deploy."""
        return any(owner.controller for owner in self.metadata.owner_references or ())

    @property
    def _containers(self) -> list[_Container]:
        return [*(self.spec.init_containers or ()), *(self.spec.containers or ())]

    @property
    def _raw(self) -> msgspec.Raw:
        return self.spec.job_template if self.kind == "CronJob" else self.spec.template


class ReviewRequest(Part, gc=False, rename="camel"):
    """The request of an admission.k8s.io/v1 AdmissionReview."""

    uid: str
    operation: str = ""
    sub_resource: str = ""
    dry_run: bool | None = None
    user_info: User = msgspec.field(default_factory=User)
    object: msgspec.Raw = NO_TEMPLATE
    old_object: msgspec.Raw = NO_TEMPLATE


class Review(Part, gc=False, rename="camel"):
    """admission.k8s.io/v1 AdmissionReview."""

    request: ReviewRequest


class _Reference(Part, gc=False, rename="camel"):
    subresource: str = ""


class _Status(Part, gc=False, rename="camel"):
    code: int = 0


class Event(Part, gc=False, rename="camel"):
    """audit.k8s.io/v1 Event."""

    stage: str = ""
    verb: str = ""
    user: User = msgspec.field(default_factory=User)
    impersonated_user: User | None = None
    object_ref: _Reference | None = None
    response_status: _Status | None = None
    response_object: msgspec.Raw = NO_TEMPLATE
    request_received_timestamp: datetime | None = None
    request_uri: str = msgspec.field(default="", name="requestURI")


class Events(Part, gc=False, rename="camel"):
    """audit.k8s.io/v1 EventList."""

    items: list[Event] | None = None


_REVIEW = msgspec.json.Decoder(Review)
_EVENTS = msgspec.json.Decoder(Events)
_ASSET = msgspec.json.Decoder(Asset)

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def parse_review(body: bytes) -> Review:
    """Read an AdmissionReview; raises UnreadableRequestError."""
    try:
        return _REVIEW.decode(body)
    except _UNREADABLE as error:
        raise UnreadableRequestError(f"not an AdmissionReview: {error}") from error


def parse_events(body: bytes) -> list[Event]:
    """Read an EventList; raises UnreadableRequestError."""
    try:
        events = _EVENTS.decode(body).items or []
    except _UNREADABLE as error:
        raise UnreadableRequestError(f"not an EventList: {error}") from error
    if len(events) > MOST_EVENTS:
        raise UnreadableRequestError(
            f"an EventList has at most {MOST_EVENTS} events: lower audit-webhook-batch-max-size"
        )
    return events


def asked_in_review(review: Review, at: datetime) -> Asked | None:
    """What a review asks for; None for what changes no template, a rehearsal, and what Kubernetes does by itself.

    Validating webhooks see an object with the uid it will have.
    """
    request = review.request
    if request.dry_run or request.sub_resource or request.operation not in {"CREATE", "UPDATE"}:
        return None
    wanted, before = _asset(request.object), _asset(request.old_object)
    if wanted is None or (before is not None and before.template == wanted.template):
        return None
    changed = describe_changes(before and before.pod_template, wanted.pod_template)
    return _asked(wanted, request.user_info, "admission", at, changed)


def iter_asked(events: list[Event]) -> Iterator[Asked]:
    """What audit events tell of requests that the API server has fulfilled.

    Those without a response object tell nothing: the audit policy's level has to be RequestResponse.
    """
    for event in events:
        code = event.response_status.code if event.response_status else 0
        subresource = event.object_ref.subresource if event.object_ref else ""
        fulfilled = event.stage == "ResponseComplete" and 200 <= code < 300 and "dryRun=" not in event.request_uri
        if not fulfilled or subresource or event.verb not in {"create", "update", "patch"}:
            continue
        asset = _asset(event.response_object)
        if asset is not None and event.request_received_timestamp is not None:
            user = event.impersonated_user or event.user
            asked = _asked(asset, user, "audit", event.request_received_timestamp, ())
            if asked is not None:
                yield asked


def _pods_of_jobs(template: Any) -> Any:
    spec = template.get("spec") if isinstance(template, dict) else None
    return spec.get("template") if isinstance(spec, dict) else None


def _asset(raw: msgspec.Raw) -> Asset | None:
    try:
        text = bytes(raw)
        text.decode()  # of its templates, which are only read later, not even this has been checked
        return _ASSET.decode(text) if text else None
    except _UNREADABLE:
        return None  # no workload: a Status, or the null before something new


def _asked(asset: Asset, user: User, via: str, at: datetime, changed: tuple[str, ...]) -> Asked | None:
    if asset.kind not in KINDS or not asset.metadata.uid or asset.is_controlled or _is_kubernetes_itself(user.username):
        return None
    deployer = Deployer(
        user=_cut(user.username),
        groups=tuple(_cut(group) for group in (user.groups or ())[:32]),
        via=via,
        at=at,
        template=asset.template,
        changed=tuple(_cut(text) for text in changed[:16]),
    )
    return Asked(_cut(asset.metadata.uid), deployer)


def _is_kubernetes_itself(username: str) -> bool:
    """Its controllers keep workloads going; they deploy nothing of their own accord."""
    _, _, account = username.partition("system:serviceaccount:kube-system:")
    return not username or username.startswith(_OWN) or account.endswith("-controller")


def _cut(text: str) -> str:
    return text[:LONGEST].replace("\0", "")
