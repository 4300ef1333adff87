"""What is Xray's own: how a scan stands, whether one may be asked for, its results, and what hinders all of that."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import aiohttp
import msgspec
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.accounts import Account
from tests.support.artifactory import RIGHTS
from tests.support.images import text_image
from tests.support.registries import Handler, ServedRegistry, answering, hanging_up, serve_registry, talking_nonsense
from tests.support.xray import SCANNER, ArtifactoryWithXray, component, issue, node

from deadlight.demo.images import build_index
from deadlight.model.image import ImageReference
from deadlight.model.vulnerability import Applicability, Severity
from deadlight.registry import Endpoint, UnavailableError
from deadlight.registry.limits import Timing
from deadlight.registry.statements import (
    AffectedComponent,
    Answer,
    Component,
    ImageScanner,
    NotYet,
    Statement,
    UnscannableError,
    WithScanner,
)
from deadlight.registry.types.artifactory.api import ARTIFACTORY
from deadlight.registry.types.artifactory.xray import reading
from deadlight.registry.types.artifactory.xray.components import FORMS, RPM, parse_component, read_fixed_version
from deadlight.registry.types.artifactory.xray.documents import Graph, IssueDocument, Summary
from deadlight.registry.types.artifactory.xray.reading import read_applicability, read_components, read_issues

REPOSITORY = "docker-local/shop/web"
PLACE = f"{REPOSITORY}/1.0.0/manifest.json"
OPENSSL = "deb://debian:bookworm:openssl:3.0.11-1"


@dataclass(frozen=True)
class Running:
    """The double, served, with an image in it."""

    double: ArtifactoryWithXray
    served: ServedRegistry
    http: aiohttp.ClientSession
    digest: str

    def scanner(self, account: Account = SCANNER) -> ImageScanner:
        """As the service asks."""
        endpoint = Endpoint(self.served.host, url=self.served.url, username=account.name, password=account.password)
        api = ARTIFACTORY.connect(endpoint, self.http, {}, Timing())
        assert isinstance(api, WithScanner)
        return api.scanner

    async def ask(
        self,
        name: str = f"{REPOSITORY}:1.0.0",
        *,
        known: Statement | None = None,
        may_request: bool = True,
        account: Account = SCANNER,
        digest: str = "",
    ) -> Answer:
        """What it says of the image."""
        repository, _, tag = name.partition(":")
        reference = ImageReference(self.served.host, repository, tag)
        return await self.scanner(account).ask(reference, digest or self.digest, known, may_request=may_request)

    async def statement(self, name: str = f"{REPOSITORY}:1.0.0", digest: str = "") -> Statement:
        answer = await self.ask(name, digest=digest)
        assert isinstance(answer, Statement)
        return answer

    def may_only(self, *rights: str) -> Account:
        """The account with these rights of Xray."""
        account = replace(SCANNER, rights=RIGHTS | set(rights))
        self.double.accounts = [account]
        return account


@pytest.fixture
async def xray() -> AsyncIterator[Running]:
    double = ArtifactoryWithXray()
    async with serve_registry(double) as served, aiohttp.ClientSession() as http:
        pushed = await served.push(text_image("one"), repository=REPOSITORY)
        yield Running(double, served, http, pushed.digest)


# --- results ----------------------------------------------------------------------------------------------


@pytest.mark.req("R13")
async def test_a_result_is_components_issues_and_what_is_applicable(xray: Running):
    xray.double.scan(
        PLACE,
        issue(1, component(OPENSSL, "3.0.12-1", "3.1.4-1"), severity="Critical", cve="CVE-2026-0001"),
        issue(2, component("npm://left-pad:1.0.0"), severity="Information"),
        {"issue_id": "XRAY-9", "issue_type": "license", "severity": "High"},
        components=(node("generic://sha256:0a/layer.tar.gz", node(OPENSSL), node(OPENSSL)),),
        applicability={"XRAY-1": "applicable"},
    )
    said = await xray.statement()
    openssl = Component("Debian", "openssl", "3.0.11-1")
    assert said.components == (openssl,)
    first, second = said.issues
    assert (first.id, first.severity, first.cves) == ("XRAY-1", Severity.CRITICAL, ("CVE-2026-0001",))
    assert first.affected == (AffectedComponent(openssl, ("3.0.12-1", "3.1.4-1")),)
    assert (first.cvss_score, first.cvss_vector) == (9.8, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
    assert (second.severity, second.affected[0].component) == (Severity.UNKNOWN, Component("npm", "left-pad", "1.0.0"))
    assert said.applicability == {"XRAY-1": Applicability.APPLICABLE}
    assert said.problems == ()


async def test_a_platform_of_an_index_is_found_in_the_folder_of_its_digest(xray: Running):
    one = text_image("arm64")
    built = build_index([one])
    pushed = await xray.served.push(built, "2.0.0", REPOSITORY)
    digest = next(
        d
        for d in (f"sha256:{file.sha256}" for file in xray.double.files.values())
        if d not in {pushed.digest, xray.digest}
    )
    path = next(path for (_, path), file in xray.double.files.items() if f"sha256:{file.sha256}" == digest)
    xray.double.scan(f"docker-local/{path}", issue(1, component(OPENSSL)))
    assert (await xray.statement(name=f"{REPOSITORY}:2.0.0", digest=digest)).issues
    assert (await xray.statement(name="docker/shop/web:2.0.0", digest=digest)).issues


async def test_what_cannot_have_changed_is_not_asked_again(xray: Running):
    scan = xray.double.scan(
        PLACE,
        issue(1, component(OPENSSL), cve="CVE-1999-0001"),
        components=(node(OPENSSL),),
        applicability={"XRAY-1": "not_applicable"},
    )
    first = await xray.statement()
    again = await xray.ask(known=first)
    assert again == first
    assert (xray.double.asked_graphs, xray.double.asked_applicability) == (1, ["XRAY-1"])
    scan.scanned_at = scan.analyzed_at = "2026-03-02T08:00:00Z"
    await xray.ask(known=first)
    assert (xray.double.asked_graphs, xray.double.asked_applicability) == (2, ["XRAY-1", "XRAY-1"])


async def test_a_result_of_another_content_under_the_same_name_is_none(xray: Running):
    xray.double.scan(PLACE, issue(1, component(OPENSSL)), sha256="f" * 64)
    answer = await xray.ask()
    assert isinstance(answer, NotYet)
    assert "is another manifest" in answer.reason


async def test_without_contextual_analysis_nothing_is_said_to_be_applicable(xray: Running):
    xray.double.scan(PLACE, issue(1, component(OPENSSL), cve="CVE-1999-0001"), analysis="NOT_SUPPORTED")
    assert (await xray.statement()).applicability == {}
    assert xray.double.asked_applicability == []


async def test_more_questions_than_are_asked_at_once_are_told(xray: Running, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("deadlight.registry.types.artifactory.xray.api.MAX_APPLICABILITY_QUESTIONS", 1)
    issues = [issue(number, component(OPENSSL), cve=f"CVE-1999-000{number}") for number in (1, 2, 3)]
    xray.double.scan(PLACE, *issues)
    assert (await xray.statement()).problems == ("Xray was not asked whether 2 more issues are applicable",)


# --- no result yet ----------------------------------------------------------------------------------------


@pytest.mark.req("A3")
@pytest.mark.parametrize(
    ("indexed", "reason"),
    [
        (True, "although it indexes the repository: a scan was asked for"),
        (False, "for it does not index docker-local (add it under Administration > Xray > Indexed Resources"),
    ],
)
async def test_what_is_not_scanned_is_asked_for_by_what_the_repository_is(xray: Running, *, indexed: bool, reason: str):
    xray.double.indexed["docker-local"] = indexed
    answer = await xray.ask()
    assert isinstance(answer, NotYet)
    assert answer.requested
    assert reason in answer.reason
    assert xray.double.requested == [PLACE]


async def test_a_scan_that_was_asked_for_a_moment_ago_is_not_asked_for_again(xray: Running):
    answer = await xray.ask(may_request=False)
    assert answer == NotYet(
        f"Xray has not scanned {PLACE}, or not since its retention ended, although it indexes the repository: the scan"
        " that was asked for has not begun"
    )
    assert xray.double.requested == []


@pytest.mark.parametrize("status", ["PENDING", "SCANNING"])
async def test_a_scan_under_way_is_waited_for(xray: Running, status: str):
    xray.double.scan(PLACE).status = status
    assert await xray.ask() == NotYet(f"Xray is scanning {PLACE}")
    assert xray.double.requested == []


async def test_a_failed_scan_is_asked_for_again(xray: Running):
    xray.double.scan(PLACE).status = "FAILED"
    answer = await xray.ask()
    assert isinstance(answer, NotYet)
    assert answer.reason == f"Xray's scan of {PLACE} failed (its log says why): a scan was asked for"


async def test_a_status_nobody_knows_is_waited_for(xray: Running):
    xray.double.scan(PLACE).status = "RESTING\x1b"
    assert await xray.ask() == NotYet(f"Xray calls its scan of {PLACE} 'RESTING?'")


# --- what somebody has to change ----------------------------------------------------------------------------


async def test_what_hinders_scanning_is_told_with_what_to_do(xray: Running):
    async def refused() -> str:
        with pytest.raises(UnscannableError) as refusal:
            await xray.ask()
        return str(refusal.value)

    xray.may_only("xray")
    assert "and it takes no order to" in (told := await refused())
    assert "give the account the permission Manage Xray Metadata on it, or scan it in Xray" in told
    xray.may_only()
    assert "give the account the permission Read on it" in await refused()
    xray.may_only("xray", "metadata")
    xray.double.scan(PLACE).status = "NOT_SUPPORTED"
    assert await refused() == f"Xray does not support scanning {PLACE}: have Deadlight scan this registry"
    xray.double.files.clear()
    assert (await refused()).startswith(f"Artifactory shows no manifest {xray.digest} of ")
    xray.double.xray_version = "3.104.7"
    assert await refused() == "Xray 3.104.7 is older than 3.104.8: upgrade it"
    xray.double.xray_version = ""
    assert (await refused()).startswith(f"no Xray answers at {xray.served.url}: have Deadlight scan this registry")


@pytest.mark.req("R11")
async def test_the_connection_test_lists_what_hinders(xray: Running):
    assert await xray.scanner().list_problems() == ()
    xray.double.xray_version = "3.90.0"
    assert await xray.scanner().list_problems() == ("Xray 3.90.0 is older than 3.104.8: upgrade it",)
    xray.double.xray_version = ""
    (problem,) = await xray.scanner().list_problems()
    assert problem.startswith("no Xray answers at ")
    xray.double.xray_version = "3.118.7"
    (problem,) = await xray.scanner(xray.may_only()).list_problems()
    assert problem.endswith("give the account the permission Read for Xray")


# --- what passes, and what lies -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [answering(429, Retry_After="1800"), answering(500), answering(401), hanging_up, talking_nonsense],
    ids=["limited", "broken", "credentials refused", "hangs up", "a login page"],
)
async def test_what_may_pass_is_told_apart_from_an_answer(xray: Running, trouble):
    xray.double.scan(PLACE, issue(1, component(OPENSSL)))
    xray.served.trouble = trouble
    with pytest.raises(UnavailableError):
        await xray.ask()


def instead(path: str, body: bytes):
    """One document replaced."""

    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.endswith(path):
            return web.Response(body=body, content_type="application/json")
        return await handler(request)

    return answer


DEEP = b'{"components":[' * 100_000
HUGE = b'{"artifacts":[],"errors":[{"error":"' + b"x" * 2_000_000 + b'"}]}'


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("artifact/status", b'{"overall":{"status":["DONE"]}}'),
        ("artifact/status", b'"DONE"'),
        ("summary/artifact", b'{"artifacts":[{"issues":"none"}]}'),
        ("dependencyGraph/artifact", DEEP),
        ("dependencyGraph/artifact", b"\xff\xfe"),
    ],
)
async def test_a_document_of_another_shape_is_no_answer(xray: Running, path: str, body: bytes):
    xray.double.scan(PLACE, issue(1, component(OPENSSL)))
    xray.served.trouble = instead(path, body)
    with pytest.raises(UnavailableError):
        await xray.ask()


async def test_a_document_beyond_every_bound_is_not_read_to_its_end(xray: Running, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("deadlight.registry.types.artifactory.xray.api.MAX_RESULT_BYTES", 1_000_000)
    xray.double.scan(PLACE, issue(1, component(OPENSSL)))
    xray.served.trouble = instead("summary/artifact", HUGE)
    with pytest.raises(UnavailableError):
        await xray.ask()


LETTERS = ":/[](),.-+~@azAZ019 \x00\x1b\u202e\xe9\U0001f512"
"""What identifiers, intervals and vectors are made of, and what they must not be."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(LETTERS),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["artifacts", "issues", "components", "errors"]), inner, max_size=4)
    ),
    max_leaves=12,
)
TEXT = st.text(LETTERS, max_size=40) | st.sampled_from(
    ["deb://a:b:0:1", "rpm://::", "npm://", "[1,)", "9.9/CVSS:3.1/AV:N"]
)
ISSUES = st.fixed_dictionaries(
    {},
    optional={
        "issue_id": TEXT,
        "issue_type": st.sampled_from(["security", ""]),
        "severity": TEXT,
        "summary": TEXT | st.none(),
        "cves": st.lists(
            st.fixed_dictionaries({}, optional={"cve": TEXT, "cvss_v3": TEXT, "cvss_v2": TEXT}), max_size=3
        ),
        "components": st.lists(
            st.fixed_dictionaries(
                {}, optional={"component_id": TEXT, "version": TEXT, "fixed_versions": st.lists(TEXT, max_size=3)}
            ),
            max_size=3,
        ),
    },
)


