"""What is Harbor's own: projects, names that are encoded twice, robots, two audit logs and immutability rules."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.accounts import Account
from tests.support.harbor import READER, RIGHTS, Harbor
from tests.support.images import text_image
from tests.support.registries import ServedRegistry, answering, serve_registry

from deadlight.model.image import ImageReference
from deadlight.registry import Endpoint, RegistryClient, UnavailableError
from deadlight.registry.limits import Timing
from deadlight.registry.types.harbor.api import HARBOR
from deadlight.registry.types.harbor.documents import (
    AuditLog,
    ImmutableRule,
    Selector,
    Tag,
    find_pusher,
    policy_of,
    shown_account,
)
from deadlight.registry.types.registry_type import ArtifactFacts, RegistryApi

WEB = "shop/front/web"
DIGEST = f"sha256:{'a' * 64}"


@dataclass(frozen=True)
class Running:
    """The double, served."""

    double: Harbor
    served: ServedRegistry
    http: aiohttp.ClientSession

    def endpoint(self, account: Account | None = READER) -> Endpoint:
        name, password = (account.name, account.password) if account else ("", "")
        return Endpoint(self.served.host, url=self.served.url, username=name, password=password)

    def api(self, account: Account | None = READER) -> RegistryApi:
        return HARBOR.connect(self.endpoint(account), self.http, {}, Timing())

    async def facts(self, digest: str, name: str = f"{WEB}:1.0.0", account: Account | None = READER) -> ArtifactFacts:
        repository, _, tag = name.partition(":")
        return await self.api(account).fetch_facts(ImageReference(self.served.host, repository, tag), digest)

    def limited_to(self, *rights: str) -> Account:
        account = Account("robot$some", "rights", frozenset(rights))
        self.double.accounts.append(account)
        return account


@pytest.fixture
async def harbor() -> AsyncIterator[Running]:
    double = Harbor()
    async with serve_registry(double) as served, aiohttp.ClientSession() as http:
        yield Running(double, served, http)


@pytest.mark.req("R14")
async def test_the_registry_behind_the_double_is_one(harbor: Running):
    pushed = await harbor.served.push(text_image("one"), repository=WEB)
    client = RegistryClient(harbor.endpoint(), harbor.http)
    assert (await client.fetch_source_record(WEB, "1.0.0")).digest == pushed.digest


@pytest.mark.parametrize("repository", ["shop/web", "shop/front/web", "shop/a/b/c"])
async def test_a_repository_with_slashes_is_found(harbor: Running, repository: str):
    pushed = await harbor.served.push(text_image("one"), repository=repository)
    facts = await harbor.facts(pushed.digest, f"{repository}:1.0.0")
    encoded = repository.removeprefix("shop/").replace("/", "%2F")
    pages = f"{harbor.served.url}/harbor/projects/7/repositories/{encoded}/artifacts-tab/artifacts"
    assert facts.link == f"{pages}/{pushed.digest}"
    assert facts.pushed_by == "robot$shop+ci (robot account)"


async def test_a_name_without_a_project_is_no_image_of_harbor(harbor: Running):
    assert await harbor.facts(DIGEST, "web:1") == ArtifactFacts()
    assert harbor.served.asked == []


async def test_an_image_pinned_by_digest_has_who_pushed_that_digest(harbor: Running):
    pushed = await harbor.served.push(text_image("one"), repository=WEB)
    facts = await harbor.facts(pushed.digest, WEB)
    assert facts.pushed_by == "robot$shop+ci (robot account)"
    assert facts.pushed_at is not None
    assert facts.tag_policy is None


async def test_the_log_before_2_13_tells_by_the_time_of_the_push(harbor: Running):
    harbor.double.describes_pushes = False
    before = await harbor.served.push(text_image("one"), repository=WEB)
    harbor.double.pusher = Account("eve", rights=RIGHTS)
    after = await harbor.served.push(text_image("two"), repository=WEB)
    assert (await harbor.facts(after.digest)).pushed_by == "eve"
    assert (await harbor.facts(before.digest)).pushed_by == "", "the tag has moved, and the log names no digests"


async def test_the_log_tells_who_pushed_what_the_tag_was_and_what_is_deleted(harbor: Running):
    before = await harbor.served.push(text_image("one"), repository=WEB)
    harbor.double.pusher = Account("eve", rights=RIGHTS)
    await harbor.served.push(text_image("two"), repository=WEB)
    facts = await harbor.facts(before.digest)
    assert (facts.pushed_by, facts.pushed_at) == ("robot$shop+ci (robot account)", None)
    await harbor.served.delete(before.digest, repository=WEB)
    facts = await harbor.facts(before.digest)
    assert (facts.pushed_by, facts.pushed_at, facts.link) == ("robot$shop+ci (robot account)", None, "")


async def test_every_missing_right_is_named(harbor: Running):
    harbor.double.projects["shop"].immutable_tags.append("1.*")
    pushed = await harbor.served.push(text_image("one"), repository=WEB)
    facts = await harbor.facts(pushed.digest, account=harbor.limited_to("project", "artifact"))
    assert facts.pushed_by == ""
    assert facts.pushed_at is not None
    assert facts.tag_policy is not None
    assert facts.tag_policy.detail == "Harbor: an immutability rule of project shop covers this tag"
    missing = {problem.rpartition("account ")[2] for problem in facts.problems}
    assert missing == {"Log: List", "Immutable Tag: List"}


async def test_nothing_is_said_of_a_project_that_may_be_a_cache(harbor: Running):
    pushed = await harbor.served.push(text_image("one"), repository=WEB)
    facts = await harbor.facts(pushed.digest, account=harbor.limited_to("artifact", "log"))
    assert facts == ArtifactFacts(problems=facts.problems)
    assert "Project: Read" in facts.problems[0]


async def test_an_immutability_rule_is_quoted(harbor: Running):
    harbor.double.projects["shop"].immutable_tags.append("1.*")
    pushed = await harbor.served.push(text_image("one"), repository=WEB)
    policy = (await harbor.facts(pushed.digest)).tag_policy
    assert policy is not None
    assert policy.detail.endswith("covers this tag (tags matching 1.* in repositories matching **)")


async def test_without_an_account_little_is_told(harbor: Running):
    product = await harbor.api(None).describe_product()
    assert (product.name, product.version, len(product.problems)) == ("Harbor", "", 1)


async def test_an_address_without_harbor_is_said_to_be_wrong(harbor: Running):
    harbor.served.trouble = answering(404)
    with pytest.raises(UnavailableError, match="no Harbor answers"):
        await harbor.api().describe_product()


# --- pure ---------------------------------------------------------------------------------------------------------

RESOURCE = "shop/web:1"
ENTRY = AuditLog("ada", RESOURCE, "create", f"push artifact: shop/web@{DIGEST}", "2026-03-01T08:00:00Z")
TAG = Tag("1", "2026-03-01T08:00:03.5Z")


@pytest.mark.parametrize(
    ("entry", "pusher"),
    [
        (ENTRY, "ada"),
        (AuditLog("ada", RESOURCE, "create", "", "2026-03-01T08:00:00Z"), "ada"),
        (AuditLog("ada", RESOURCE, "create", "", "2026-03-01T07:59:00Z"), ""),
        (AuditLog("ada", RESOURCE, "create", "", "soon"), ""),
        (AuditLog("ada", RESOURCE, "create", "push artifact: shop/web@sha256:b", "2026-03-01T08:00:03Z"), ""),
        (AuditLog("ada", RESOURCE, "delete", ENTRY.operation_description, ENTRY.op_time), ""),
        (AuditLog("ada", "shop/web:2", "create", ENTRY.operation_description, ENTRY.op_time), ""),
        (AuditLog("", RESOURCE, "create", ENTRY.operation_description, ENTRY.op_time), ""),
    ],
)
def test_only_an_entry_that_is_certainly_about_the_push_tells_who_did_it(entry: AuditLog, pusher: str):
    assert find_pusher([entry], RESOURCE, DIGEST, TAG) == pusher


def test_robots_are_shown_as_robots_and_people_as_people():
    assert shown_account("robot$shop+ci") == "robot$shop+ci (robot account)"
    assert shown_account("ada") == "ada"


def test_rules_that_are_off_are_not_quoted():
    off = ImmutableRule(disabled=True, tag_selectors=[Selector("matches", "off")])
    on = ImmutableRule(
        tag_selectors=[Selector("excludes", "dev*")], scope_selectors={"repository": [Selector("repoExcludes", "x/**")]}
    )
    policy = policy_of(Tag("1", immutable=True), "shop", [off, on])
    assert policy is not None
    assert policy.detail.endswith("(tags except dev* in repositories except x/**)")


texts = st.text(max_size=60)


@given(
    st.lists(st.builds(AuditLog, texts, st.just(RESOURCE), st.just("create"), texts, texts)),
    st.builds(Tag, texts, texts),
)
def test_no_text_in_a_log_is_an_error(entries: list[AuditLog], tag: Tag):
    assert find_pusher(entries, RESOURCE, DIGEST, tag).isprintable()
