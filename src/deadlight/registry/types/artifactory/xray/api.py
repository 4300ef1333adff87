"""Asking Xray what it says of an image: how its scan stands, for a scan where there is none, and for its result."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from deadlight.model.image import ImageReference
from deadlight.model.vulnerability import Applicability, Severity
from deadlight.registry import foreign
from deadlight.registry.answers import printable
from deadlight.registry.errors import NotFoundError, WithheldError
from deadlight.registry.rest import RestApi
from deadlight.registry.statements import Answer, Component, Issue, NotYet, Statement, UnscannableError
from deadlight.registry.types.artifactory.versions import MINIMUM_XRAY_VERSION, XrayVersion, is_older
from deadlight.registry.types.artifactory.xray.documents import (
    ApplicabilityDocument,
    ArtifactStatus,
    Graph,
    Requested,
    ScanStatus,
    SummarisedArtifact,
    Summary,
)
from deadlight.registry.types.artifactory.xray.reading import read_applicability, read_components, read_issues

MAX_RESULT_BYTES = 64 * 1024 * 1024
"""A summary or graph; an image of 3,000 issues with their descriptions has some ten megabytes."""

MAX_APPLICABILITY_QUESTIONS = 500
"""Of one image at a time. Xray answers this question for one issue only."""

T = TypeVar("T")

_STATUS = "xray/api/v1/artifact/status"
_INDEX = "xray/api/v2/index"
_SUMMARY = "xray/api/v2/summary/artifact"
_GRAPH = "xray/api/v1/dependencyGraph/artifact"
_APPLICABILITY = "xray/api/v2/cve_applicability"

_READ_RIGHT = "give the account the permission Read on it, and on Xray's data of it"
_SCAN_RIGHT = "give the account the permission Manage Xray Metadata on it, or scan it in Xray"
_INDEX_RESOURCES = "Administration > Xray > Indexed Resources"
_ASKED_BEFORE = "the scan that was asked for has not begun"
_JUDGED = frozenset({Severity.CRITICAL, Severity.HIGH})


@dataclass(frozen=True, slots=True)
class Artifact:
    """A manifest's file in the repository that really has it, and what is known of that."""

    repository: str
    path: str
    kind: str = ""
    """`local`, `remote`, `federated`; empty where our account may not see it."""
    indexed: bool | None = None
    """Whether Xray indexes the repository; None where our account may not see it."""

    def __str__(self) -> str:
        return f"{self.repository}/{self.path}"


Locate = Callable[[ImageReference, str], Awaitable[Artifact | None]]