@given(st.lists(ISSUES, max_size=5))
def test_whatever_an_issue_says_is_read_or_counted(documents):
    decoded = msgspec.json.decode(json.dumps(documents), type=list[IssueDocument])
    issues, _ = read_issues(decoded)
    assert msgspec.convert(msgspec.to_builtins(Statement(issues=issues)), Statement).issues == issues
    for item in issues:
        assert item.affected
        assert item.cvss_score is None or 0 <= item.cvss_score <= 10


@given(JSON)
@settings(max_examples=50)
def test_no_document_raises_anything_but_that_it_is_another_one(document):
    for kind in (Summary, Graph):
        try:
            msgspec.json.decode(json.dumps(document), type=kind)
        except msgspec.DecodeError:
            continue


def test_what_is_too_much_is_cut_and_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "MAX_COMPONENTS", 2)
    monkeypatch.setattr(reading, "MAX_ISSUES", 1)
    nodes = [node(f"npm://p:{number}") for number in range(3)]
    components, problems = read_components(msgspec.convert({"components": nodes}, Graph))
    assert (len(components), problems) == (2, ("Xray lists more than 2 components: the rest is not read",))
    documents = [issue(number, component("npm://p:1")) for number in range(3)]
    issues, problems = read_issues(msgspec.convert(documents, list[IssueDocument]))
    assert (len(issues), problems) == (1, ("Xray tells of more than 1 issues: the rest is not read",))


