"""What is Amazon's own: signatures, tokens of twelve hours, roles of pods, exclusions and pull-through caches."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.registry.conftest import Clock
from tests.support.amazon import ACCOUNT, HOST, POD_TOKEN, READER, REGION, ROLE, STRANGER, Amazon
from tests.support.images import text_image
from tests.support.registries import ServedRegistry
from tests.support.vendors import serve_vendor

from deadlight.model.image import ImageReference
from deadlight.registry import Endpoint, InvalidEndpointError, RegistryClient, UnavailableError
from deadlight.registry.types.amazon.documents import CacheRule, find_origin, tag_policy
from deadlight.registry.types.amazon.ecr import EcrApi, EcrPublicApi, connect
from deadlight.registry.types.amazon.hosts import parse_host
from deadlight.registry.types.amazon.signing import AwsKeys, sign

AMAZON = Endpoint(HOST, username=READER.name, password=READER.password)
EXAMPLE = AwsKeys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
NOON = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)


class Account:
    """An AWS account on stage."""

    def __init__(self, served: ServedRegistry, http: aiohttp.ClientSession, double: Amazon, clock: Clock) -> None:
        self.served = served
        self.http = http
        self.double = double
        self.clock = clock

    def api(self, endpoint: Endpoint = AMAZON, **environment: str) -> EcrApi:
        found = connect(endpoint, self.http, {}, self.clock.timing(), environment)
        assert isinstance(found, EcrApi)
        return found

    def client(self, api: EcrApi) -> RegistryClient:
        return RegistryClient(AMAZON, self.http, sign_in=api.sign_in, timing=self.clock.timing())


@pytest.fixture
async def account(clock: Clock) -> AsyncIterator[Account]:
    double = Amazon()
    async with serve_vendor(double) as (served, http):
        yield Account(served, http, double, clock)


# --- signatures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "signature"),
    [
        ("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ],
)
def test_signatures_are_those_of_the_published_test_suite(method: str, signature: str):
    """AWS's Signature Version 4 test suite, `get-vanilla` and `post-vanilla`."""
    signed = sign(
        method,
        {"Host": "example.amazonaws.com"},
        b"",
        keys=EXAMPLE,
        region="us-east-1",
        service="service",
        at=NOON,
    )
    assert signed["Authorization"].endswith(f"SignedHeaders=host;x-amz-date, Signature={signature}")


@given(secret=st.text(st.characters(codec="ascii"), min_size=8), body=st.binary())
def test_the_secret_key_is_never_sent_nor_shown(secret: str, body: bytes):
    keys = AwsKeys("AKID", f"<{secret}>", f"[{secret}]")
    signed = sign("POST", {"Host": "h"}, body, keys=keys, region="r", service="s", at=NOON)
    assert keys.secret_access_key not in str(signed)
    assert secret not in repr(keys)


# --- signing in -------------------------------------------------------------------------------------------------


async def test_the_distribution_api_is_asked_with_a_token_that_the_keys_got(account: Account):
    pushed = await account.served.push(text_image("one"))
    client = account.client(account.api())
    assert (await client.head_manifest("shop/web", "1.0.0")).digest == pushed.digest
    assert (await client.head_manifest("shop/web", "1.0.0")).digest == pushed.digest
    assert account.double.asked == ["GetAuthorizationToken"]
    endpoint = await client.signed_in_endpoint()
    assert endpoint.username == "AWS"
    assert READER.password not in endpoint.password


async def test_a_token_is_renewed_before_it_ends(account: Account):
    account.double.lifetime = timedelta(hours=1)
    api = account.api()
    first = await api.sign_in()
    account.clock.now += 2000
    assert await api.sign_in() == first
    account.clock.now += 800
    assert (await api.sign_in()).password != first.password


async def test_keys_that_may_not_have_a_token_are_told_which_right_is_missing(account: Account):
    api = account.api(Endpoint(HOST, username=STRANGER.name, password=STRANGER.password))
    with pytest.raises(UnavailableError, match="ecr:GetAuthorizationToken"):
        await account.client(api).head_manifest("shop/web", "1.0.0")


async def test_a_session_token_may_follow_the_secret_key(account: Account):
    account.double.session_tokens[READER.name] = "borrowed-session"
    password = f"{READER.password} borrowed-session"
    await account.api(Endpoint(HOST, username=READER.name, password=password)).sign_in()
    with pytest.raises(UnavailableError, match="UnrecognizedClientException"):
        await account.api().sign_in()


def in_a_pod(folder: Path, token: str = POD_TOKEN) -> dict[str, str]:
    file = folder / "token"
    file.write_text(f"{token}\n")
    return {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(file)}


async def test_without_keys_the_role_of_the_pod_is_used(account: Account, tmp_path: Path):
    api = account.api(Endpoint(HOST), **in_a_pod(tmp_path))
    assert (await api.describe_product()).problems == ()
    await api.sign_in()
    assert account.double.asked[:2] == ["AssumeRoleWithWebIdentity", "GetAuthorizationToken"]
    assert account.double.asked.count("AssumeRoleWithWebIdentity") == 1


