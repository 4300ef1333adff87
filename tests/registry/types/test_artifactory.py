"""What is Artifactory's own: layouts, virtual and remote repositories, builds, the trash can, editions and versions."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.accounts import Account
from tests.support.artifactory import READER, RIGHTS, STRANGER, Artifactory, build_info
from tests.support.images import text_image
from tests.support.registries import ServedRegistry, serve_registry
from yarl import URL

from deadlight.model.image import ImageReference
from deadlight.registry import Endpoint, InvalidEndpointError, RegistryClient, UnavailableError
from deadlight.registry.limits import Timing
from deadlight.registry.types.artifactory.api import ARTIFACTORY
from deadlight.registry.types.artifactory.documents import (
    BuildDocument,
    FileInfo,
    FileProperties,
    FoundItem,
    item_of,
    item_of_file,
)
from deadlight.registry.types.artifactory.places import Layout, Place
from deadlight.registry.types.registry_type import ArtifactFacts, BuildRecord, RegistryApi

LOCAL = "docker-local/shop/web"


@dataclass(frozen=True)
class Running:
    """The double, served."""

    double: Artifactory
    served: ServedRegistry
    http: aiohttp.ClientSession

    def endpoint(self, account: Account | None, path: str = "") -> Endpoint:
        name, password = (account.name, account.password) if account else ("", "")
        return Endpoint(self.served.host, url=self.served.url + path, username=name, password=password)

    def api(self, account: Account | None = READER, **options: str) -> RegistryApi:
        return ARTIFACTORY.connect(self.endpoint(account), self.http, options, Timing())

    async def facts(self, name: str, digest: str, account: Account | None = READER) -> ArtifactFacts:
        repository, _, tag = name.partition(":")
        return await self.api(account).fetch_facts(ImageReference(self.served.host, repository, tag), digest)


@pytest.fixture
async def art() -> AsyncIterator[Running]:
    double = Artifactory()
    async with serve_registry(double) as served, aiohttp.ClientSession() as http:
        yield Running(double, served, http)


# --- names and places -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "url", "options", "name", "place"),
    [
        ("art.example.com", "", ("", ""), "docker-prod/shop/web", Place("docker-prod", "shop/web")),
        ("art.example.com:5001", "", ("", "docker-prod"), "shop/web", Place("docker-prod", "shop/web")),
        ("prod.art.example.com", "", ("https://art.example.com/artifactory", ""), "web", Place("prod", "web")),
        ("docker.example.com", "", ("https://art.example.com/artifactory", "prod"), "a/b", Place("prod", "a/b")),
        ("r.example.com", "https://art.example.com/artifactory/api/docker/prod", ("", ""), "web", Place("prod", "web")),
    ],
    ids=["repository path", "port", "subdomain", "any host", "without reverse proxy"],
)
def test_a_name_becomes_a_place_by_the_method_of_the_reverse_proxy(host, url, options, name, place):
    layout = Layout.of(Endpoint(host, url=url), URL(options[0]) if options[0] else None, options[1])
    assert layout.locate(ImageReference(host, name, "1")) == place
    assert layout.api.path == "/artifactory"
    assert layout.platform.path == "/"


def test_a_name_without_a_path_is_no_image_of_artifactory():
    layout = Layout.of(Endpoint("art.example.com"), None, "")
    assert layout.locate(ImageReference("art.example.com", "web", "1")) is None


@pytest.mark.parametrize("options", [{"api_url": "ftp://x"}, {"api_url": "https://u:p@x"}, {"access_token": "a\nb"}])
def test_options_that_cannot_work_are_refused(options: Mapping[str, str]):
    endpoint = Endpoint("art.example.com")
    session: aiohttp.ClientSession = None  # type: ignore[assignment]  # nothing is asked
    with pytest.raises(InvalidEndpointError):
        ARTIFACTORY.connect(endpoint, session, options, Timing())


# --- local, virtual and remote repositories -------------------------------------------------------------------


async def test_an_image_is_found_through_a_virtual_repository(art: Running):
    pushed = await art.served.push(text_image("one"), repository=LOCAL)
    facts = await art.facts("docker/shop/web:1.0.0", pushed.digest)
    assert facts.pushed_by == "ci-deployer"
    assert facts.link == f"{art.served.url}/ui/repos/tree/General/docker-local/shop/web/1.0.0"
    assert facts.properties["docker.repoName"] == "shop/web"


async def test_a_cached_image_is_found_through_the_virtual_and_the_remote_repository(art: Running):
    pushed = await art.served.push(text_image("nginx"), "1.27", "dockerhub-cache/library/nginx")
    for key in ("docker", "dockerhub"):
        facts = await art.facts(f"{key}/library/nginx:1.27", pushed.digest)
        assert str(facts.origin) == f"docker.io/library/nginx:1.27@{pushed.digest}"
        assert facts.pushed_by == ""


@pytest.mark.req("R14")
async def test_the_registry_behind_the_double_is_one(art: Running):
    pushed = await art.served.push(text_image("one"), repository=LOCAL)
    client = RegistryClient(art.endpoint(READER), art.http)
    record = await client.fetch_source_record("docker/shop/web", "1.0.0")
    assert (record.digest, record.manifests[0].config_digest) == (pushed.digest, pushed.configs[0])


async def test_a_copy_elsewhere_was_not_pushed_here(art: Running):
    pushed = await art.served.push(text_image("one"), repository="docker-dev/shop/web")
    facts = await art.facts(f"{LOCAL}:1.0.0", pushed.digest)
    assert (facts.pushed_by, facts.pushed_at, facts.link) == ("", None, "")
    assert facts.restorable_from == "docker-dev/shop/web/1.0.0"


async def test_a_promoted_copy_has_the_build_of_the_original(art: Running):
    original = await art.served.push(text_image("one"), repository="docker-dev/shop/web")
    art.double.mark_build(original.digest, "shop", "7")
    art.double.builds["shop", "7"] = build_info("shop", "7")
    promoted = await art.served.push(text_image("one"), repository=LOCAL)
    assert promoted.digest == original.digest
    facts = await art.facts(f"{LOCAL}:1.0.0", promoted.digest)
    assert facts.build is not None
    assert (facts.build.name, facts.build.owner) == ("shop", "ada")
    assert "build.name" not in facts.properties


# --- who may see what -----------------------------------------------------------------------------------------


async def test_who_has_not_signed_in_may_not_search_but_sees_what_a_tag_is(art: Running):
    art.double.anonymous = Account("", rights=frozenset({"read"}))
    pushed = await art.served.push(text_image("one"), repository=LOCAL)
    art.double.mark_build(pushed.digest, "shop", "7")
    facts = await art.facts("docker/shop/web:1.0.0", pushed.digest, None)
    assert (facts.pushed_by, facts.build) == ("ci-deployer", BuildRecord("shop", "7"))
    assert any("searching needs a user" in problem for problem in facts.problems)


async def test_what_a_tag_is_now_is_not_taken_for_what_runs(art: Running):
    art.double.anonymous = Account("", rights=frozenset({"read"}))
    before = await art.served.push(text_image("one"), repository=LOCAL)
    await art.served.push(text_image("two"), repository=LOCAL)
    facts = await art.facts(f"{LOCAL}:1.0.0", before.digest, None)
    assert facts == ArtifactFacts(problems=facts.problems)


async def test_a_build_that_may_not_be_read_is_known_by_its_name(art: Running):
    some = Account("some", "rights", RIGHTS - {"builds"})
    art.double.accounts.append(some)
    pushed = await art.served.push(text_image("one"), repository=LOCAL)
    art.double.mark_build(pushed.digest, "shop", "7")
    facts = await art.facts(f"{LOCAL}:1.0.0", pushed.digest, some)
    assert facts.build == BuildRecord("shop", "7")
    assert [problem.rpartition(": ")[2] for problem in facts.problems] == [
        "give the account the permission Read on builds"
    ]


async def test_a_build_whose_record_is_gone_is_known_by_its_name(art: Running):
    pushed = await art.served.push(text_image("one"), repository=LOCAL)
    art.double.mark_build(pushed.digest, "a/b", "7")
    assert await art.facts(f"{LOCAL}:1.0.0", pushed.digest) == ArtifactFacts(
        pushed_by="ci-deployer",
        pushed_at=next(iter(art.double.files.values())).modified,
        build=BuildRecord("a/b", "7"),
        link=f"{art.served.url}/ui/repos/tree/General/{LOCAL}/1.0.0",
        properties=next(iter(art.double.files.values())).properties,
    )
    assert ("GET", "/artifactory/api/build/a/b/7") in art.served.asked  # decoded: the request had a%2Fb


async def test_the_trash_can_is_kept_from_those_who_may_not_manage(art: Running):
    some = Account("some", "rights", RIGHTS - {"manage"})
    art.double.accounts.append(some)
    pushed = await art.served.push(text_image("one"), repository=LOCAL)
    await art.served.delete(repository=LOCAL)
    assert (await art.facts(f"{LOCAL}:1.0.0", pushed.digest, some)).restorable_from == ""
    trashed = f"auto-trashcan/{LOCAL}/1.0.0"
    assert (await art.facts(f"{LOCAL}:1.0.0", pushed.digest)).restorable_from == trashed
    assert (await art.facts("docker/shop/web:1.0.0", pushed.digest)).restorable_from == trashed


async def test_an_access_token_takes_the_place_of_the_password(art: Running):
    pushed = await art.served.push(text_image("one"), repository=LOCAL)
    api = art.api(STRANGER, access_token=READER.password.replace(" ", "-"))
    art.double.accounts[0] = Account(READER.name, READER.password.replace(" ", "-"), RIGHTS)
    facts = await api.fetch_facts(ImageReference(art.served.host, LOCAL, "1.0.0"), pushed.digest)
    assert facts.pushed_by == "ci-deployer"


# --- products -------------------------------------------------------------------------------------------------


@pytest.mark.req("R10", "R11")
@pytest.mark.parametrize(
    ("version", "xray", "problems"),
    [
        ("7.77.20", "3.104.8", []),
        ("7.111.4", "", []),
        ("8.0", "4.0.0", []),
        ("7.77.19", "3.104.8", ["Artifactory 7.77.19 is older than 7.77.20"]),
        ("7.77.20", "3.104.07", ["Xray 3.104.07 is older than 3.104.8"]),
        ("6.23.42", "2.11.0", ["Artifactory 6.23.42 is older than 7.77.20", "Xray 2.11.0 is older than 3.104.8"]),
        ("7.x-SNAPSHOT", "", []),
    ],
)
async def test_versions_that_are_too_old_are_problems(art: Running, version: str, xray: str, problems: list[str]):
    art.double.version, art.double.xray_version = version, xray
    product = await art.api().describe_product()
    assert (product.name, product.version) == ("Artifactory", version)
    assert [problem.partition(":")[0] for problem in product.problems] == problems


async def test_without_an_account_the_test_says_that_one_is_needed(art: Running):
    product = await art.api(None).describe_product()
    assert product.version == ""
    assert "enter a user of its own" in product.problems[0]


async def test_an_address_without_artifactory_is_said_to_be_wrong(art: Running):
    with pytest.raises(UnavailableError, match="set the address of its REST API"):
        await art.api(api_url=f"{art.served.url}/somewhere").describe_product()


# --- documents, whatever is in them -----------------------------------------------------------------------------

FIRST, LATER = "2026-03-01T08:00:00.000Z", "2026-03-02T09:30:00.000+01:00"


@pytest.mark.parametrize(
    ("created", "modified", "who"),
    [(FIRST, FIRST, "ada"), (FIRST, LATER, "bob"), (LATER, FIRST, "ada"), (FIRST, "", "ada"), ("", LATER, "bob")],
    ids=["pushed", "overwritten", "copied later", "no modification", "no creation"],
)
def test_the_later_of_creation_and_modification_is_the_push(created: str, modified: str, who: str):
    item = item_of(FoundItem("r", "p/1", "manifest.json", created, "ada", modified, "bob"))
    assert item.pushed_by == who
    assert item.pushed_at is not None
    assert item.pushed_at.utcoffset() == timedelta(0)


texts = st.text(max_size=40)


@settings(max_examples=40)
@given(st.builds(FoundItem, *[texts] * 7), st.builds(FileInfo, *[texts] * 6), st.dictionaries(texts, st.lists(texts)))
def test_no_text_in_a_file_is_an_error(found: FoundItem, file: FileInfo, properties: dict[str, list[str]]):
    for item in (item_of(found), item_of_file(file, FileProperties(properties))):
        assert item.pushed_by.isprintable()
        assert all(key.isprintable() and value.isprintable() for key, value in item.properties.items())


BUILD_FIELDS = ("name", "number", "started", "url", "principal", "artifactoryPrincipal", "vcs", "vcsUrl", "vcsRevision")
values = st.none() | texts | st.integers() | st.lists(st.dictionaries(st.sampled_from(["url", "message"]), texts))


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(BUILD_FIELDS), values))
def test_a_build_record_is_read_or_refused(info: dict[str, object]):
    try:
        record = msgspec.convert({"buildInfo": {"name": "a", **info}}, BuildDocument).record()
    except msgspec.ValidationError:
        return
    assert record.owner.isprintable()
    assert record.url.partition(":")[0] in {"", "http", "https"}


def test_links_of_a_build_are_links_and_carry_no_credentials():
    info = {
        "name": "a\x1b[31m\u202eb",
        "url": "javascript:alert(1)",
        "vcs": [{"url": "https://me:secret@git.example.com/a", "message": "x" * 5000}],
    }
    record = msgspec.convert({"buildInfo": info}, BuildDocument).record()
    assert (record.name, record.url, record.vcs_url) == ("a[31mb", "", "https://git.example.com/a")
    assert len(record.vcs_message) == 1024
