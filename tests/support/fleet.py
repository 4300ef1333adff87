"""Rows of clusters, workloads and images, written without agents, registries and scans, for tests of what follows."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Row, insert, text, update
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.support.inventory import STARTED

from deadlight.model.image import Platform
from deadlight.model.package import InstalledPackage, Package
from deadlight.registry import Descriptor, ImageConfig
from deadlight.registry.resolve import ResolvedImage
from deadlight.scanner import SCANNER_STATE, FileIndex, FirstPartyCode, ImageContents
from deadlight.server.inventory.image_tags import ImageTagKey
from deadlight.server.inventory.rows import ensure_image_tags
from deadlight.server.inventory.statements import FOLLOW_PLACEMENTS
from deadlight.server.scans.layer_process import SquashedImage
from deadlight.server.scans.store import end_scan, queue_scan, store_contents, store_image
from deadlight.server.tables.auth import agent
from deadlight.server.tables.inventory import cluster, container, node, pod, workload

REGISTRY = "registry.example"

_numbers = count(1)


def digest(name: object) -> str:
    """A digest that follows from a name."""
    return f"sha256:{sha256(str(name).encode()).hexdigest()}"


def package(name: str = "openssl", version: str = "3.0.1-1", ecosystem: str = "Debian:12", **more: str) -> Package:
    """A package that is its own source package."""
    kind = "pypi" if ecosystem == "PyPI" else "deb/debian"
    values = {"purl": f"pkg:{kind}/{name}@{version}", "source_name": name, "source_version": version} | more
    return Package(ecosystem, name, version, **values)


def installed(item: Package, *files: str, location: str = "", owner_purl: str = "") -> InstalledPackage:
    """The package in an image."""
    where = location or ("var/lib/dpkg/status" if item.ecosystem != "PyPI" else f"lib/{item.name}.dist-info/METADATA")
    return InstalledPackage(item, where, digest("layer"), files, owner_purl)


class Running(NamedTuple):
    """What `Fleet.deploy` made."""

    workload_id: int
    container_ids: tuple[str, ...]
    """As sensors know them."""


class Stored(NamedTuple):
    """What `Fleet.add_image` made."""

    image_tag_id: int
    image_id: int


class Fleet:
    """A database with what a test puts there."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._clusters: dict[str, UUID] = {}

    async def rows(self, query: str, **parameters: Any) -> Sequence[Row[Any]]:
        """What the database holds, or what it says to a change."""
        async with self.engine.begin() as connection:
            result = await connection.execute(text(query), parameters)
            return result.all() if result.returns_rows else ()

    async def events(self, kind: str = "") -> list[tuple[str, dict[str, Any]]]:
        """Type and data of the recorded events, in order; of one type where that is given."""
        found = await self.rows("SELECT type, data FROM event WHERE type = :kind OR :kind = '' ORDER BY id", kind=kind)
        return [(row.type, row.data) for row in found]

    async def forget_events(self) -> None:
        """As if all events so far had been handled."""
        await self.rows("UPDATE event SET status = 'handled'")
        await self.rows("DELETE FROM event")

    async def add_cluster(self, name: str = "test", **more: Any) -> UUID:
        """The id of a cluster, made where it is new."""
        if name not in self._clusters:
            async with self.engine.begin() as connection:
                values = {"uid": f"uid-{name}", "name": name, **more}
                statement = insert(cluster).values(**values).returning(cluster.c.id)
                self._clusters[name] = (await connection.execute(statement)).scalar_one()
        return self._clusters[name]

    async def add_node(self, name: str = "node-1", *, cluster: str = "test", **more: Any) -> None:
        """A node."""
        empty = dict.fromkeys(("kernel", "region", "hostname", "internal_dns", "internal_ip"), "")
        values = {"os": "linux", "architecture": "amd64", "sensor_disabled": False, "ready": True, "content_hash": 0}
        values |= {"uid": f"node-{name}", "name": name, "cluster_id": await self.add_cluster(cluster), **empty, **more}
        async with self.engine.begin() as connection:
            await connection.execute(insert(node).values(**values))

    async def add_agent(self, kind: str, node_name: str = "", *, cluster: str = "test", **more: Any) -> None:
        """An enrolled agent."""
        key = f"key {next(_numbers)}".encode()
        values = {
            "kind": kind,
            "node_name": node_name,
            "public_key": key,
            "cluster_id": await self.add_cluster(cluster),
        }
        async with self.engine.begin() as connection:
            await connection.execute(insert(agent).values(**values, **more))

    async def add_image_tag(
        self,
        repository: str = "shop/web",
        tag: str = "1.0.0",
        digest: str = digest("web"),
        *,
        registry: str = REGISTRY,
        pinned_digest: str = "",
    ) -> int:
        """The id of an image tag, made where it is new."""
        key = ImageTagKey(registry, repository, tag, digest, "linux/amd64", pinned_digest)
        async with self.engine.begin() as connection:
            return (await ensure_image_tags(connection, [key]))[key]

    async def add_image(
        self,
        *packages: InstalledPackage,
        repository: str = "shop/web",
        tag: str = "1.0.0",
        registry: str = REGISTRY,
        labels: dict[str, str] | None = None,
        calls: FirstPartyCode | None = None,
    ) -> Stored:
        """A scanned image with these packages."""
        name = f"{registry}/{repository}:{tag}"
        image_tag_id = await self.add_image_tag(repository, tag, digest(name), registry=registry)
        config = replace(_CONFIG, digest=digest(f"config of {name}"), labels=labels or {})
        resolved = ResolvedImage(digest(name), config, (Descriptor("", digest("layer"), 1),), {})
        contents = ImageContents("Debian:12", packages, calls=calls or FirstPartyCode())
        async with self.engine.begin() as connection:
            await queue_scan(connection, image_tag_id)
            image_id = await store_image(connection, image_tag_id, resolved)
            await store_contents(connection, image_id, squashed(contents), SCANNER_STATE)
            await end_scan(connection, image_tag_id, "done", layers_scanned=1)
        return Stored(image_tag_id, image_id)

    async def deploy(
        self,
        *image_tag_ids: int,
        name: str = "web",
        namespace: str = "shop",
        cluster: str = "test",
        node: str = "node-1",
        state: str = "running",
        started_at: datetime | None = STARTED,
        **more: Any,
    ) -> Running:
        """A workload with one pod that has a container of each image."""
        cluster_id = await self.add_cluster(cluster)
        uid = f"{cluster}/{namespace}/{name}"
        values = {"cluster_id": cluster_id, "uid": uid, "namespace": namespace, "name": name, "kind": "Deployment"}
        values |= {"kind_name": "", "desired": 1, "ready": 1, "content_hash": 0, "status": "stopped"}
        values |= {"image_tag_ids": sorted(set(image_tag_ids)), **more}
        values["status"] = "running" if state == "running" else "stopped"
        names: dict[str, Any] = {
            "namespace": namespace,
            "name": f"{name}-1",
            "node_name": node,
            "phase": "Running",
            "content_hash": 0,
        }
        async with self.engine.begin() as connection:
            statement = insert(workload).values(**values).returning(workload.c.id)
            workload_id = (await connection.execute(statement)).scalar_one()
            names |= {"cluster_id": cluster_id, "uid": f"{uid}-1", "workload_id": workload_id, "workload_uid": uid}
            pod_id = (await connection.execute(insert(pod).values(**names).returning(pod.c.id))).scalar_one()
            known = tuple(f"container-{next(_numbers)}" for _ in image_tag_ids)
            for number, image_tag_id in enumerate(image_tag_ids):
                await connection.execute(
                    insert(container).values(
                        cluster_id=cluster_id,
                        pod_id=pod_id,
                        role="container",
                        name=f"c{number}",
                        image="",
                        image_id="",
                        image_tag_id=image_tag_id,
                        container_id=known[number],
                        state=state,
                        started_at=started_at,
                    )
                )
            await connection.execute(FOLLOW_PLACEMENTS, {"workload_ids": [workload_id]})
        return Running(workload_id, known)

    async def undeploy(self, workload_id: int) -> None:
        """The workload goes, with its pods."""
        gone = {"removed_at": text("now()")}
        of_workload = pod.c.workload_id == workload_id
        async with self.engine.begin() as connection:
            await connection.execute(
                update(workload).where(workload.c.id == workload_id).values(**gone, image_tag_ids=[], status="stopped")
            )
            pods = (
                await connection.execute(update(pod).where(of_workload).values(**gone).returning(pod.c.id))
            ).scalars()
            await connection.execute(update(container).where(container.c.pod_id.in_(list(pods))).values(**gone))
            await connection.execute(FOLLOW_PLACEMENTS, {"workload_ids": [workload_id]})


def squashed(contents: ImageContents) -> SquashedImage:
    """What a scan stores of contents."""
    return SquashedImage(
        distribution=contents.distribution,
        packages=tuple(replace(item, files=()) for item in contents.packages),
        problems=contents.problems,
        file_index=FileIndex.of(contents).to_bytes(),
        calls=msgspec.msgpack.encode(contents.calls),
    )


_PLATFORM = Platform()
_CONFIG = ImageConfig(
    digest="",
    os=_PLATFORM.os,
    architecture=_PLATFORM.architecture,
    variant="",
    created_at=None,
    entrypoint=(),
    command=(),
    env=(),
    labels={},
    user="",
    working_directory="",
    diff_ids=(),
)
