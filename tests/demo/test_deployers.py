import pytest

from deadlight.demo import catalogue
from deadlight.demo.deployers import Marks, marks_of
from deadlight.demo.world import Deployer, WorkloadPlan
from deadlight.server.inventory.attribution import DeploymentEvidence, find_deployed_by


def found_by(marks: Marks) -> str:
    found = find_deployed_by(DeploymentEvidence(marks.annotations, marks.labels))
    assert found is not None
    return found.value


CART = WorkloadPlan("shop", "cart", catalogue.CART)


@pytest.mark.parametrize(
    ("deployer", "expected"),
    [(Deployer.HELM, "Helm release shop/cart"), (Deployer.ARGO_CD, "Argo CD application shop")],
)
def test_tools_that_annotate_are_recognised(deployer: Deployer, expected: str):
    assert found_by(marks_of(WorkloadPlan("shop", "cart", catalogue.CART, deployer=deployer))) == expected


def test_flux_marks_with_labels_as_it_really_does():
    marks = marks_of(WorkloadPlan("shop", "cart", catalogue.CART, deployer=Deployer.FLUX))
    assert marks.labels["kustomize.toolkit.fluxcd.io/name"] == "shop"
    assert marks.annotations == {}
    assert marks.manager == "kustomize-controller"
    assert found_by(marks) == "Flux kustomization flux-system/shop"


def test_an_owner_of_their_own_comes_before_the_tool():
    marks = marks_of(WorkloadPlan("shop", "cart", catalogue.CART, owner="ada@company.demo"))
    assert found_by(marks) == "ada@company.demo"


def test_every_tool_writes_under_a_name_of_its_own():
    managers = {marks_of(WorkloadPlan("a", "b", catalogue.CART, deployer=deployer)).manager for deployer in Deployer}
    assert len(managers) == len(Deployer)
