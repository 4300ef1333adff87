"""Bills of materials are found wherever builders attach them, and taken out of what they are wrapped in."""

import base64
import json
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.attestations import push_artifact, push_manifest, statement
from tests.support.registries import ServedRegistry, answering, serve_registry

from deadlight.demo.images import Blob, ImageSpec, build_image
from deadlight.registry import Endpoint, RegistryClient, UnavailableError
from deadlight.registry.attestations import sboms
from deadlight.registry.attestations.attached import Kind
from deadlight.registry.attestations.sboms import MAX_SBOMS, FoundSboms, collect_sboms
from deadlight.registry.documents import OCI_INDEX, OCI_MANIFEST, Descriptor, Manifest, digest_of

REPOSITORY = "shop/web"
IMAGE = build_image(ImageSpec([{"app": b"x"}]))
DIGEST = IMAGE.manifest.digest
BILL: dict[str, Any] = {"spdxVersion": "SPDX-2.3", "packages": []}
PLAIN = json.dumps(BILL).encode()
SPDX = "https://spdx.dev/Document"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
TAG = DIGEST.replace(":", "-")
WORDS = "subject digest sha256 predicateType predicate Data payload payloadType signatures sig dsseEnvelope"
FIELDS = st.sampled_from(WORDS.split())


def enveloped(payload: bytes) -> dict[str, Any]:
    signature = base64.b64encode(b"signature").decode()
    kind = "application/vnd.in-toto+json"
    return {"payload": base64.b64encode(payload).decode(), "payloadType": kind, "signatures": [{"sig": signature}]}


async def look(registry: ServedRegistry, *digests: str) -> FoundSboms:
    async with aiohttp.ClientSession() as http:
        client = RegistryClient(Endpoint("registry.test", registry.url), http)
        return await collect_sboms(client, REPOSITORY, digests or (DIGEST,))


async def attach(
    registry: ServedRegistry, media_type: str, content: bytes, *, tag: str = f"{TAG}.sbom", **notes: str
) -> None:
    await push_artifact(registry.http, registry.url, REPOSITORY, tag, [(media_type, content, notes)])


@pytest.fixture
async def registry():
    async with serve_registry() as served:
        await served.push(IMAGE)
        yield served


@pytest.mark.parametrize(
    ("media_type", "content", "notes"),
    [
        ("application/spdx+json", PLAIN, {}),
        ("text/spdx+json", PLAIN, {}),
        ("application/vnd.cyclonedx+json", PLAIN, {}),
        (Kind.STATEMENT.value, statement(DIGEST, BILL, SPDX), {"in-toto.io/predicate-type": SPDX}),
        (Kind.STATEMENT.value, statement(DIGEST, BILL, "https://cyclonedx.org/bom/v1.6"), {}),
        (Kind.ENVELOPE.value, json.dumps(enveloped(statement(DIGEST, BILL, SPDX))).encode(), {"predicateType": SPDX}),
        (Kind.ENVELOPE.value, json.dumps(enveloped(statement(DIGEST, {"Data": PLAIN.decode()}, SPDX))).encode(), {}),
    ],
)
async def test_a_bill_is_taken_out_of_what_it_is_in(
    registry: ServedRegistry, media_type: str, content: bytes, notes: dict[str, str]
) -> None:
    await attach(registry, media_type, content, **notes)
    found = await look(registry)
    assert [(item.digest, json.loads(item.content)) for item in found.documents] == [(digest_of(content), BILL)]
    assert found.problems == ()


async def test_a_bundle_says_on_its_manifest_what_is_in_it(registry: ServedRegistry) -> None:
    content = json.dumps({"dsseEnvelope": enveloped(statement(DIGEST, BILL, SPDX))}).encode()
    blob, config = Blob(BUNDLE, content), Blob("application/vnd.oci.empty.v1+json", b"{}")
    await push_artifact(
        registry.http, registry.url, REPOSITORY, "blobs", [(BUNDLE, content, {}), (config.media_type, b"{}", {})]
    )
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": config.descriptor(),
        "layers": [blob.descriptor()],
        "annotations": {"dev.sigstore.bundle.predicateType": SPDX},
    }
    manifest = Blob(OCI_MANIFEST, json.dumps(document).encode())
    await push_manifest(registry.http, registry.url, REPOSITORY, f"{TAG}.att", manifest)
    found = await look(registry)
    assert [json.loads(item.content) for item in found.documents] == [BILL]


