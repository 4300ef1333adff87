import asyncio
import json

import pytest
from tests.controller.sources.kubernetes.scripted import Answer, Scripted, body, serving, stream

from deadlight.controller.errors import (
    ApiError,
    ConfigurationError,
    ControllerError,
    MalformedAnswerError,
    SilentError,
    UnreachableError,
)
from deadlight.controller.sources.kubernetes import api as api_module
from deadlight.controller.sources.kubernetes.access import Access
from deadlight.controller.sources.kubernetes.api import KubernetesApi
from deadlight.controller.sources.kubernetes.authentication import Credential, Fixed
from deadlight.controller.sources.kubernetes.cluster import fetch_cluster_uid, fetch_version
from deadlight.demo.kubernetes.store import Cluster

FORBIDDEN = body('{"kind":"Status","code":403,"reason":"Forbidden","message":"no"}', 403)
NAMESPACE = body('{"metadata":{"name":"n","uid":"uid-of-it","resourceVersion":"1"}}')


async def error_of(*answers: Answer, path: str = "/api/v1/pods") -> ControllerError:
    async with serving(Scripted(*answers)) as access, KubernetesApi(access, quiet_seconds=0.1) as api:
        with pytest.raises(ControllerError) as raised:
            await api.get(path)
    return raised.value


async def test_a_refusal_says_what_the_server_said_and_how_long_to_wait() -> None:
    status = {"kind": "Status", "reason": "TooManyRequests", "message": "later", "details": {"retryAfterSeconds": 3}}

    error = await error_of(body(json.dumps(status), 429, **{"Retry-After": "7"}))

    assert isinstance(error, ApiError)
    assert (error.status, error.reason, error.message, error.retry_after) == (429, "TooManyRequests", "later", 7.0)


@pytest.mark.parametrize("text", ["", "<html>bad gateway</html>", "[]", "null", '{"code": "x"}', "\0" * 300_000])
async def test_a_refusal_that_is_no_status_object_is_one_all_the_same(text: str) -> None:
    error = await error_of(body(text, 502))

    assert isinstance(error, ApiError)
    assert error.status == 502
    assert len(error.message) <= 500


@pytest.mark.req("R21")
async def test_a_redirect_is_not_followed_with_a_token() -> None:
    error = await error_of(body("", 302, Location="http://127.0.0.1:1/"))

    assert isinstance(error, ApiError)
    assert error.status == 302


async def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "MAX_BODY_BYTES", 10_000)

    assert isinstance(await error_of(body("x" * 50_000)), MalformedAnswerError)


async def test_silence_and_absence_are_told_apart() -> None:
    async def forever(request: object) -> None:
        await asyncio.Event().wait()

    assert isinstance(await error_of(stream("{", then=forever)), SilentError)
    async with KubernetesApi(Access(server="http://127.0.0.1:9", authenticator=Fixed(Credential()))) as api:
        with pytest.raises(UnreachableError) as absent:
            await api.get("/version")
    assert not isinstance(absent.value, SilentError)


async def test_it_says_when_it_is_used_outside_of_its_block(access: Access) -> None:
    with pytest.raises(ConfigurationError, match="async with"):
        await KubernetesApi(access).get("/version")


# --- what a cluster says about itself ---


@pytest.mark.req("M14")
async def test_the_uid_of_kube_system_is_the_clusters_identity(cluster: Cluster, access: Access) -> None:
    async with KubernetesApi(access) as api:
        uid = await fetch_cluster_uid(api)

        assert uid == cluster.get("Namespace", "kube-system")["metadata"]["uid"]
        assert await fetch_version(api) == cluster.git_version


async def test_where_kube_system_may_not_be_read_the_default_namespace_will_do() -> None:
    async with serving(Scripted(FORBIDDEN, NAMESPACE)) as access, KubernetesApi(access) as api:
        assert await fetch_cluster_uid(api) == "uid-of-it"


async def test_a_cluster_that_cannot_be_identified_says_which_permission_is_missing() -> None:
    async with serving(Scripted(FORBIDDEN)) as access, KubernetesApi(access) as api:
        with pytest.raises(ConfigurationError, match="grant get on namespaces"):
            await fetch_cluster_uid(api)


async def test_an_outage_is_not_taken_for_a_missing_permission() -> None:
    async with serving(Scripted(body("", 503), body("not json"))) as access, KubernetesApi(access) as api:
        with pytest.raises(ApiError):
            await fetch_cluster_uid(api)
        with pytest.raises(MalformedAnswerError):
            await fetch_cluster_uid(api)
        with pytest.raises(MalformedAnswerError):
            await fetch_version(api)
