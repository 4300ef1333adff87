"""Lists in pages. A continue token names a snapshot, so that the pages of one list fit together."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from operator import attrgetter

import msgspec

from deadlight.demo.kubernetes.manifests import Stored
from deadlight.demo.kubernetes.resources import Resource
from deadlight.demo.kubernetes.selectors import Matches, parse_selector
from deadlight.demo.kubernetes.statuses import bad_continue, bad_request, expired_continue, too_large_version
from deadlight.demo.kubernetes.store import Cluster

SNAPSHOTS = 8
"""Lists in progress that are remembered."""


class _Token(msgspec.Struct):
    rv: int
    """The snapshot's version; -1 continues at today's state."""
    start: str
    v: str = "meta.k8s.io/v1"


class Lists:
    """The snapshots behind a cluster's continue tokens."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._snapshots: dict[tuple[Resource, int], list[Stored]] = {}

    def page(self, resource: Resource, namespace: str, query: Mapping[str, str]) -> bytes:
        """The body of one page; raises StatusError (400, 410, 504)."""
        version, start = self._position(query)
        items = self._snapshot(resource, version, start)
        labels, fields = selected_by(query)
        chosen = [
            item
            for item in items
            if item.key >= start and namespace in {"", item.namespace} and labels(item.labels) and fields(item.fields)
        ]
        limit = _number(query, "limit") or len(chosen)
        metadata: dict[str, object] = {"resourceVersion": str(self._cluster.version if version < 0 else version)}
        if len(chosen) > limit:
            metadata["continue"] = _encode(_Token(version, chosen[limit].key))
            metadata["remainingItemCount"] = len(chosen) - limit
        return _body(resource, metadata, chosen[:limit])

    def _position(self, query: Mapping[str, str]) -> tuple[int, str]:
        if token := query.get("continue"):
            decoded = _decode(token)
            return decoded.rv, decoded.start
        wanted = _number(query, "resourceVersion")
        if wanted > self._cluster.version:
            raise too_large_version(wanted, self._cluster.version)
        return self._cluster.version, ""

    def _snapshot(self, resource: Resource, version: int, start: str) -> list[Stored]:
        shelf = self._cluster.shelf(resource)
        if version < 0 or version == self._cluster.version:
            current = sorted(shelf.objects.values(), key=attrgetter("key"))
            if version >= 0:
                self._remember((resource, version), current)
            return current
        if version < shelf.oldest or (resource, version) not in self._snapshots:
            raise expired_continue(_encode(_Token(-1, start)))
        return self._snapshots[resource, version]

    def _remember(self, key: tuple[Resource, int], items: list[Stored]) -> None:
        self._snapshots[key] = items
        while len(self._snapshots) > SNAPSHOTS:
            del self._snapshots[next(iter(self._snapshots))]


def selected_by(query: Mapping[str, str]) -> tuple[Matches, Matches]:
    """What the label and the field selector of a request accept; raises StatusError (400)."""
    return parse_selector(query.get("labelSelector", "")), parse_selector(query.get("fieldSelector", ""))


def _number(query: Mapping[str, str], name: str) -> int:
    text = query.get(name) or "0"
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise bad_request(f"{name}: Invalid value: {text!r}")
    return int(text)


def _body(resource: Resource, metadata: Mapping[str, object], items: list[Stored]) -> bytes:
    head = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": metadata}
    return msgspec.json.encode(head)[:-1] + b',"items":[' + b",".join(item.body for item in items) + b"]}"


def _encode(token: _Token) -> str:
    return urlsafe_b64encode(msgspec.json.encode(token)).rstrip(b"=").decode()


def _decode(token: str) -> _Token:
    try:
        return msgspec.json.decode(urlsafe_b64decode(token + "=" * (-len(token) % 4)), type=_Token)
    except (ValueError, msgspec.DecodeError) as error:
        raise bad_continue(str(error)) from error
