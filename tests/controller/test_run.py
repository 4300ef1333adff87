import logging

import pytest

from deadlight.client.backoff import Backoff
from deadlight.controller.errors import ConfigurationError
from deadlight.controller.run import identify
from deadlight.controller.sources.kubernetes.access import Access
from deadlight.controller.sources.kubernetes.api import KubernetesApi
from deadlight.demo.kubernetes.store import Cluster

HASTE = Backoff(base=0.001, cap=0.002)


@pytest.mark.req("M14")
async def test_it_waits_for_an_api_server_that_cannot_answer_yet(
    cluster: Cluster, access: Access, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.throttle(3)
    async with KubernetesApi(access) as api:
        with caplog.at_level(logging.WARNING, "deadlight"):
            uid = await identify(api, access.server, HASTE)

    assert uid == cluster.get("Namespace", "kube-system")["metadata"]["uid"]
    assert caplog.text.count("will retry") == 3


@pytest.mark.req("R21", "R23")
async def test_a_credential_the_cluster_refuses_needs_a_person(cluster: Cluster, access: Access) -> None:
    cluster.token = "changed"
    async with KubernetesApi(access) as api:
        with pytest.raises(ConfigurationError, match="does not accept the credentials"):
            await identify(api, access.server, HASTE)
