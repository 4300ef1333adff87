"""In-toto statements, cosign's older signatures and where clients put them in a registry."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from deadlight.demo.images import OCI_CONFIG, Blob
from deadlight.registry.documents import OCI_MANIFEST, digest_of

SLSA_1 = "https://slsa.dev/provenance/v1"
GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
WORKFLOW = "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main"


def statement(digest: str, predicate: Mapping[str, Any] | None = None, predicate_type: str = SLSA_1) -> bytes:
    """A statement about the content of a digest."""
    algorithm, _, value = digest.partition(":")
    return json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "shop/web", "digest": {algorithm: value}}],
            "predicateType": predicate_type,
            "predicate": dict(predicate or {}),
        }
    ).encode()


def simple_signature(key: ec.EllipticCurvePrivateKey, digest: str) -> tuple[bytes, dict[str, str]]:
    """cosign's older payload for a manifest, and the annotations of the layer it is stored as."""
    critical = {
        "identity": {"docker-reference": "registry.test/shop/web"},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature",
    }
    payload = json.dumps({"critical": critical, "optional": None}).encode()
    signature = base64.b64encode(key.sign(payload, ec.ECDSA(hashes.SHA256()))).decode()
    return payload, {"dev.cosignproject.cosign/signature": signature}


async def push_artifact(
    http: aiohttp.ClientSession,
    registry: str,
    repository: str,
    reference: str,
    layers: Sequence[tuple[str, bytes, Mapping[str, str]]],
    subject: str = "",
) -> str:
    """Push a manifest around (media type, content, annotations), under a tag where `reference` is one; its digest."""
    config = Blob(OCI_CONFIG, b"{}")
    blobs = [Blob(kind, content) for kind, content, _ in layers]
    for blob in (config, *blobs):
        await _push_blob(http, registry, repository, blob)
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": config.descriptor(),
        "layers": [
            {**blob.descriptor(), "annotations": dict(notes)} for blob, (_, _, notes) in zip(blobs, layers, strict=True)
        ],
    }
    if subject:
        document["subject"] = {"mediaType": OCI_MANIFEST, "digest": subject, "size": 2}
    return await push_manifest(http, registry, repository, reference, Blob(OCI_MANIFEST, json.dumps(document).encode()))


async def push_manifest(
    http: aiohttp.ClientSession, registry: str, repository: str, reference: str, manifest: Blob
) -> str:
    """Push a manifest or index under a tag, or by its digest where there is none; returns the digest."""
    url = f"{registry}/v2/{repository}/manifests/{reference or digest_of(manifest.content)}"
    async with http.put(url, data=manifest.content, headers={"Content-Type": manifest.media_type}) as response:
        assert response.status == 201, await response.text()
    return manifest.digest


async def _push_blob(http: aiohttp.ClientSession, registry: str, repository: str, blob: Blob) -> None:
    async with http.post(f"{registry}/v2/{repository}/blobs/uploads/") as response:
        assert response.status == 202, await response.text()
        location = response.headers["Location"]
    target = location if location.startswith("http") else registry + location
    async with http.put(
        target + ("&" if "?" in target else "?") + f"digest={blob.digest}", data=blob.content
    ) as response:
        assert response.status == 201, await response.text()
