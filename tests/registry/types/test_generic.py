"""What a registry's answer to the version check gives away."""

import pytest
from multidict import CIMultiDict
from tests.registry.conftest import json_reply, reply
from yarl import URL

from deadlight.model.image import ImageReference
from deadlight.registry import Endpoint
from deadlight.registry.answers import Answer
from deadlight.registry.limits import Timing
from deadlight.registry.types.generic import GENERIC, recognise_product
from deadlight.registry.types.registry_type import ArtifactFacts


@pytest.mark.parametrize(
    ("headers", "product"),
    [
        ({"X-JFrog-Version": "Artifactory/7.111.4 81104900"}, "Artifactory"),
        ({"WWW-Authenticate": 'Bearer realm="https://h/service/token",service="harbor-registry"'}, "Harbor"),
        ({"WWW-Authenticate": 'Bearer realm="https://g/jwt/auth",service="container_registry"'}, "GitLab"),
        ({"Server": "Nexus/3.70.1-02 (PRO)"}, "Nexus Repository"),
        ({"Docker-Distribution-Api-Version": "registry/2.0"}, "OCI registry"),
        ({"Server": "Harbor? no"}, "OCI registry"),
    ],
)
def test_a_product_is_recognised_by_what_only_it_sends(headers: dict[str, str], product: str):
    answer = Answer(URL("https://registry.test/v2/"), False, 401, CIMultiDict(headers), b"")
    assert recognise_product(answer) == product


async def test_who_chose_the_generic_type_for_harbor_is_told_of_the_better_one(server, session):
    challenge = 'Basic realm="harbor",service="harbor-registry"'
    server.answer(
        "/v2/", reply(401, www_authenticate=challenge), reply(401, www_authenticate=challenge), json_reply({})
    )
    endpoint = Endpoint("registry.test", url=server.url, username="a", password="b")
    product = await GENERIC.connect(endpoint, session, {}, Timing()).describe_product()
    assert product.name == "Harbor"
    assert "choose that type" in product.problems[0]


async def test_of_a_tag_that_was_never_there_there_is_nothing_to_link_to(session):
    api = GENERIC.connect(Endpoint("registry.test"), session, {}, Timing())
    reference = ImageReference("registry.test", "shop/web", "1.0.0")
    digest = f"sha256:{'0' * 64}"
    assert await api.fetch_facts(reference, "") == ArtifactFacts()
    assert (await api.fetch_facts(reference, digest)).link == f"https://registry.test/v2/shop/web/manifests/{digest}"
