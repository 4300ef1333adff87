"""The fleet as values: clusters with their nodes and what runs in them. Pure; sizes are parameters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import cycle, islice

from deadlight.demo import catalogue
from deadlight.demo.errors import DemoError
from deadlight.demo.recipes import DemoImage
from deadlight.model.workload import WorkloadKind

K = WorkloadKind


class Deployer(StrEnum):
    """Who or what writes a workload's manifest."""

    HELM = "Helm"
    ARGO_CD = "Argo CD"
    FLUX = "Flux"
    KUBECTL = "kubectl"


@dataclass(frozen=True, slots=True)
class Size:
    """How large a world is to be."""

    clusters: int = 3
    nodes: int = 40
    pods: int = 300


@dataclass(frozen=True, slots=True)
class WorkloadPlan:
    """Something that runs; `image` is that of its one container. A DaemonSet has one pod on every node."""

    namespace: str
    name: str
    image: DemoImage
    kind: WorkloadKind = K.DEPLOYMENT
    deployer: Deployer = Deployer.HELM
    owner: str = ""
    """Who says in an annotation that it is theirs."""
    replicas: int = 1
    weight: int = 0
    """Its share of the pods beyond the first."""
    staging: DemoImage | None = None
    """What the staging cluster runs instead."""


@dataclass(frozen=True, slots=True)
class NodePlan:
    """A machine."""

    name: str
    region: str
    zone: str
    provider_id: str
    architecture: str = "amd64"
    sensor_disabled: bool = False


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """A cluster. With `pulls_by_platform` its nodes report platform manifests, as CRI-O's do, else indexes."""

    name: str
    nodes: tuple[NodePlan, ...]
    workloads: tuple[WorkloadPlan, ...]
    has_sensors: bool
    pulls_by_platform: bool = False

    @property
    def pods_count(self) -> int:
        """How many pods its workloads make."""
        return sum(_pods_of(workload, len(self.nodes)) for workload in self.workloads)


@dataclass(frozen=True, slots=True)
class World:
    """The whole fleet."""

    clusters: tuple[ClusterPlan, ...]

    @property
    def size(self) -> Size:
        """How large it is."""
        return Size(
            len(self.clusters),
            sum(len(cluster.nodes) for cluster in self.clusters),
            sum(cluster.pods_count for cluster in self.clusters),
        )


WORKLOADS = (
    WorkloadPlan(
        "shop", "checkout", catalogue.CHECKOUT_OLD, deployer=Deployer.ARGO_CD, weight=5, staging=catalogue.CHECKOUT
    ),
    WorkloadPlan("web", "storefront", catalogue.STOREFRONT, deployer=Deployer.ARGO_CD, weight=6),
    WorkloadPlan("billing", "invoices", catalogue.INVOICES, weight=3),
    WorkloadPlan("media", "thumbnailer", catalogue.THUMBNAILER, deployer=Deployer.FLUX, weight=4),
    WorkloadPlan("ml", "recommender", catalogue.RECOMMENDER, deployer=Deployer.KUBECTL, owner="data@company.demo"),
    WorkloadPlan("search", "indexer", catalogue.INDEXER, weight=3),
    WorkloadPlan("growth", "campaign-sync", catalogue.CAMPAIGNS, deployer=Deployer.KUBECTL),
    WorkloadPlan("shop", "cart", catalogue.CART, deployer=Deployer.ARGO_CD, weight=5),
    WorkloadPlan("payments", "gateway", catalogue.GATEWAY, weight=3),
    WorkloadPlan("notify", "mailer", catalogue.MAILER, deployer=Deployer.FLUX, weight=2),
    WorkloadPlan("data", "orders-db", catalogue.ORDERS, K.STATEFUL_SET, weight=1),
    WorkloadPlan("data", "session-cache", catalogue.CACHE, K.STATEFUL_SET, weight=2),
    WorkloadPlan("data", "nightly-import", catalogue.IMPORT_WORKER, K.CRON_JOB),
    WorkloadPlan("platform", "log-shipper", catalogue.LOG_SHIPPER, K.DAEMON_SET, Deployer.FLUX),
    WorkloadPlan("data", "import-worker", catalogue.IMPORT_WORKER, weight=4),
    WorkloadPlan("payments", "ledger", catalogue.LEDGER, K.STATEFUL_SET, weight=2),
    WorkloadPlan("payments", "ledger-canary", catalogue.LEDGER, K.OTHER, Deployer.ARGO_CD),
    WorkloadPlan("web", "docs", catalogue.DOCS, deployer=Deployer.KUBECTL, weight=1),
    WorkloadPlan("billing", "month-end", catalogue.INVOICES, K.JOB, Deployer.KUBECTL, "grace@company.demo"),
    WorkloadPlan("web", "maintenance-page", catalogue.DOCS, K.REPLICA_SET, Deployer.KUBECTL),
    WorkloadPlan("tools", "netshoot", catalogue.NETSHOOT, K.POD, Deployer.KUBECTL),
    WorkloadPlan("platform", "node-exporter", catalogue.NODE_EXPORTER, K.DAEMON_SET, Deployer.FLUX),
    WorkloadPlan("platform", "backup", catalogue.BACKUP, K.CRON_JOB, Deployer.FLUX),
)
"""THE table of what runs in a cluster. A small one has the first rows, a large one all of them several times."""

