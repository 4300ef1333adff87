"""Putting a made-up fleet into a real PostgreSQL, fast: COPY, with indexes and foreign keys only afterwards.

The database is an embedded one, migrated and empty; leaving foreign keys unchecked needs its superuser.
"""

from hashlib import sha256

import numpy as np
import psycopg
from benchmarks.fleet import NAMESPACES, STATUSES, Fleet, Risks, summarise_all
from benchmarks.fleet_copy import Connection, copy_columns, indexed_afterwards
from benchmarks.fleet_runtime import cluster_id, container_name, write_runtime

from deadlight.model.vulnerability import Severity
from deadlight.scanner import SCANNER_STATE
from deadlight.server.findings.service import assessment_state

REGISTRIES = ("registry.example", "ghcr.io", "docker.io", "quay.io", "eu.gcr.io")
UNTRUSTED_REGISTRY = "registry.stranger"
TEAMS = ("shop", "payments", "search", "platform", "data", "mobile", "identity", "logistics")
PROVIDERS = ("EKS", "GKE", "AKS", "OpenShift")
KINDS = ("Deployment", "Deployment", "Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job")
VIOLATIONS = (
    ("Digest Mismatch", "Critical", "Invalid Image Integrity"),
    ("Missing Source", "High", "Invalid Image Source"),
    ("Post-Deployment Tag Update", "Medium", "Invalid Image Integrity"),
)
LAYER = "sha256:" + "5" * 64


# Something is detected in one of twenty workloads, and mostly nothing critical.
_PLACEMENTS = """
    INSERT INTO placement (workload_id, image_tag_id, running, gone_at, detections)
    SELECT pod.workload_id, container.image_tag_id, bool_or(container.removed_at IS NULL),
           CASE WHEN bool_or(container.removed_at IS NULL) THEN NULL ELSE max(container.removed_at) END,
           CASE WHEN pod.workload_id % 20 > 0 THEN '{0,0,0,0,0}'::integer[]
                ELSE ARRAY[(pod.workload_id % 100 = 0)::integer, 1, pod.workload_id % 3, 0, 0] END
    FROM container JOIN pod ON pod.id = container.pod_id GROUP BY pod.workload_id, container.image_tag_id
"""


def fill(url: str, fleet: Fleet) -> None:
    """Write the fleet; the database has the schema and nothing else."""
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        _write_places(connection, fleet)
        _write_containers(connection, fleet)
        _write_past(connection, fleet)
        connection.execute(_PLACEMENTS)
        _write_images(connection, fleet)
        _write_verdicts(connection, fleet)
        _write_advisories(connection, fleet)
        _write_findings(connection, fleet)
        write_runtime(connection, fleet)
        _advance_sequences(connection)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def repository_name(repository: int) -> tuple[str, str]:
    """Registry and repository."""
    registry = UNTRUSTED_REGISTRY if repository % 25 == 0 else REGISTRIES[repository % len(REGISTRIES)]
    return registry, f"{TEAMS[repository // 5 % len(TEAMS)]}/service-{repository:05d}"


def tag_name(number: int) -> str:
    """A version; some tags can be moved."""
    return "latest" if number % 20 == 0 else f"{number % 7}.{number % 31}.{number}"


def digest_of(what: str, number: int) -> str:
    """A digest that follows from a name."""
    return f"sha256:{sha256(f'{what} {number}'.encode()).hexdigest()}"


def cluster_name(number: int) -> str:
    """Of a cluster."""
    return f"cluster-{number:03d}"


def package_name(number: int) -> str:
    """Nine versions of each package."""
    return f"package-{number // 9:05d}"


def cve_name(number: int) -> str:
    """Of a vulnerability."""
    return f"CVE-2026-{number + 10_000}"


