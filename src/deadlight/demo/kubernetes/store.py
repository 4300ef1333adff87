"""The stand-in's memory: objects, versions and the history that watches read. One event loop, no locks."""

import asyncio
import re
import secrets
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from uuid import uuid4

from deadlight.demo.kubernetes.manifests import Manifest, Part, Stored, created, replaced, stored, written_by
from deadlight.demo.kubernetes.resources import BY_KIND, NAMESPACES, RESOURCES, Resource
from deadlight.demo.kubernetes.statuses import StatusError, already_exists, conflict, invalid, not_found, wrong_uid

VERSION_SUFFIX = "+deadlight-demonstration"
OURSELVES = "deadlight-demonstration"
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One change; `before` is None for a creation. A deletion's `after` is the last state at its own version."""

    before: Stored | None
    after: Stored
    deleted: bool

    @property
    def version(self) -> int:
        """The version at which it happened."""
        return self.after.version


@dataclass(slots=True)
class Shelf:
    """All objects of one kind, and their recent past."""

    objects: dict[str, Stored] = field(default_factory=dict)
    history: list[Recorded] = field(default_factory=list)
    oldest: int = 0
    """Watches from before this version are too late."""
    epoch: int = 0
    """Grows when open watches are to end."""
    ending: StatusError | None = None
    """What they are told; None for a clean close."""
    pulse: asyncio.Event = field(default_factory=asyncio.Event)
    """Set, and replaced, at every change."""

    def record(self, change: Recorded, window: int) -> None:
        """Remember a change; of more than twice the window, the older half is forgotten."""
        self.history.append(change)
        if len(self.history) > 2 * window:
            self.oldest = self.history[-window - 1].version
            del self.history[:-window]
        self.wake()

    def since(self, version: int) -> list[Recorded]:
        """The changes after `version`, oldest first."""
        return self.history[bisect_right(self.history, version, key=attrgetter("version")) :]

    def wake(self) -> None:
        """Let every watch look."""
        self.pulse.set()
        self.pulse = asyncio.Event()


