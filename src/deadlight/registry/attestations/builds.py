"""The build that provenance describes: SLSA 0.2 and 1.0, as BuildKit, GitHub and GitLab fill them in. Pure.

Sources: slsa.dev/provenance/v0.2 and v1; BuildKit's "SLSA definitions" page; the documentation of GitHub artifact
attestations and of GitLab Runner's artifact provenance.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deadlight.registry.attestations.statements import Statement

SLSA = "https://slsa.dev/provenance/"
MAX_TEXT = 512

_ACTORS = ("github_actor", "GITHUB_ACTOR", "GITLAB_USER_EMAIL", "GITLAB_USER_LOGIN", "actor")
"""Where builders write who started the build, in the environments and parameters they record."""

_BUILDKIT_METADATA = "https://mobyproject.org/buildkit@v1#metadata"


@dataclass(frozen=True, slots=True)
class BuildProvenance:
    """How an image was made. Empty texts are not said."""

    predicate_type: str
    builder: str
    """The builder's identifier, mostly a URL."""
    build_type: str
    source_url: str
    revision: str
    actor: str
    """Who started the build."""
    workflow: str
    """The file or entry point that says how to build."""
    run_url: str
    """The run at the CI server."""
    started_at: datetime | None
    finished_at: datetime | None


def is_build(statement: Statement) -> bool:
    """Whether a statement is SLSA provenance."""
    return statement.predicate_type.startswith(SLSA)


def read_build(statement: Statement) -> BuildProvenance:
    """What SLSA provenance says; parts that are missing or of another shape stay empty."""
    if "buildDefinition" in statement.predicate:
        return _read_v1(statement.predicate_type, statement.predicate)
    return _read_v0(statement.predicate_type, statement.predicate)


def _read_v1(predicate_type: str, predicate: Mapping[str, Any]) -> BuildProvenance:
    definition = _at(predicate, "buildDefinition")
    external, internal = _at(definition, "externalParameters"), _at(definition, "internalParameters")
    metadata = _at(predicate, "runDetails", "metadata")
    vcs = _at(metadata, "buildkit_metadata", "vcs")
    workflow = _at(external, "workflow")
    source = _text(vcs, "source") or _text(workflow, "repository") or _text(external, "source")
    first = _first_source(definition.get("resolvedDependencies"))
    builder = _text(_at(predicate, "runDetails", "builder"), "id")
    return BuildProvenance(
        predicate_type=predicate_type,
        builder=builder,
        build_type=_text(definition, "buildType"),
        source_url=_plain_url(source or first[0]),
        revision=_text(vcs, "revision") or first[1],
        actor=_actor(_at(internal, "github"), _at(external, "variables"), internal, external),
        workflow=_text(workflow, "path") or _text(external, "entryPoint"),
        run_url=_web_address(_text(metadata, "invocationId")) or _web_address(builder),
        started_at=_moment(_text(metadata, "startedOn")),
        finished_at=_moment(_text(metadata, "finishedOn")),
    )


def _read_v0(predicate_type: str, predicate: Mapping[str, Any]) -> BuildProvenance:
    metadata = _at(predicate, "metadata")
    vcs = _at(metadata, _BUILDKIT_METADATA, "vcs")
    origin = _at(predicate, "invocation", "configSource")
    environment, parameters = _at(predicate, "invocation", "environment"), _at(predicate, "invocation", "parameters")
    first = _first_source(predicate.get("materials"))
    builder = _text(_at(predicate, "builder"), "id")
    run = _text(metadata, "buildInvocationID") or _text(metadata, "buildInvocationId")
    return BuildProvenance(
        predicate_type=predicate_type,
        builder=builder,
        build_type=_text(predicate, "buildType"),
        source_url=_plain_url(_text(vcs, "source") or _text(origin, "uri") or first[0]),
        revision=_text(vcs, "revision") or _text(_at(origin, "digest"), "sha1") or first[1],
        actor=_actor(environment, parameters),
        workflow=_text(origin, "entryPoint"),
        run_url=_web_address(run) or _web_address(builder),
        started_at=_moment(_text(metadata, "buildStartedOn")),
        finished_at=_moment(_text(metadata, "buildFinishedOn")),
    )


def _at(value: object, *path: str) -> Mapping[str, Any]:
    """The object at a path, or an empty one."""
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return found[:MAX_TEXT] if isinstance(found, str) else ""


def _actor(*places: Mapping[str, Any]) -> str:
    return next((actor for place in places for key in _ACTORS if (actor := _text(place, key))), "")


def _first_source(dependencies: object) -> tuple[str, str]:
    """Address and commit of the first dependency that is a repository."""
    for item in dependencies if isinstance(dependencies, list) else ():
        uri, digest = _text(_at(item), "uri"), _at(item, "digest")
        commit = _text(digest, "gitCommit") or _text(digest, "sha1")
        if commit:
            return uri, commit
    return "", ""


def _plain_url(uri: str) -> str:
    """An address of a repository without the scheme prefix and revision that SLSA writes into it."""
    return uri.removeprefix("git+").partition("@")[0].partition("#")[0].removesuffix(".git")


def _web_address(text: str) -> str:
    return text if text.startswith(("https://", "http://")) else ""


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
