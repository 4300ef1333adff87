"""Who built an image: what its registry has on record, and what the image says of itself. Pure.

`SOURCES` is the order in which places are believed among equals (docs/adr/0025-attribution.md).

Labels and annotations, in this order: the OCI annotation `org.opencontainers.image.authors` (image specification,
annotations), what GitLab CI, GitHub Actions and OpenShift builds set, and the old `maintainer` label. Annotations of
the manifest come before labels of the configuration, because they are written later.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from deadlight.model.attribution import MAX_VALUE_LENGTH, Attribution, Confidence, Party, choose
from deadlight.registry.attestations.evidence import Provenance
from deadlight.registry.types.registry_type import BuildRecord

_OWNER_KEYS = (
    "org.opencontainers.image.authors",
    "com.gitlab.ci.email",
    "com.gitlab.ci.user",
    "com.github.actor",
    "io.openshift.build.commit.author",
    "org.label-schema.maintainer",
    "maintainer",
)
_LINK_KEYS = (
    "org.opencontainers.image.source",
    "com.gitlab.ci.pipelineurl",
    "io.openshift.build.source-location",
    "org.opencontainers.image.url",
    "org.label-schema.vcs-url",
)
_REVISION_KEYS = (
    "org.opencontainers.image.revision",
    "com.gitlab.ci.commit",
    "io.openshift.build.commit.id",
    "org.label-schema.vcs-ref",
)

MOST_PROVENANCE = 5
"""Anybody who can push can attach more; those that are vouched for come first."""


@dataclass(frozen=True, slots=True)
class BuildEvidence:
    """Everything there is to conclude a Build Owner from."""

    provenance: Sequence[Provenance] = ()
    """SLSA provenance that hangs on the image."""
    build: BuildRecord | None = None
    """The registry's own record of the build."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Of the manifest."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of the configuration."""


def find_build_owner(evidence: BuildEvidence) -> Attribution | None:
    """Who built it, with what other sources say; None where nothing does."""
    return choose(candidate for source in SOURCES for candidate in source(evidence))


def _attested(evidence: BuildEvidence) -> Iterator[Attribution]:
    """What SLSA provenance tells of the build: proven where somebody who is trusted signed it, else only stated."""
    for item in evidence.provenance[:MOST_PROVENANCE]:
        build = item.build
        itself = Attribution(
            " ".join(filter(None, (build.source_url, build.workflow))) or build.builder,
            _told(item),
            Confidence.PROVEN if item.is_verified else Confidence.STATED,
            Party.APPLICATION,
            next((url for url in (build.run_url, build.source_url) if _is_web(url)), ""),
            build.revision,
            at=build.finished_at or build.started_at,
        )
        if build.actor:
            yield replace(itself, value=build.actor, party=party_of(build.actor), detail=itself.value)
        if itself.value:
            yield itself


def _told(item: Provenance) -> str:
    if item.signature is None:
        return "unsigned SLSA provenance"
    signer = item.signature.signer[:MAX_VALUE_LENGTH]
    return (
        f"SLSA provenance signed by {signer}" if item.is_verified else "SLSA provenance signed by nobody trusted here"
    )


def _recorded_build(evidence: BuildEvidence) -> Iterator[Attribution]:
    """The build that the registry has on record: who started it, and the build itself."""
    build = evidence.build
    if build is None:
        return
    name = f"{build.name} #{build.number}" if build.number else build.name
    link = next((url for url in (build.url, build.vcs_url) if _is_web(url)), "")
    itself = Attribution(
        f"build {name}"[:MAX_VALUE_LENGTH],
        "the registry's record of the build",
        Confidence.RECORDED,
        Party.APPLICATION,
        link,
        build.vcs_revision,
        build.vcs_message.strip()[:MAX_VALUE_LENGTH],
        build.started_at,
    )
    owner = build.owner.strip()[:MAX_VALUE_LENGTH]
    if owner:
        yield replace(itself, value=owner, party=party_of(owner))
    yield itself


def _said_by_image(evidence: BuildEvidence) -> Iterator[Attribution]:
    """What annotations and labels name."""
    both = {**evidence.labels, **evidence.annotations}
    link, revision = _first(both, _LINK_KEYS), _first(both, _REVISION_KEYS)
    for place, values in (("annotation", evidence.annotations), ("label", evidence.labels)):
        for key in _OWNER_KEYS:
            value = values.get(key, "").strip()[:MAX_VALUE_LENGTH]
            if value:
                web = link if _is_web(link) else ""
                yield Attribution(value, f"image {place} {key}", party=party_of(value), link=web, revision=revision)


SOURCES: Sequence[Callable[[BuildEvidence], Iterator[Attribution]]] = (_attested, _recorded_build, _said_by_image)
"""THE order of the places that name a Build Owner."""


def party_of(name: str) -> Party:
    """Bots of the code hosts carry their nature in their name (`dependabot[bot]`)."""
    return Party.MACHINE if name.endswith("[bot]") else Party.PERSON


def _is_web(link: str) -> bool:
    return link.startswith(("https://", "http://"))


def _first(values: Mapping[str, str], keys: tuple[str, ...]) -> str:
    return next((values[key][:MAX_VALUE_LENGTH] for key in keys if values.get(key)), "")
