"""Small plans for tests."""

from deadlight.demo import catalogue
from deadlight.demo.clusters import ImageIds
from deadlight.demo.recipes import DemoImage
from deadlight.demo.world import ClusterPlan, NodePlan, WorkloadPlan


def ids(image: DemoImage, letter: str = "a") -> ImageIds:
    """What kubelets report of an image, told apart by a letter."""
    name = f"{image.host}/{image.repository}"
    return ImageIds(f"{name}@sha256:{letter * 64}", f"{name}@sha256:{letter * 63}0")


IMAGE_IDS = {image.reference: ids(image) for image in catalogue.ALL}


def node(name: str, architecture: str = "amd64") -> NodePlan:
    return NodePlan(name, "fra1", "fra1", "", architecture)


def cluster_plan(*workloads: WorkloadPlan, nodes: int = 2, pulls_by_platform: bool = False) -> ClusterPlan:
    names = tuple(node(f"node-{number}") for number in range(nodes))
    return ClusterPlan("demo-test", names, workloads, has_sensors=True, pulls_by_platform=pulls_by_platform)
