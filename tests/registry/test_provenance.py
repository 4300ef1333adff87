"""Who built an image, by what its registry has on record and by what it says of itself."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.model.attribution import MAX_VALUE_LENGTH, Confidence, Party
from deadlight.registry.attestations.builds import BuildProvenance
from deadlight.registry.attestations.evidence import Provenance, Signature, SignatureState
from deadlight.registry.provenance import BuildEvidence, find_build_owner
from deadlight.registry.types.registry_type import BuildRecord

AUTHORS = "org.opencontainers.image.authors"
STARTED = datetime(2026, 11, 1, tzinfo=UTC)
BUILD = BuildRecord(
    "shop-web", "42", "ada", "https://ci.example/42", "https://git.example/shop", "1f2e3d", "main", "Fix it", STARTED
)


@pytest.mark.req("F1")
def test_the_registrys_record_of_the_build_comes_before_what_labels_claim() -> None:
    found = find_build_owner(BuildEvidence((), BUILD, {}, {AUTHORS: "base image people <base@example.com>"}))
    assert found is not None
    assert (found.value, found.confidence, found.party) == ("ada", Confidence.RECORDED, Party.PERSON)
    assert (found.link, found.revision, found.detail, found.at) == (BUILD.url, "1f2e3d", "Fix it", STARTED)
    assert [(item.value, item.confidence) for item in found.others] == [
        ("build shop-web #42", Confidence.RECORDED),
        ("base image people <base@example.com>", Confidence.STATED),
    ]


@pytest.mark.req("F1", "F7")
@pytest.mark.parametrize(
    ("key", "revision_key", "link_key"),
    [
        (AUTHORS, "org.opencontainers.image.revision", "org.opencontainers.image.source"),
        ("com.gitlab.ci.email", "com.gitlab.ci.commit", "com.gitlab.ci.pipelineurl"),
        ("com.github.actor", "org.label-schema.vcs-ref", "org.label-schema.vcs-url"),
        ("io.openshift.build.commit.author", "io.openshift.build.commit.id", "io.openshift.build.source-location"),
        ("maintainer", "org.opencontainers.image.revision", "org.opencontainers.image.url"),
    ],
)
def test_conventional_labels_name_the_builder_the_commit_and_where_to_look(
    key: str, revision_key: str, link_key: str
) -> None:
    labels = {key: " ada@example.com ", revision_key: "1f2e", link_key: "https://git.example/shop"}
    found = find_build_owner(BuildEvidence(labels=labels))
    assert found is not None
    assert (found.value, found.revision, found.link) == ("ada@example.com", "1f2e", "https://git.example/shop")
    assert (found.source, found.confidence) == (f"image label {key}", Confidence.STATED)


def attested(state: SignatureState | None, **more: str) -> Provenance:
    texts = dict.fromkeys(("predicate_type", "builder", "build_type", "source_url", "revision", "actor"), "")
    texts |= {"workflow": "", "run_url": "", **more}
    signature = Signature(state, "keyless", "release workflow") if state else None
    return Provenance(BuildProvenance(**texts, started_at=None, finished_at=STARTED), signature)


@pytest.mark.req("F1", "F7")
def test_provenance_that_is_vouched_for_comes_first_and_what_anybody_could_attach_does_not() -> None:
    forged = attested(None, actor="mallory", source_url="https://git.example/elsewhere")
    signed = attested(
        SignatureState.VERIFIED,
        actor="ada",
        source_url="https://git.example/shop",
        workflow=".ci/release.yml",
        revision="1f2e",
        run_url="https://ci.example/run/7",
    )
    found = find_build_owner(BuildEvidence((signed, forged), BUILD))
    assert found is not None
    assert (found.value, found.confidence, found.source) == (
        "ada",
        Confidence.PROVEN,
        "SLSA provenance signed by release workflow",
    )
    assert (found.link, found.revision, found.detail, found.at) == (
        "https://ci.example/run/7",
        "1f2e",
        "https://git.example/shop .ci/release.yml",
        STARTED,
    )
    assert [(item.value, item.confidence) for item in found.others] == [
        ("https://git.example/shop .ci/release.yml", Confidence.PROVEN),
        ("ada", Confidence.RECORDED),
        ("build shop-web #42", Confidence.RECORDED),
        ("mallory", Confidence.STATED),
        ("https://git.example/elsewhere", Confidence.STATED),
    ]
    untrusted = find_build_owner(BuildEvidence((attested(SignatureState.UNTRUSTED, actor="mallory"),)))
    assert untrusted is not None
    assert (untrusted.confidence, untrusted.others) == (Confidence.STATED, ())


def test_annotations_come_before_labels_and_an_early_key_before_a_late_one() -> None:
    labels = {"maintainer": "last", AUTHORS: "second"}
    found = find_build_owner(BuildEvidence(annotations={AUTHORS: "first"}, labels=labels))
    assert found is not None
    assert [found.value, *(item.value for item in found.others)] == ["first", "second", "last"]


def test_a_bot_is_named_after_the_person_who_is_known_as_well() -> None:
    found = find_build_owner(BuildEvidence(labels={"com.github.actor": "renovate[bot]", "maintainer": "ada"}))
    assert found is not None
    assert (found.value, found.others[0].party) == ("ada", Party.MACHINE)


def test_what_is_no_web_address_is_no_link() -> None:
    labels = {AUTHORS: "ada", "org.opencontainers.image.source": "javascript:alert(1)"}
    found = find_build_owner(BuildEvidence(labels=labels))
    assert found is not None
    assert found.link == ""


@given(st.dictionaries(st.sampled_from([AUTHORS, "maintainer", "org.opencontainers.image.revision"]), st.text()))
def test_hostile_labels_give_bounded_texts_or_nobody(labels: dict[str, str]) -> None:
    found = find_build_owner(BuildEvidence(labels={key: value * 50 for key, value in labels.items()}))
    for item in (found, *found.others) if found else ():
        assert 0 < len(item.value) <= MAX_VALUE_LENGTH
        assert len(item.revision) <= MAX_VALUE_LENGTH