async def test_buildkit_s_entry_in_the_index_is_read(registry: ServedRegistry) -> None:
    content = statement(DIGEST, BILL, SPDX)
    said = await push_artifact(
        registry.http,
        registry.url,
        REPOSITORY,
        "",
        [
            (Kind.STATEMENT.value, content, {"in-toto.io/predicate-type": SPDX}),
            (Kind.STATEMENT.value, statement(DIGEST), {}),
        ],
    )
    notes = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": DIGEST}
    entry = {"mediaType": OCI_MANIFEST, "digest": said, "size": 1, "annotations": notes}
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [IMAGE.manifest.descriptor(), entry]}
    blob = Blob(OCI_INDEX, json.dumps(index).encode())
    top = await push_manifest(registry.http, registry.url, REPOSITORY, "1.0.0", blob)
    found = await look(registry, DIGEST, top)
    assert [item.digest for item in found.documents] == [digest_of(content)]


async def test_a_statement_about_another_image_is_a_problem(registry: ServedRegistry) -> None:
    about = statement(f"sha256:{'0' * 64}", BILL, SPDX)
    await attach(registry, Kind.STATEMENT.value, about, predicateType=SPDX)
    found = await look(registry)
    assert found.documents == ()
    assert "a statement about another image" in found.problems[0]


@pytest.mark.parametrize(
    ("media_type", "content", "notes", "problem"),
    [
        ("text/spdx", b"SPDXVersion: SPDX-2.3", {}, "SPDX as tags and values, which is not read: attach JSON"),
        ("application/vnd.cyclonedx+xml", b"<bom/>", {}, "CycloneDX in XML"),
        (Kind.ENVELOPE.value, b"no envelope", {"predicateType": SPDX}, "could not be read: it is not a DSSE envelope"),
        (Kind.STATEMENT.value, b"[" * 100_000, {"predicateType": SPDX}, "could not be read"),
        (Kind.ENVELOPE.value, b"no envelope", {}, ""),
        (Kind.STATEMENT.value, statement(DIGEST), {}, ""),
    ],
)
async def test_what_cannot_be_read_is_named_where_it_is_a_bill(
    registry: ServedRegistry, media_type: str, content: bytes, notes: dict[str, str], problem: str
) -> None:
    await attach(registry, media_type, content, **notes)
    found = await look(registry)
    assert found.documents == ()
    assert [problem in text for text in found.problems] == ([True] if problem else [])


async def test_no_more_and_no_larger_ones_are_read_than_the_bounds(
    registry: ServedRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    none: dict[str, str] = {}
    layers = [("application/spdx+json", b"%d" % number, none) for number in range(MAX_SBOMS + 2)]
    await push_artifact(registry.http, registry.url, REPOSITORY, f"{TAG}.sbom", layers)
    found = await look(registry)
    assert (len(found.documents), len(found.problems)) == (MAX_SBOMS, 2)
    monkeypatch.setattr(sboms, "MAX_SBOM_BYTES", 0)
    assert (await look(registry)).documents == ()


async def test_a_registry_that_cannot_be_asked_says_so(registry: ServedRegistry) -> None:
    registry.trouble = answering(503)
    with pytest.raises(UnavailableError):
        await look(registry)


class OneAttachment:
    """A registry that has one artifact attached to every image."""

    def __init__(self, media_type: str, content: bytes, notes: dict[str, str], artifact_type: str) -> None:
        layer = Descriptor(media_type, digest_of(content), len(content), annotations=notes)
        self._content = content
        self._artifact = Manifest(DIGEST, OCI_MANIFEST, "", b"", None, (layer,), (), notes, artifact_type)

    async def fetch_manifest(self, repository: str, reference: str) -> Manifest:
        """It, whatever is asked for."""
        return self._artifact

    async def fetch_referrers(self, repository: str, digest: str) -> tuple[Descriptor, ...]:
        """Only what has a tag."""
        return ()

    async def fetch_blob(self, repository: str, digest: str, *, size_limit: int) -> bytes:
        """Its content."""
        return self._content


values = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.sampled_from([DIGEST[7:], SPDX, "e30="]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=5),
    max_leaves=15,
)


@settings(max_examples=80)
@given(
    content=values.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40),
    media_type=st.sampled_from([*Kind, BUNDLE, "application/spdx+json", "text/spdx", ""]),
    said=st.sampled_from([{}, {"predicateType": SPDX}, {"dev.sigstore.bundle.predicateType": SPDX}]),
    artifact_type=st.sampled_from(["", "application/spdx+json"]),
)
async def test_whatever_is_attached_is_a_document_a_problem_or_nothing(
    content: bytes, media_type: str, said: dict[str, str], artifact_type: str
) -> None:
    found = await collect_sboms(OneAttachment(str(media_type), content, said, artifact_type), REPOSITORY, [DIGEST])
    assert len(found.documents) + len(found.problems) <= 1
