import pytest

from deadlight.demo import catalogue
from deadlight.demo.deployers import marks_of
from deadlight.demo.world import Deployer, WorkloadPlan
from deadlight.server.inventory.attribution import find_deployed_by

CART = WorkloadPlan("shop", "cart", catalogue.CART)


@pytest.mark.parametrize(
    ("deployer", "expected"),
    [(Deployer.HELM, "Helm release shop/cart"), (Deployer.ARGO_CD, "Argo CD application shop")],
)
def test_tools_that_annotate_are_recognised(deployer: Deployer, expected: str):
    found = find_deployed_by(marks_of(WorkloadPlan("shop", "cart", catalogue.CART, deployer=deployer)).annotations)
    assert found is not None
    assert found.value == expected


def test_flux_marks_with_labels_as_it_really_does():
    marks = marks_of(WorkloadPlan("shop", "cart", catalogue.CART, deployer=Deployer.FLUX))
    assert marks.labels["kustomize.toolkit.fluxcd.io/name"] == "shop"
    assert marks.annotations == {}
    assert marks.manager == "kustomize-controller"


def test_an_owner_of_their_own_comes_before_the_tool():
    marks = marks_of(WorkloadPlan("shop", "cart", catalogue.CART, owner="ada@company.demo"))
    found = find_deployed_by(marks.annotations)
    assert found is not None
    assert found.value == "ada@company.demo"


def test_every_tool_writes_under_a_name_of_its_own():
    managers = {marks_of(WorkloadPlan("a", "b", catalogue.CART, deployer=deployer)).manager for deployer in Deployer}
    assert len(managers) == len(Deployer)