async def test_a_role_that_is_refused_or_has_no_token_is_unavailable(account: Account, tmp_path: Path):
    refused = account.api(Endpoint(HOST), **in_a_pod(tmp_path, "forged"))
    with pytest.raises(UnavailableError, match="refuses our credentials"):
        await refused.sign_in()
    (tmp_path / "token").unlink()
    with pytest.raises(UnavailableError, match="cannot be read"):
        await refused.sign_in()


def test_without_keys_and_role_nothing_can_be_asked(session: aiohttp.ClientSession, clock: Clock):
    with pytest.raises(InvalidEndpointError, match="access key ID"):
        connect(Endpoint(HOST), session, {}, clock.timing(), {})


async def test_of_the_public_registry_only_the_gallery_is_known(session: aiohttp.ClientSession, clock: Clock):
    api = connect(Endpoint("public.ecr.aws"), session, {}, clock.timing(), {})
    assert isinstance(api, EcrPublicApi)
    facts = await api.fetch_facts(ImageReference("public.ecr.aws", "nginx/nginx", "1.27"), "sha256:0")
    assert facts.link == "https://gallery.ecr.aws/nginx/nginx"
    assert (await api.sign_in()).username == ""


# --- hosts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "region", "api"),
    [
        (HOST, REGION, "https://api.ecr.eu-west-1.amazonaws.com"),
        (
            f"{ACCOUNT}.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
            "us-gov-west-1",
            "https://ecr-fips.us-gov-west-1.amazonaws.com",
        ),
        (f"{ACCOUNT}.dkr-ecr.eu-west-1.on.aws", REGION, "https://api.ecr.eu-west-1.amazonaws.com"),
        (f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1", "https://api.ecr.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_a_host_tells_account_region_and_where_to_ask(host: str, region: str, api: str):
    found = parse_host(host)
    assert (found.account, found.region, str(found.api)) == (ACCOUNT, region, api)


@pytest.mark.parametrize(
    "host",
    [
        "registry.example.com",
        "123.dkr.ecr.eu-west-1.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com.attacker.example",
        f"{ACCOUNT}.dkr.ecr.attacker.example/.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com:8443",
    ],
)
def test_another_host_is_not_amazons(host: str):
    with pytest.raises(InvalidEndpointError, match="not an Amazon ECR host"):
        parse_host(host)


# --- what settings mean -------------------------------------------------------------------------------------------


@pytest.mark.req("I31")
@pytest.mark.parametrize(
    ("mutability", "exclusions", "may_move"),
    [
        ("MUTABLE", [], None),
        ("", [], None),
        ("IMMUTABLE", [], False),
        ("IMMUTABLE_WITH_EXCLUSION", ["latest"], False),
        ("IMMUTABLE_WITH_EXCLUSION", ["latest", "1.*"], True),
        ("MUTABLE_WITH_EXCLUSION", ["v*"], True),
        ("MUTABLE_WITH_EXCLUSION", ["*.4.*"], False),
    ],
)
def test_a_repositorys_setting_decides_whether_a_tag_may_move(
    mutability: str, exclusions: list[str], may_move: bool | None
):
    policy = tag_policy(mutability, exclusions, "1.4.2")
    assert (policy.may_move if policy else None) is may_move


def rule(prefix: str, upstream: str, upstream_prefix: str = "ROOT") -> CacheRule:
    return CacheRule(prefix, upstream, upstream_prefix)


@pytest.mark.parametrize(
    ("rules", "origin"),
    [
        ([], None),
        ([rule("quay", "quay.io")], None),
        ([rule("hub", "registry-1.docker.io")], "docker.io/library/nginx:1"),
        ([rule("ROOT", "quay.io"), rule("hub", "ghcr.io")], "ghcr.io/library/nginx:1"),
        ([rule("ROOT", "quay.io")], "quay.io/hub/library/nginx:1"),
        ([rule("hub/library", "ghcr.io"), rule("hub", "quay.io")], "ghcr.io/nginx:1"),
        ([rule("hub", "other.azurecr.io", "team")], "other.azurecr.io/team/library/nginx:1"),
        ([rule("hub/library/nginx", "quay.io")], None),
        ([rule("hub", "not a host")], None),
    ],
)
def test_the_longest_rule_says_what_an_image_is_a_copy_of(rules: list[CacheRule], origin: str | None):
    found = find_origin(rules, "hub/library/nginx", "1", "")
    assert (str(found) if found else None) == origin


async def test_rules_are_asked_for_once_in_a_while(account: Account):
    pushed = await account.served.push(text_image("one"))
    api = account.api()
    for _ in range(3):
        await api.fetch_facts(ImageReference(HOST, "shop/web", "1.0.0"), pushed.digest)
    assert account.double.asked.count("DescribePullThroughCacheRules") == 1
    account.clock.now += 601
    await api.fetch_facts(ImageReference(HOST, "shop/web", "1.0.0"), pushed.digest)
    assert account.double.asked.count("DescribePullThroughCacheRules") == 2
