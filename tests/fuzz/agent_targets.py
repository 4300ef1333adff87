"""Parsers of what agents, clusters, kernels and people send."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import msgspec
from tests.fuzz.registry_targets import text
from tests.fuzz.target import Target
from tests.support.inventory import batch, container, node, pod, workload

from deadlight.client.backoff import parse_retry_after
from deadlight.client.credential_process import parse_answer
from deadlight.client.errors import ClientError
from deadlight.controller.admission.requests import (
    UnreadableRequestError,
    asked_in_review,
    iter_asked,
    parse_events,
    parse_review,
)
from deadlight.controller.errors import ApiError, ConfigurationError, MalformedAnswerError
from deadlight.controller.sources.kubernetes import objects
from deadlight.controller.sources.kubernetes.events import parse_event, parse_page, parse_status
from deadlight.controller.sources.kubernetes.execplugin import parse_exec_credential
from deadlight.controller.sources.kubernetes.kubeconfig import parse_kubeconfig
from deadlight.model import wire
from deadlight.sensor.cgroupfs import parse_hierarchies
from deadlight.sensor.containers import container_of
from deadlight.sensor.decode import DecodeError, decode
from deadlight.sensor.layout import EVENT
from deadlight.sensor.mountinfo import parse_mounts
from deadlight.sensor.startup import parse_cgroup_paths, parse_mapped_files, parse_own_mounts
from deadlight.server.db.paging import decode_key, encode_key
from deadlight.server.errors import BadRequestError
from deadlight.server.owners.documents import parse_document
from deadlight.server.owners.said import find_email

_DIGEST = f"sha256:{'a' * 64}"
_AT = datetime(2026, 1, 1, tzinfo=UTC)
_POD_ID = "0b7cb6a5-4b1c-4a53-a7f5-9c7a1f3e2d10"
_CONTAINER = "c" * 64
_GROUP = f"/kubepods.slice/kubepods-pod{_POD_ID.replace('-', '_')}.slice/cri-containerd-{_CONTAINER}.scope"
_MOUNTS = (
    b"25 1 0:22 / / rw,relatime - overlay overlay rw,lowerdir=/l,upperdir=/u\\040x,workdir=/w\n"
    b"30 25 0:26 / /sys/fs/cgroup ro shared:9 - cgroup2 cgroup rw,nsdelegate\n"
    b"31 25 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
)
_MESSAGES = (
    wire.Enrolment,
    wire.TokenRequest,
    wire.InventoryBatch,
    wire.ObservationBatch,
    wire.Heartbeat,
    wire.InventoryAck,
)
_KINDS = (objects.Pod, objects.Node, objects.Deployment, objects.CronJob)


def agent_targets() -> Iterator[Target]:
    """Everything that crosses between the product's processes, and what they read where they run."""
    yield from _wire()
    yield from _kubernetes()
    yield from _node()
    yield from _people()


def _wire() -> Iterator[Target]:
    inventory = wire.encode(batch(node(), workload(), pod(container("registry.example/a:1", _DIGEST))))
    beat = b'{"version":"1","started_at":"2026-01-01T00:00:00Z","counters":{"a":1}}'
    for kind in _MESSAGES:
        name = f"wire-{kind.__name__.lower()}"
        yield Target(name, partial(wire.decode, kind=kind), (inventory, beat), (wire.InvalidMessageError,))
    yield Target("credential-answer", _answer, (b'{"token":"a","expires_at":1}', b'{"error":"no"}'), (ClientError,))
    yield Target("retry-after", lambda data: parse_retry_after(text(data)), (b"120",))


def _answer(data: bytes) -> None:
    for code in (0, 1, 75):
        parse_answer(data, code)