class XrayApi:
    """The Xray beside one Artifactory. See `ImageScanner`."""

    name = "Xray"

    def __init__(self, platform: RestApi, locate: Locate) -> None:
        """Ask `platform`; `locate` finds the file of a manifest in Artifactory."""
        self._api = platform
        self._locate = locate

    async def list_problems(self) -> tuple[str, ...]:
        """Whether it is there, new enough, and answers our account about scans."""
        try:
            await self._require_version()
            await self._post(_SUMMARY, {"checksums": ["0" * 64]}, Summary)
        except UnscannableError as error:
            return (str(error),)
        except NotFoundError:
            return ()
        except WithheldError as error:
            return (f"{error}: give the account the permission Read for Xray",)
        return ()

    async def ask(
        self, reference: ImageReference, digest: str, known: Statement | None, *, may_request: bool
    ) -> Answer:
        """See `ImageScanner`."""
        await self._require_version()
        artifact = await self._locate(reference, digest)
        if artifact is None:
            raise UnscannableError(
                f"Artifactory shows no manifest {printable(digest)} of {reference} to our account: {_READ_RIGHT}"
            )
        status = await self._fetch_status(artifact)
        match status.packages.status:
            case ScanStatus.DONE | ScanStatus.PARTIAL:
                return await self._fetch_statement(artifact, digest, status, known)
            case ScanStatus.NOT_SUPPORTED:
                raise UnscannableError(f"Xray does not support scanning {artifact}: have Deadlight scan this registry")
            case ScanStatus.PENDING | ScanStatus.SCANNING:
                return NotYet(f"Xray is scanning {artifact}")
            case ScanStatus.NOT_SCANNED | ScanStatus.FAILED as standing:
                why = _why(artifact, failed=standing == ScanStatus.FAILED)
                return await self._request(artifact, why) if may_request else NotYet(f"{why}: {_ASKED_BEFORE}")
            case other:
                return NotYet(f"Xray calls its scan of {artifact} {printable(other)!r}")

    async def _require_version(self) -> None:
        """Raises UnscannableError where there is no Xray, or one that is too old."""
        try:
            found = (await self._api.fetch("xray/api/v1/system/version", XrayVersion)).value.xray_version
        except NotFoundError:
            raise UnscannableError(
                f"no Xray answers at {self._api.base}: have Deadlight scan this registry, or set the address of"
                " Artifactory"
            ) from None
        except WithheldError as error:
            raise UnscannableError(f"{error}: enter a user of its own for the service") from None
        if is_older(found, MINIMUM_XRAY_VERSION):
            raise UnscannableError(f"Xray {printable(found, 40)} is older than {MINIMUM_XRAY_VERSION}: upgrade it")

    async def _fetch_status(self, artifact: Artifact) -> ArtifactStatus:
        """How its scans stand; of what Xray does not know nothing has been scanned."""
        try:
            return await self._post(_STATUS, {"repo": artifact.repository, "path": artifact.path}, ArtifactStatus)
        except NotFoundError:
            status = ArtifactStatus()
            status.overall.status = ScanStatus.NOT_SCANNED
            return status
        except WithheldError as error:
            raise UnscannableError(
                f"Xray does not show how its scan of {artifact} stands ({error}): {_READ_RIGHT}"
            ) from None

    async def _request(self, artifact: Artifact, why: str) -> NotYet:
        """Ask for a scan. "Scan Now" also takes what is not indexed, and what was there before it was."""
        try:
            await self._post(_INDEX, {"repo_path": str(artifact)}, Requested)
        except (WithheldError, NotFoundError) as error:
            raise UnscannableError(f"{why}, and it takes no order to ({error}): {_SCAN_RIGHT}") from None
        return NotYet(f"{why}: a scan was asked for", requested=True)

    async def _fetch_statement(
        self, artifact: Artifact, digest: str, status: ArtifactStatus, known: Statement | None
    ) -> Answer:
        summarised = await self._fetch_summary(artifact)
        if isinstance(summarised, NotYet):
            return summarised
        told = summarised.general.sha256.lower()
        if told and f"sha256:{told}" != digest:
            return NotYet(f"what Xray has scanned as {artifact} is another manifest, sha256:{printable(told, 64)}")
        times = (status.packages.time, status.details.contextual_analysis.time)
        scanned_at, analyzed_at = (foreign.name(time) for time in times)
        components, unlisted = await self._fetch_components(artifact, known, scanned_at)
        issues, unread = read_issues(summarised.issues or ())
        applicability: Mapping[str, Applicability] = {}
        unjudged: tuple[str, ...] = ()
        if status.details.contextual_analysis.status in {ScanStatus.DONE, ScanStatus.PARTIAL}:
            judged = known if known and known.analyzed_at == analyzed_at and analyzed_at else None
            component_id = foreign.name(summarised.general.component_id)
            applicability, unjudged = await self._fetch_applicability(artifact, component_id, issues, judged)
        decision = f"Xray has scanned {artifact}, {_shown(artifact)}"
        problems = (*unlisted, *unread, *unjudged)
        return Statement(components, issues, applicability, scanned_at, analyzed_at, decision, problems)

    async def _fetch_summary(self, artifact: Artifact) -> SummarisedArtifact | NotYet:
        try:
            summary = await self._post(_SUMMARY, {"paths": [f"default/{artifact}"]}, Summary)
        except NotFoundError:
            summary = Summary()
        except WithheldError as error:
            raise UnscannableError(f"Xray does not show its result for {artifact} ({error}): {_READ_RIGHT}") from None
        if summary.artifacts:
            return summary.artifacts[0]
        said = "; ".join(printable(error.error, 200) for error in (summary.errors or ())[:3])
        return NotYet(f"Xray has scanned {artifact} and has no result for it yet" + (f": {said}" if said else ""))

    async def _fetch_components(
        self, artifact: Artifact, known: Statement | None, scanned_at: str
    ) -> tuple[tuple[Component, ...], tuple[str, ...]]:
        """Every package in it; those of the last time where it has not been scanned since."""
        if known is not None and scanned_at and known.scanned_at == scanned_at and known.components:
            return known.components, ()
        try:
            graph = await self._post(_GRAPH, {"path": f"default/{artifact}"}, Graph)
        except (NotFoundError, WithheldError) as error:
            return (), (
                f"Xray does not show what {artifact} consists of ({error}): only packages with issues are known",
            )
        return read_components(graph)

    async def _fetch_applicability(
        self, artifact: Artifact, component_id: str, issues: tuple[Issue, ...], known: Statement | None
    ) -> tuple[Mapping[str, Applicability], tuple[str, ...]]:
        """What contextual analysis says of the issues that it can matter for: high and critical ones with a CVE."""
        found = {
            issue.id: known.applicability[issue.id] for issue in issues if known and issue.id in known.applicability
        }
        wanted = [issue for issue in issues if issue.severity in _JUDGED and issue.cves and issue.id not in found]
        asked = wanted[:MAX_APPLICABILITY_QUESTIONS]
        identifier = component_id if "://" in component_id else f"docker://{component_id}"
        answers = await asyncio.gather(*(self._ask_applicability(artifact, identifier, issue.id) for issue in asked))
        found |= {issue.id: said for issue, said in zip(asked, answers, strict=True) if said is not None}
        left = len(wanted) - len(asked)
        return found, (f"Xray was not asked whether {left} more issues are applicable",) if left else ()

    async def _ask_applicability(self, artifact: Artifact, component_id: str, issue_id: str) -> Applicability | None:
        query = {"component_id": component_id, "vulnerability_id": issue_id, "path": str(artifact)}
        try:
            document = (await self._api.fetch(_APPLICABILITY, ApplicabilityDocument, query=query)).value
        except (NotFoundError, WithheldError):
            return None  # an edition without contextual analysis
        return read_applicability(document.result)

    async def _post(self, path: str, body: Mapping[str, object], of: type[T]) -> T:
        headers = {"Content-Type": "application/json"}
        reply = await self._api.fetch(path, of, headers=headers, text=json.dumps(body), size_limit=MAX_RESULT_BYTES)
        return reply.value


def _why(artifact: Artifact, *, failed: bool) -> str:
    if failed:
        return f"Xray's scan of {artifact} failed (its log says why)"
    if artifact.indexed is False:
        return (
            f"Xray has not scanned {artifact}, for it does not index {artifact.repository} (add it under"
            f" {_INDEX_RESOURCES}: the result of a single scan is only kept for days)"
        )
    if artifact.indexed:
        return f"Xray has not scanned {artifact}, or not since its retention ended, although it indexes the repository"
    return f"Xray has not scanned {artifact}"


def _shown(artifact: Artifact) -> str:
    """`of a local repository that it indexes`."""
    kind = f"of a {artifact.kind} repository" if artifact.kind else "of a repository whose settings are not shown"
    if artifact.indexed is None:
        return kind
    return f"{kind} that it {'indexes' if artifact.indexed else 'does not index'}"
