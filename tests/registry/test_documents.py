import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.model.image import Platform
from deadlight.registry.documents import (
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    InvalidDocumentError,
    digest_of,
    parse_config,
    parse_manifest,
)

DIGEST = f"sha256:{'a' * 64}"
CONFIG = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": DIGEST, "size": 2}


def manifest(**changes: Any) -> bytes:
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": CONFIG, "layers": []} | changes
    return json.dumps({name: value for name, value in document.items() if value is not ...}).encode()


def index(**changes: Any) -> bytes:
    return manifest(**{"mediaType": OCI_INDEX, "config": ..., "layers": ..., "manifests": []} | changes)


def test_an_index_lists_manifests_with_their_platforms():
    platform = {"os": "linux", "architecture": "arm64", "variant": "v8", "os.version": "ignored"}
    entry = {"mediaType": OCI_MANIFEST, "digest": DIGEST, "size": 7, "platform": platform}
    read = parse_manifest(index(manifests=[entry]), OCI_INDEX, digest=DIGEST, etag='"e"')
    assert read.is_index
    assert read.config is None
    assert (read.manifests[0].platform, read.manifests[0].size) == (Platform("linux", "arm64", "v8"), 7)
    assert (read.digest, read.etag) == (DIGEST, '"e"')


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (manifest(), OCI_MANIFEST),
        (manifest(mediaType=...), OCI_MANIFEST),
        (manifest(), "application/json"),
        (manifest(), ""),
        (manifest(annotations=None, layers=None), OCI_MANIFEST),
        (manifest(mediaType=DOCKER_MANIFEST), DOCKER_MANIFEST),
        (index(manifests=None), OCI_INDEX),
    ],
)
def test_header_and_document_may_be_silent_about_the_type_but_not_both(content: bytes, content_type: str):
    parse_manifest(content, content_type, digest=DIGEST)


@pytest.mark.parametrize(
    ("content", "content_type", "complaint"),
    [
        (b"", OCI_MANIFEST, "cannot be read"),
        (manifest()[:-5], OCI_MANIFEST, "cannot be read"),
        (b"[" * 100_000, OCI_MANIFEST, "cannot be read"),
        (b"\xff\xfe", OCI_MANIFEST, "cannot be read"),
        (b"[]", OCI_MANIFEST, "cannot be read"),
        (manifest(mediaType=...), "application/json", "something else than an image manifest (application/json)"),
        (manifest(mediaType=...), "", "no media type"),
        (manifest(), OCI_INDEX, "something else than an image manifest"),
        (manifest(mediaType="text/plain"), OCI_MANIFEST, "something else than an image manifest"),
        (manifest(schemaVersion=1), "application/json", "schema 1, which Docker and OCI gave up"),
        (b"{}", "application/vnd.docker.distribution.manifest.v1+prettyjws", "schema 1"),
        (manifest(manifests=[CONFIG]), OCI_MANIFEST, "both an index and a manifest"),
        (index(layers=[CONFIG]), OCI_INDEX, "both an index and a manifest"),
        (index(config=CONFIG), OCI_INDEX, "both an index and a manifest"),
        (manifest(config=...), OCI_MANIFEST, "without a configuration"),
        (manifest(config=CONFIG | {"digest": "sha256:../../etc"}), OCI_MANIFEST, "invalid digest"),
        (manifest(config=CONFIG | {"size": -1}), OCI_MANIFEST, "cannot be read"),
        (manifest(layers=[CONFIG] * 1001), OCI_MANIFEST, "cannot be read"),
        (index(manifests=[CONFIG] * 1001), OCI_INDEX, "cannot be read"),
        (manifest(annotations={"a": 1}), OCI_MANIFEST, "cannot be read"),
    ],
)
def test_what_is_not_a_manifest_is_refused_saying_why(content: bytes, content_type: str, complaint: str):
    with pytest.raises(InvalidDocumentError) as caught:
        parse_manifest(content, content_type, digest=DIGEST)
    assert complaint in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_configuration_may_leave_out_almost_everything():
    config = parse_config(b"{}", digest=DIGEST)
    assert (config.entrypoint, config.env, config.labels, config.diff_ids) == ((), (), {}, ())
    assert config.created_at is None


def test_docker_s_nulls_are_empty():
    config = parse_config(
        b'{"created":null,"config":{"Entrypoint":null,"Cmd":null,"Env":null,"Labels":null},"rootfs":{"diff_ids":null}}',
        digest=DIGEST,
    )
    assert (config.entrypoint, config.command, config.labels, config.diff_ids) == ((), (), {}, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-06T07:08:09Z", "2024-05-06T07:08:09+00:00"),
        ("2024-05-06T07:08:09.123456789+02:00", "2024-05-06T05:08:09.123456+00:00"),
        ("0001-01-01T00:00:00Z", None),
        ("2024-05-06T07:08:09", None),
        ("yesterday", None),
        ("9999-12-31T23:59:59-12:00", None),
    ],
)
def test_the_time_of_creation_is_utc_or_unknown(text: str, expected: str | None):
    created_at = parse_config(json.dumps({"created": text}).encode(), digest=DIGEST).created_at
    assert (created_at.isoformat() if created_at else None) == expected


TWO_LAYERS = {"rootfs": {"diff_ids": [DIGEST, DIGEST]}}


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (
            [{"created_by": "ADD"}, {"created_by": "ENV A=1", "empty_layer": True}, {"created_by": "x" * 2000}],
            ("ADD", "x" * 1000),
        ),
        ([{}, {"created_by": None}], ("", "")),
        ([{"created_by": "one too few"}], ()),
        ([{"created_by": 7}, {}], ()),
        ("nonsense", ()),
        (None, ()),
    ],
)
def test_the_history_says_what_made_each_layer_or_nothing(history: object, expected: tuple[str, ...]):
    config = parse_config(json.dumps({**TWO_LAYERS, "history": history}).encode(), digest=DIGEST)
    assert config.layer_commands == expected


@pytest.mark.parametrize("content", [b"", b"[]", b'{"config":{"Env":[1]}}', b'{"rootfs":{"diff_ids":["x"]}}'])
def test_what_is_not_a_configuration_is_refused(content: bytes):
    with pytest.raises(InvalidDocumentError):
        parse_config(content, digest=DIGEST)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just(DIGEST),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
DOCUMENTS = st.binary() | st.fixed_dictionaries(
    {},
    optional={
        "schemaVersion": st.integers(0, 3),
        "mediaType": st.sampled_from([OCI_INDEX, OCI_MANIFEST]) | JSON,
        "config": st.just(CONFIG) | JSON,
        "layers": st.just([CONFIG]) | JSON,
        "manifests": st.just([CONFIG]) | JSON,
        "annotations": JSON,
        "rootfs": st.fixed_dictionaries({"diff_ids": JSON}) | JSON,
        "created": st.datetimes().map(str) | JSON,
        "history": st.lists(st.fixed_dictionaries({"created_by": JSON, "empty_layer": JSON})) | JSON,
    },
).map(lambda document: json.dumps(document).encode())


@given(DOCUMENTS, st.sampled_from(["", OCI_INDEX, OCI_MANIFEST, "text/html"]))
def test_no_bytes_break_the_parsers(content: bytes, content_type: str):
    for parse in (
        lambda: parse_manifest(content, content_type, digest=DIGEST),
        lambda: parse_config(content, digest=DIGEST),
    ):
        with suppress(InvalidDocumentError):
            parse()


def test_digests_are_of_the_algorithm_asked_for():
    assert digest_of(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest_of(b"", "sha512").startswith("sha512:cf83e1357eefb8bd")