# --- identifiers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identifier", "kind", "version", "expected"),
    [
        ("gav://ant:ant:1.6.5", "", "", ("Maven", "ant:ant", "1.6.5")),
        ("rpm://7:rpm-python:7:4.11.3-43.el7", "", "", (RPM, "rpm-python", "7:4.11.3-43.el7")),
        ("rpm://rpm-python:7:4.11.3-43.el7", "", "", (RPM, "rpm-python", "7:4.11.3-43.el7")),
        ("rpm://7:zsh:5.0.2-14.el7", "", "", (RPM, "zsh", "5.0.2-14.el7")),
        ("rpm://8:openssl:0:1.1.1k-4.el8", "", "", (RPM, "openssl", "1.1.1k-4.el8")),
        ("deb://ubuntu:trustee:acl:2.2.49-2", "", "", ("Ubuntu", "acl", "2.2.49-2")),
        ("deb://debian:stretch:libx11:2:1.6.4-3", "", "", ("Debian", "libx11", "2:1.6.4-3")),
        ("nuget://log4net:9.0.1", "", "", ("NuGet", "log4net", "9.0.1")),
        ("npm://@babel/core:7.24.0", "", "", ("npm", "@babel/core", "7.24.0")),
        ("pypi://PyYAML:3.10", "", "", ("PyPI", "pyyaml", "3.10")),
        ("pip://raven:5.13.0", "", "", ("PyPI", "raven", "5.13.0")),
        ("composer://nunomaduro/collision:1.1", "", "", ("Packagist", "nunomaduro/collision", "1.1")),
        ("go://github.com/ethereum/go-ethereum:v1.8.2", "", "", ("Go", "github.com/ethereum/go-ethereum", "1.8.2")),
        ("alpine://3.7:htop:2.0.2-r0", "", "", ("Alpine", "htop", "2.0.2-r0")),
        ("cargo://google_maps:3.0.1", "", "", ("crates.io", "google_maps", "3.0.1")),
        ("conan://openssl:openssl:1.1.1g", "", "", ("", "openssl", "1.1.1g")),
        ("org.jfrog.test:multi1:3.7", "Maven", "3.7", ("Maven", "org.jfrog.test:multi1", "3.7")),
        ("github.com/golang/go", "Go", "1.15.8", ("Go", "github.com/golang/go", "1.15.8")),
        ("debian:buster:glibc", "Debian", "2.28-10", ("Debian", "glibc", "2.28-10")),
        ("docker://jfrog/artifactory-oss:latest", "", "", None),
        ("generic://sha256:244fd47e/foo.jar", "", "", None),
        ("github.com/golang/go", "", "", None),
        ("npm://:1.0", "", "", None),
        ("npm://a\x1bb:1.0", "", "", None),
    ],
)
def test_an_identifier_is_a_package_of_an_ecosystem(identifier: str, kind: str, version: str, expected):
    assert parse_component(identifier, kind, version) == (Component(*expected) if expected else None)


