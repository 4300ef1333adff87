"""Bodies of the endpoints about signatures."""

from datetime import datetime

from pydantic import BaseModel, Field

from deadlight.registry.attestations.evidence import SignatureState
from deadlight.server.db.zero_bytes import PlainText


class SignerIn(BaseModel):
    """Somebody whose signature counts: a public key, or an identity with its issuer."""

    name: PlainText = Field(min_length=1, max_length=128)
    repositories: list[PlainText] = Field(
        default=["*"], min_length=1, max_length=100, description="Patterns of registry/repository (`*` and `?`)."
    )
    key_pem: PlainText = Field(default="", max_length=8192, description="A public key in PEM.")
    identity: PlainText = Field(
        default="", max_length=2048, description="An e-mail address or the address of a workflow (`*` and `?`)."
    )
    issuer: PlainText = Field(
        default="", max_length=2048, description="Who vouches for it: https://token.actions.githubusercontent.com"
    )


class SignerOut(SignerIn):
    """One that is stored."""

    id: int
    created_at: datetime


class SignatureOut(BaseModel):
    """A signature and why it counts, or does not."""

    state: SignatureState
    method: str
    signer: str
    issuer: str
    signed_at: datetime | None
    detail: str
    is_logged: bool = Field(default=False, description="The proof that a transparency log has it was verified.")


class BuildProvenanceOut(BaseModel):
    """How the image was made."""

    predicate_type: str
    builder: str
    build_type: str
    source_url: str
    revision: str
    actor: str
    workflow: str
    run_url: str
    started_at: datetime | None
    finished_at: datetime | None


class ProvenanceOut(BaseModel):
    """A build and who vouches for that description."""

    build: BuildProvenanceOut
    signature: SignatureOut | None


class DocumentOut(BaseModel):
    """Something else that is attached, an SBOM, say, and who vouches for it. What it says is not read."""

    name: str = Field(description="What people call it; empty where only the type tells.")
    type: str
    digest: str
    size: int
    signature: SignatureOut | None


class AttestationOut(BaseModel):
    """What is known of an image's signatures; without `state` nothing was looked for yet, `problem` may say why."""

    state: SignatureState | None = None
    signatures: list[SignatureOut] = []
    provenance: list[ProvenanceOut] = []
    documents: list[DocumentOut] = []
    problems: list[str] = []
    checked_at: datetime | None = None
    problem: str = ""