class Cluster:
    """One cluster's objects. Every write happens at a version of its own, across all kinds.

    `token` is the bearer token that may do everything but what `deny` took away.
    """

    def __init__(
        self,
        name: str,
        *,
        token: str = "demonstration",  # noqa: S107 - it protects nothing
        version: str = "v1.36.3",
        history: int = 1000,
        bookmark_seconds: float = 60.0,
        streams_lists: bool = True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self.token = token
        self.git_version = version + VERSION_SUFFIX
        self.bookmark_seconds = bookmark_seconds
        self.streams_lists = streams_lists
        self.version = 1
        self.denied: set[str] = set()
        self.throttled = 0
        self._history = history
        self._now = now
        self._shelves = {resource: Shelf() for resource in RESOURCES}
        for namespace in ("default", "kube-system"):
            self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})

    # --- reading ---

    def shelf(self, resource: Resource) -> Shelf:
        """The objects and history of a kind."""
        return self._shelves[resource]

    def list(self, kind: str, namespace: str = "") -> list[Manifest]:
        """Copies of all objects of a kind, or those of a namespace, by name."""
        chosen = self._shelves[BY_KIND[kind]].objects.values()
        ordered = sorted(chosen, key=attrgetter("key"))
        return [item.manifest() for item in ordered if namespace in {"", item.namespace}]

    def get(self, kind: str, name: str, namespace: str = "") -> Manifest:
        """A copy of an object; raises StatusError (404)."""
        return self.read(BY_KIND[kind], name, namespace).manifest()

    def read(self, resource: Resource, name: str, namespace: str = "") -> Stored:
        """An object as it is stored; raises StatusError (404)."""
        found = self._shelves[resource].objects.get(f"{namespace}/{name}")
        if found is None:
            raise not_found(resource, name)
        return found

    # --- writing ---

    def apply(self, manifest: Manifest, *, manager: str = OURSELVES, part: Part = Part.WHOLE) -> Manifest:
        """Create the object or write over it, whatever its version; returns it as it is then."""
        resource, metadata = BY_KIND[manifest["kind"]], manifest["metadata"]
        if f"{metadata.get('namespace', '')}/{metadata['name']}" not in self._shelves[resource].objects:
            return self.create(manifest, manager=manager, part=part)
        free = {key: value for key, value in metadata.items() if key not in {"resourceVersion", "uid"}}
        return self.replace({**manifest, "metadata": free}, manager=manager, part=part)

    def create(self, manifest: Manifest, *, manager: str = OURSELVES, part: Part = Part.WHOLE) -> Manifest:
        """Create an object; raises StatusError (409, 422)."""
        resource, metadata = BY_KIND[manifest["kind"]], manifest["metadata"]
        prefix = metadata.get("generateName")
        name = metadata.get("name") or (f"{prefix}{secrets.token_hex(3)[:5]}" if prefix else "")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise invalid(resource, str(name), "metadata.name: a lowercase RFC 1123 subdomain is expected")
        if f"{metadata.get('namespace', '')}/{name}" in self._shelves[resource].objects:
            raise already_exists(resource, name)
        complete = created(manifest, part, uid=str(uuid4()), name=name, now=self._now())
        return self._write(resource, None, written_by(complete, manager, part, self._now()))

    def replace(self, manifest: Manifest, *, manager: str = OURSELVES, part: Part = Part.WHOLE) -> Manifest:
        """Write over an object; a version or uid in the manifest is a precondition. Raises StatusError (404, 409)."""
        resource, metadata = BY_KIND[manifest["kind"]], manifest["metadata"]
        before = self.read(resource, metadata["name"], metadata.get("namespace", ""))
        _require(resource, before, uid=metadata.get("uid"), version=metadata.get("resourceVersion"))
        was = before.manifest()
        now = replaced(was, manifest, part)
        if now == was:
            return was
        return self._write(resource, before, written_by(now, manager, part, self._now()))

    def delete(self, kind: str, name: str, namespace: str = "", *, uid: str | None = None) -> Manifest:
        """Delete an object, and with a namespace all it holds; returns the last state. Raises StatusError."""
        resource = BY_KIND[kind]
        before = self.read(resource, name, namespace)
        _require(resource, before, uid=uid)
        if resource is NAMESPACES:
            for other, shelf in self._shelves.items():
                for item in [item for item in shelf.objects.values() if item.namespace == name]:
                    self.delete(other.kind, item.name, name)
        return self._write(resource, before, before.manifest(), deleted=True)

    def _write(
        self, resource: Resource, before: Stored | None, manifest: Manifest, *, deleted: bool = False
    ) -> Manifest:
        self.version += 1
        manifest["metadata"]["resourceVersion"] = str(self.version)
        after, shelf = stored(manifest), self._shelves[resource]
        if deleted:
            del shelf.objects[after.key]
        else:
            shelf.objects[after.key] = after
        shelf.record(Recorded(before, after, deleted), self._history)
        return manifest

    # --- trouble, on demand ---

    def compact(self) -> None:
        """Forget the past: what continues from an earlier version is told 410, as after a restart of a real server."""
        for shelf in self._shelves.values():
            shelf.history.clear()
            shelf.oldest = self.version

    def end_watches(self, error: StatusError | None = None) -> None:
        """End every open watch: cleanly, as a server under pressure does, or with an ERROR event."""
        for shelf in self._shelves.values():
            shelf.epoch, shelf.ending = shelf.epoch + 1, error
            shelf.wake()

    def deny(self, *plurals: str) -> None:
        """Take away every permission on these resources, and only these."""
        self.denied = set(plurals)

    def throttle(self, requests: int) -> None:
        """Answer the next requests with 429."""
        self.throttled = requests


def _require(resource: Resource, found: Stored, *, uid: str | None, version: str | None = None) -> None:
    if uid is not None and uid != found.uid:
        raise wrong_uid(resource, found.name, uid, found.uid)
    if version is not None and version != str(found.version):
        raise conflict(resource, found.name)