NAMES = st.from_regex(r"[a-z][a-z0-9.+-]{0,20}", fullmatch=True)
VERSIONS = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}(-[0-9a-z.]{1,8})?", fullmatch=True)


@given(NAMES, VERSIONS, st.integers(1, 9) | st.none(), st.sampled_from(["", "7:", "el6:", "debian:bookworm:"]))
def test_name_version_and_epoch_come_back_from_an_identifier(name, version, epoch, place):
    whole = f"{epoch}:{version}" if epoch else version
    for scheme in ("deb", "rpm"):
        read = parse_component(f"{scheme}://{place}{name}:{whole}")
        assert read is not None
        assert (read.name, read.version) == (name, whole)


@given(st.sampled_from(sorted(FORMS)), st.text(LETTERS, max_size=60), st.text(LETTERS, max_size=10))
def test_no_identifier_is_more_than_a_printable_name_and_version(scheme, text, version):
    read = parse_component(f"{scheme}://{text}", "", version)
    assert read is None or (read.name and f"{read.name}{read.version}".isprintable())


@pytest.mark.parametrize(
    ("text", "version"),
    [("[1.16.10]", "1.16.10"), ("1.2.3", "1.2.3"), ("[1.2,)", "1.2"), ("(1.2,2.0]", ""), ("(,2.0]", ""), ("", "")],
)
def test_a_fixed_version_is_the_one_an_interval_begins_with(text: str, version: str):
    assert read_fixed_version(text) == version


@given(st.text(LETTERS, max_size=60))
def test_no_text_is_more_than_a_printable_version(text):
    assert read_fixed_version(text).isprintable()


def test_what_analysis_did_not_find_out_is_nothing():
    assert read_applicability("not_scanned") is None
    assert read_applicability("technology_unsupported") is None
    assert read_applicability(" Undetermined") is Applicability.UNDETERMINED
