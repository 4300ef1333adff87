"""Signatures as cosign makes them with a key: an image of its own, found by the signed digest's tag."""

import base64
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from deadlight.demo.images import OCI_CONFIG, Blob, BuiltImage
from deadlight.model.image import Platform
from deadlight.registry.attestations.attached import Kind
from deadlight.registry.documents import OCI_MANIFEST


class SigningKey:
    """A key of this run; whoever is to trust it is given its public half anew."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_pem(self) -> str:
        """The public half, as `cosign public-key` prints it."""
        key = self._private.public_key()
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, name: str, digest: str) -> BuiltImage:
        """The signature of what is at `name` under this digest, to be pushed under `signature_tag`.

        The payload is the "simple signing" of containers/image, its annotation that of cosign's SIGNATURE_SPEC.
        """
        critical = {
            "identity": {"docker-reference": name},
            "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        }
        payload = Blob(Kind.SIMPLE_SIGNATURE.value, _json({"critical": critical, "optional": None}))
        signature = base64.b64encode(self._private.sign(payload.content, ec.ECDSA(hashes.SHA256()))).decode()
        layer = payload.descriptor() | {"annotations": {"dev.cosignproject.cosign/signature": signature}}
        config = Blob(OCI_CONFIG, b"{}")
        manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config.descriptor(), "layers": [layer]}
        return BuiltImage(Platform(), Blob(OCI_MANIFEST, _json(manifest)), config, (payload,))


def signature_tag(digest: str) -> str:
    """Where cosign looks for the signatures of a digest."""
    return f"{digest.replace(':', '-')}.sig"


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