def _kubernetes() -> Iterator[Target]:
    found = {
        "metadata": {"name": "a", "uid": "u", "resourceVersion": "1", "labels": None},
        "spec": {"containers": [{"name": "c", "image": "a:1"}], "template": {"spec": {"containers": []}}},
        "status": {"phase": "Running", "containerStatuses": [{"name": "c", "imageID": f"a@{_DIGEST}"}]},
    }
    event = json.dumps({"type": "ADDED", "object": found}, separators=(",", ":")).encode()
    error = b'{"type":"ERROR","object":{"code":410,"reason":"Expired","details":{"retryAfterSeconds":3}}}'
    page = json.dumps({"metadata": {"resourceVersion": "7", "continue": "x"}, "items": [found]}).encode()
    yield Target("kubernetes-event", _events, (event, error), (ApiError, MalformedAnswerError))
    yield Target("kubernetes-page", _pages, (page,), (MalformedAnswerError,))
    yield Target("kubernetes-status", lambda data: parse_status(500, data), (error[25:-1],))
    review = {"request": {"uid": "u", "operation": "CREATE", "object": found, "userInfo": {"username": "a"}}}
    yield Target("admission-review", _review, (json.dumps(review).encode(),), (UnreadableRequestError,))
    audit = {"items": [{"stage": "ResponseComplete", "responseStatus": {"code": 201}, "responseObject": found}]}
    yield Target("audit-events", _audit, (json.dumps(audit).encode(),), (UnreadableRequestError,))
    yield Target("kubeconfig", parse_kubeconfig, _kubeconfigs(), (ConfigurationError,))
    credential = b'{"status":{"token":"a","expirationTimestamp":"2026-01-01T00:00:00Z"}}'
    yield Target("exec-credential", parse_exec_credential, (credential,), (ConfigurationError,))


def _events(data: bytes) -> None:
    for kind in _KINDS:
        parse_event(data, msgspec.json.Decoder(kind))


def _pages(data: bytes) -> None:
    for kind in _KINDS:
        parse_page(data, msgspec.json.Decoder(kind))


def _review(data: bytes) -> None:
    asked_in_review(parse_review(data), _AT)


def _audit(data: bytes) -> None:
    list(iter_asked(parse_events(data)))


def _kubeconfigs() -> tuple[bytes, ...]:
    whole = b"""
current-context: a
contexts: [{name: a, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443"}}]
users: [{name: u, user: {exec: {command: aws, args: [x]}}}]
"""
    return whole, b"&a [*a, *a]\n"


def _node() -> Iterator[Target]:
    path, arguments = b"sh\0bin\0usr\0", b"sh\0-c\0true\0"
    head = (1, 2, 0, 0, 1, 0, 42, 1, 0, 0, 0, 0, 0, 0, 0)
    record = EVENT.pack(*head, len(path), len(arguments), b"sh") + path + arguments
    yield Target("kernel-event", decode, (record,), (DecodeError,))
    yield Target("mountinfo", lambda data: parse_mounts(text(data)), (_MOUNTS,))
    yield Target("upper-directory", lambda data: parse_own_mounts(text(data)), (_MOUNTS,))
    yield Target("hierarchies", lambda data: parse_hierarchies(text(data), "pids\t3\t1\t1\n"), (_MOUNTS,))
    yield Target(
        "cgroups", lambda data: parse_hierarchies(text(_MOUNTS), text(data)), (b"pids\t3\t1\t1\ncpu\t0\t1\t1\n",)
    )
    groups = f"0::{_GROUP}\n3:pids:{_GROUP}\n".encode()
    yield Target("process-groups", lambda data: parse_cgroup_paths(text(data)), (groups,))
    yield Target("container-group", lambda data: container_of(text(data)), (_GROUP.encode(),))
    maps = b"7f0000000000-7f0000001000 r-xp 00000000 08:01 42 /usr/lib/libc.so.6\n7f00-7f01 rw-p 00000000 00:00 0\n"
    yield Target("maps", parse_mapped_files, (maps,))


def _people() -> Iterator[Target]:
    owners = b"owners:\n- {team: shop, email: shop@example.com, namespace: shop}\n"
    yield Target("owners", lambda data: parse_document(text(data)), (owners, b"a: &a [*a]\n"), (BadRequestError,))
    key = encode_key("name", ["a", 7, UUID(int=1)])
    kinds = (str, int, UUID)
    yield Target("page-key", lambda data: decode_key(text(data), "name", kinds), (key.encode(),), (BadRequestError,))
    inside = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
    encoded = lambda data: decode_key(base64.urlsafe_b64encode(data).decode(), "name", kinds)  # noqa: E731
    yield Target("page-key-inside", encoded, (inside,), (BadRequestError,))
    yield Target("e-mail", lambda data: find_email(text(data)), (b"Shop Team <shop@example.com>",))