PODS_PER_ROUND = 400
"""A cluster of more pods has the table's rows more than once, in namespaces of their own."""


@dataclass(frozen=True, slots=True)
class _Site:
    """A place where clusters are, with its share of the nodes."""

    name: str
    region: str
    zones: tuple[str, ...]
    provider: str
    node: str
    """How nodes are called there; `{0}` is a number."""
    share: int
    has_sensors: bool


_SITES = (
    _Site(
        "demo-eu-production", "eu-central-1", ("a", "b", "c"), "aws", "ip-10-20-{0:d}-17.{1}.compute.internal", 8, True
    ),
    _Site("demo-us-production", "us-east1", ("-b", "-c", "-d"), "gce", "gke-us-production-pool-1-{0:04d}", 7, True),
    _Site("demo-staging", "fra1", ("",), "", "staging-worker-{0:02d}", 5, False),
)
_STAGING = 2
_FEW_NODES = 8
"""Below so many nodes a cluster has none that is unlike the others."""


def build_world(size: Size = Size()) -> World:
    """A world of exactly this size; raises DemoError where the sizes do not go together."""
    if not 1 <= size.clusters <= size.nodes:
        raise DemoError(f"{size.clusters} clusters cannot share {size.nodes} nodes: each needs one at least")
    shares = [_SITES[number % len(_SITES)].share for number in range(size.clusters)]
    nodes = apportion(size.nodes - size.clusters, shares)
    plans = [_nodes(number, 1 + count) for number, count in enumerate(nodes)]
    pods = apportion(size.pods, [len(plan) for plan in plans])
    return World(
        tuple(_cluster(number, plan, count) for number, (plan, count) in enumerate(zip(plans, pods, strict=True)))
    )


def apportion(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in whole parts proportional to `weights` (largest remainders); the parts add up to it."""
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    remainders = [(total * weight % whole, -number) for number, weight in enumerate(weights)]
    for _, number in sorted(remainders, reverse=True)[: total - sum(parts)]:
        parts[-number] += 1
    return parts


def _cluster(number: int, nodes: tuple[NodePlan, ...], pods: int) -> ClusterPlan:
    site = _SITES[number % len(_SITES)]
    is_staging = number % len(_SITES) == _STAGING
    workloads = tuple(_scaled(list(_choose(pods, len(nodes), is_staging=is_staging)), pods, len(nodes)))
    return ClusterPlan(_name(number), nodes, workloads, site.has_sensors, pulls_by_platform=is_staging)


def _name(number: int) -> str:
    copy = number // len(_SITES)
    return f"{_SITES[number % len(_SITES)].name}{f'-{copy + 1}' if copy else ''}"


def _nodes(cluster: int, count: int) -> tuple[NodePlan, ...]:
    site = _SITES[cluster % len(_SITES)]
    nodes = []
    for number, zone in enumerate(islice(cycle(site.zones), count)):
        name = site.node.format(number + 1, site.region)
        place = f"{site.region}{zone}"
        provider_id = f"{site.provider}:///{place}/{name.partition('.')[0]}" if site.provider else ""
        nodes.append(NodePlan(name, site.region, place, provider_id))
    if count >= _FEW_NODES and cluster == 0:
        nodes[-2:] = [replace(node, architecture="arm64") for node in nodes[-2:]]
    if count >= _FEW_NODES and cluster == 1:
        nodes[-1] = replace(nodes[-1], sensor_disabled=True)
    return tuple(nodes)


def _choose(pods: int, nodes: int, *, is_staging: bool) -> Iterator[WorkloadPlan]:
    """Rows of the table, again and again for a large cluster, as long as there are pods for them."""
    left = pods
    for copy in range(1 + pods // PODS_PER_ROUND):
        for row in WORKLOADS:
            if row.kind is K.POD and not is_staging:
                continue
            image = row.staging if is_staging and row.staging else row.image
            namespace = f"{row.namespace}-{copy + 1}" if copy else row.namespace
            plan = replace(row, image=image, namespace=namespace)
            if _pods_of(plan, nodes) <= left:
                left -= _pods_of(plan, nodes)
                yield plan


def _scaled(chosen: list[WorkloadPlan], pods: int, nodes: int) -> Iterator[WorkloadPlan]:
    """The workloads with replicas that make up `pods`."""
    left = pods - sum(_pods_of(plan, nodes) for plan in chosen)
    weights = [plan.weight for plan in chosen]
    if left and not any(weights):
        raise DemoError(f"{pods} pods are too few for a cluster of {nodes} nodes")
    more = apportion(left, weights) if left else [0] * len(chosen)
    for plan, replicas in zip(chosen, more, strict=True):
        yield replace(plan, replicas=plan.replicas + replicas)


def _pods_of(plan: WorkloadPlan, nodes: int) -> int:
    return nodes if plan.kind is K.DAEMON_SET else plan.replicas