def _write_places(connection: Connection, fleet: Fleet) -> None:
    size = fleet.size
    clusters = range(size.clusters)
    copy_columns(
        connection,
        "cluster",
        ("id", "uid", "name", "provider"),
        [str(cluster_id(item)) for item in clusters],
        [f"uid-{item}" for item in clusters],
        [cluster_name(item) for item in clusters],
        [PROVIDERS[item % len(PROVIDERS)] for item in clusters],
    )
    nodes = range(size.nodes)
    per_cluster = size.nodes // size.clusters
    empty = ("kernel", "region", "hostname", "internal_dns", "internal_ip")
    copy_columns(
        connection,
        "node",
        ("id", "cluster_id", "uid", "name", "os", "architecture", "sensor_disabled", "ready", "content_hash", *empty),
        [str(item + 1) for item in nodes],
        [str(cluster_id(item // per_cluster)) for item in nodes],
        [f"node-{item}" for item in nodes],
        [f"node-{item:05d}" for item in nodes],
        *("linux", "amd64", "f", "t", "0"),
        *([""] * size.nodes for _ in empty),
    )
    _write_workloads(connection, fleet)
    pods = range(size.pods)
    workload = fleet.workload_of_pod
    copy_columns(
        connection,
        "pod",
        ("id", "cluster_id", "uid", "workload_id", "workload_uid", "namespace", "name", "node_name", "phase",
         "content_hash"),
        [str(item + 1) for item in pods],
        [str(cluster_id(item)) for item in fleet.cluster_of_workload[workload].tolist()],
        [f"pod-{item}" for item in pods],
        workload + 1,
        [f"w-{item}" for item in workload.tolist()],
        [namespace_name(item) for item in fleet.namespace_of_workload[workload].tolist()],
        [f"pod-{item}" for item in pods],
        [f"node-{item:05d}" for item in fleet.node_of_pod.tolist()],
        *("Running", "0"),
    )  # fmt: skip


def namespace_name(number: int) -> str:
    """Of a namespace."""
    return f"{TEAMS[number % len(TEAMS)]}-{number % NAMESPACES:02d}"


def workload_name(number: int) -> str:
    """Of a workload."""
    return f"workload-{number:05d}"


def _write_workloads(connection: Connection, fleet: Fleet) -> None:
    workloads = range(fleet.size.workloads)
    tags: list[set[int]] = [set() for _ in workloads]
    owners = fleet.workload_of_pod[fleet.pod_of_container]
    for workload, tag in zip(owners.tolist(), fleet.tag_of_container.tolist(), strict=True):
        tags[workload].add(tag + 1)
    copy_columns(
        connection,
        "workload",
        ("id", "cluster_id", "uid", "namespace", "kind", "kind_name", "name", "desired", "ready", "status",
         "image_tag_ids", "content_hash", "annotations"),
        [str(item + 1) for item in workloads],
        [str(cluster_id(item)) for item in fleet.cluster_of_workload.tolist()],
        [f"w-{item}" for item in workloads],
        [namespace_name(item) for item in fleet.namespace_of_workload.tolist()],
        [KINDS[item % len(KINDS)] for item in workloads],
        [""] * len(workloads),
        [workload_name(item) for item in workloads],
        *("1", "1", "running"),
        ["{" + ",".join(map(str, sorted(ids))) + "}" for ids in tags],
        "0",
        '{"deadlight.io/deployed-by": "grace@example.com"}',
    )  # fmt: skip


_CONTAINER = ("id", "cluster_id", "pod_id", "role", "name", "image", "image_id", "image_tag_id", "container_id",
              "state", "started_at", "removed_at")  # fmt: skip


def _write_containers(connection: Connection, fleet: Fleet) -> None:
    size, pods = fleet.size, fleet.pod_of_container
    containers = range(size.containers)
    clusters = fleet.cluster_of_workload[fleet.workload_of_pod[pods]]
    with indexed_afterwards(connection, "container"):
        copy_columns(
            connection,
            "container",
            _CONTAINER,
            [str(item + 1) for item in containers],
            [str(cluster_id(item)) for item in clusters.tolist()],
            pods + 1,
            "container",
            ["main" if item < size.pods else "sidecar" for item in containers],
            *("registry.example/any:1", "registry.example/any@" + LAYER),
            fleet.tag_of_container + 1,
            [container_name(item) for item in containers],
            *("running", "2026-11-01 12:00:00+00", "\\N"),
        )


def _write_past(connection: Connection, fleet: Fleet) -> None:
    """Pods that are gone: what the periods of Live Assessment look back on."""
    size = fleet.size
    gone = np.arange(size.gone_pods)
    workload = fleet.workload_of_pod[gone % size.pods]
    cluster_ids = [str(cluster_id(item)) for item in fleet.cluster_of_workload[workload].tolist()]
    ages = [f"{(item * 7919) % (10 * 86_400)} seconds" for item in gone.tolist()]
    moments = connection.execute("SELECT (now() - CAST(age AS interval))::text FROM unnest(%s::text[]) AS age", [ages])
    removed = [row[0] for row in moments]
    copy_columns(
        connection,
        "pod",
        ("id", "cluster_id", "uid", "workload_id", "workload_uid", "namespace", "name", "node_name", "phase",
         "content_hash", "removed_at"),
        size.pods + gone + 1,
        cluster_ids,
        [f"gone-{item}" for item in gone.tolist()],
        workload + 1,
        [f"w-{item}" for item in workload.tolist()],
        [namespace_name(item) for item in fleet.namespace_of_workload[workload].tolist()],
        [f"gone-{item}" for item in gone.tolist()],
        [f"node-{item:05d}" for item in fleet.node_of_pod[gone % size.pods].tolist()],
        *("Succeeded", "0"),
        removed,
    )  # fmt: skip
    copy_columns(
        connection,
        "container",
        _CONTAINER,
        size.containers + gone + 1,
        cluster_ids,
        size.pods + gone + 1,
        *("container", "main", "registry.example/any:1", "registry.example/any@" + LAYER),
        fleet.tag_of_container[gone % size.pods] + 1,
        [container_name(size.containers + item) for item in gone.tolist()],
        *("running", "2026-11-01 12:00:00+00"),
        removed,
    )


def _write_images(connection: Connection, fleet: Fleet) -> None:
    size = fleet.size
    tags = range(size.image_tags)
    names = [repository_name(item) for item in fleet.repository_of_tag.tolist()]
    ids = [str(item + 1) for item in tags]
    copy_columns(
        connection,
        "image_tag",
        ("id", "registry", "repository", "tag", "digest", "platform", "pinned_digest"),
        ids,
        [name[0] for name in names],
        [name[1] for name in names],
        [tag_name(item) for item in tags],
        [digest_of("image", item) for item in tags],
        ["linux/arm64" if item % 9 == 0 else "linux/amd64" for item in tags],
        [""] * size.image_tags,
    )
    copy_columns(
        connection,
        "image",
        ("id", "digest", "config_digest", "platform", "layer_digests", "distribution", "scanner_state", "scanned_at",
         "config"),
        ids,
        [digest_of("image", item) for item in tags],
        [digest_of("config", item) for item in tags],
        ["linux/arm64" if item % 9 == 0 else "linux/amd64" for item in tags],
        *("{" + LAYER + "}", "Debian:12", SCANNER_STATE, "2026-11-01 12:00:00+00"),
        '{"labels": {"org.opencontainers.image.authors": "ada@example.com"}}',
    )  # fmt: skip
    trusted = np.flatnonzero(~fleet.untrusted) + 1
    copy_columns(connection, "image_tag_image", ("image_tag_id", "image_id"), trusted, trusted)
    states = ["skipped" if item else "done" for item in fleet.untrusted.tolist()]
    copy_columns(connection, "scan", ("image_tag_id", "status"), ids, states)
    numbers = range(size.packages)
    versions = [f"1.{item % 9}.0" for item in numbers]
    packages = [package_name(item) for item in numbers]
    copy_columns(
        connection,
        "package",
        ("id", "ecosystem", "name", "version", "purl", "source_name", "source_version", "architecture"),
        [str(item + 1) for item in numbers],
        "Debian:12",
        packages,
        versions,
        [f"pkg:deb/debian/{name}@{version}" for name, version in zip(packages, versions, strict=True)],
        packages,
        versions,
        "amd64",
    )
    images, of_image = fleet.packages_of_image
    with indexed_afterwards(connection, "image_package"):
        copy_columns(
            connection,
            "image_package",
            ("image_id", "package_id", "location", "layer_digest"),
            images + 1,
            of_image + 1,
            *("var/lib/dpkg/status", LAYER),
        )


def _write_verdicts(connection: Connection, fleet: Fleet) -> None:
    tags = range(fleet.size.image_tags)
    violated, untrusted = fleet.violated.tolist(), fleet.untrusted.tolist()
    kinds = [VIOLATIONS[item % 3] if violated[item] else None for item in tags]
    plain = ["Untrusted Registry" if item else "No Issues" for item in untrusted]
    copy_columns(
        connection,
        "verdict",
        ("image_tag_id", "status", "violation_type", "expected_digest"),
        [str(item + 1) for item in tags],
        [kind[2] if kind else status for kind, status in zip(kinds, plain, strict=True)],
        [kind[0] if kind else "\\N" for kind in kinds],
        [digest_of("expected", item) for item in tags],
    )
    open_ones = [(item, kind) for item, kind in zip(tags, kinds, strict=True) if kind]
    copy_columns(
        connection,
        "violation",
        ("id", "image_tag_id", "type", "severity"),
        [str(item + 1) for item, _ in open_ones],
        [str(item + 1) for item, _ in open_ones],
        [kind[0] for _, kind in open_ones],
        [kind[1] for _, kind in open_ones],
    )
    names = [repository_name(item) for item in fleet.repository_of_tag.tolist()]
    references = sorted({(*name, tag_name(item)) for item, name in zip(tags, names, strict=True)})
    columns = ([row[index] for row in references] for index in range(3))
    copy_columns(connection, "source_record", ("registry", "repository", "reference", "state"), *columns, "present")


def _write_advisories(connection: Connection, fleet: Fleet) -> None:
    numbers = range(fleet.size.vulnerabilities)
    ids, names = [str(item + 1) for item in numbers], [cve_name(item) for item in numbers]
    ranks = fleet.severity_of_vulnerability.tolist()
    copy_columns(
        connection,
        "vulnerability",
        ("id", "name", "severity", "severity_rank", "cvss_score", "summary"),
        ids,
        names,
        [Severity.from_rank(rank).value for rank in ranks],
        ranks,
        [str(rank * 2 + 1.5) for rank in ranks],
        "Something can be made to do what it should not.",
    )
    copy_columns(connection, "vulnerability_alias", ("name", "vulnerability_id"), names, ids)
    hashes = [f"{item:032x}" for item in numbers]
    copy_columns(
        connection, "advisory", ("id", "source", "content_hash"), [f"DSA-{item}" for item in numbers], "osv", hashes
    )
    advisories = [f"DSA-{item}" for item in numbers]
    copy_columns(connection, "advisory_vulnerability", ("advisory_id", "vulnerability_id"), advisories, ids)


def _write_findings(connection: Connection, fleet: Fleet) -> None:
    packages, vulnerabilities = fleet.matches
    copy_columns(
        connection,
        "vulnerability_match",
        ("package_id", "advisory_id", "fix_version", "matched_by"),
        packages + 1,
        [f"DSA-{item}" for item in vulnerabilities.tolist()],
        ["9.0.0" if item else "" for item in fleet.fixable.tolist()],
        "range",
    )
    findings = fleet.findings
    judged = np.flatnonzero(findings.status)
    with indexed_afterwards(connection, "applicability"):
        copy_columns(
            connection,
            "applicability",
            ("image_id", "package_id", "vulnerability_id", "status"),
            findings.images[judged] + 1,
            findings.packages[judged] + 1,
            findings.vulnerabilities[judged] + 1,
            [STATUSES[item].value for item in findings.status[judged].tolist()],
        )
    write_risks(connection, fleet, summarise_all(fleet, findings, fleet.severity_of_vulnerability))


def write_risks(connection: Connection, fleet: Fleet, risks: Risks) -> None:
    """Of every image; there are none so far."""
    images = np.arange(fleet.size.image_tags) + 1
    levels = [severity.value.lower() for severity in Severity]
    copy_columns(
        connection,
        "image_risk",
        (
            "image_id",
            "version",
            "packed",
            "marks",
            "critical_applicable",
            "validated",
            "malicious",
            "applicabilities",
            "state",
            *levels,
        ),
        images,
        images,
        ["\\\\x" + packed.hex() for packed in risks.packed],
        ["\\\\x" + marks.hex() for marks in risks.marks],
        risks.critical_applicable,
        risks.validated,
        risks.malicious,
        risks.applicabilities,
        assessment_state(),
        *(risks.by_severity[:, severity.rank] for severity in Severity),
    )
    connection.execute("SELECT setval('risk_version', %s)", [len(images)])


def _advance_sequences(connection: Connection) -> None:
    for table in (
        "node",
        "workload",
        "pod",
        "container",
        "image_tag",
        "image",
        "package",
        "vulnerability",
        "violation",
    ):
        connection.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))".encode()
        )
