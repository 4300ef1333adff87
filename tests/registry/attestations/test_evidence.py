"""What is attached proves something only about the image it is for, and only by somebody who is trusted."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.support.attestations import GITHUB_ISSUER, WORKFLOW, simple_signature, statement
from tests.support.sigstore_instance import SigstoreInstance, envelope, new_key, public_pem

from deadlight.registry.attestations.attached import Attached, Found, Kind, Unread
from deadlight.registry.attestations.evidence import AttestationEvidence, SignatureState, assess
from deadlight.registry.attestations.keyless import InvalidBundleError, SigstoreVerifier, VerifyBundle
from deadlight.registry.attestations.trust import (
    InvalidKeyError,
    TrustedIdentity,
    TrustedKey,
    TrustedSigners,
    load_public_key,
)

DIGEST = f"sha256:{'ab' * 32}"
OTHER = f"sha256:{'cd' * 32}"
KEY = new_key()
TRUSTED = TrustedSigners(
    [TrustedKey("release", public_pem(KEY))],
    [TrustedIdentity("https://github.com/acme/*", GITHUB_ISSUER)],
)


@pytest.fixture(scope="module")
def sigstore() -> SigstoreInstance:
    return SigstoreInstance()


@pytest.fixture(scope="module")
def verifier(sigstore: SigstoreInstance, tmp_path_factory: pytest.TempPathFactory) -> VerifyBundle:
    return SigstoreVerifier(sigstore.write_trusted_root(tmp_path_factory.mktemp("sigstore") / "root.json"))


def conclude(verifier: VerifyBundle, *attached: Attached, trusted: TrustedSigners = TRUSTED) -> AttestationEvidence:
    return assess(Found(attached), {DIGEST}, trusted, verifier)


def signed_with(key: object = KEY, digest: str = DIGEST) -> Attached:
    payload, annotations = simple_signature(key, digest)  # type: ignore[arg-type]  # a key
    return Attached(Kind.SIMPLE_SIGNATURE, payload, annotations)


def enveloped(digest: str = DIGEST, key: object = KEY) -> Attached:
    written = envelope(key, statement(digest, {"buildDefinition": {}}))  # type: ignore[arg-type]  # a key
    return Attached(Kind.ENVELOPE, json.dumps(written).encode())


def test_nothing_attached_is_unsigned(verifier: VerifyBundle) -> None:
    assert conclude(verifier).state is SignatureState.UNSIGNED


def test_a_signature_with_a_key_of_ours_is_verified(verifier: VerifyBundle) -> None:
    found = conclude(verifier, signed_with())
    assert (found.state, found.signatures[0].signer) == (SignatureState.VERIFIED, "release")


def test_a_signature_with_a_key_nobody_added_is_untrusted(verifier: VerifyBundle) -> None:
    assert conclude(verifier, signed_with(new_key())).state is SignatureState.UNTRUSTED


def test_a_signature_for_another_image_is_invalid(verifier: VerifyBundle) -> None:
    found = conclude(verifier, signed_with(digest=OTHER))
    assert found.state is SignatureState.INVALID
    assert OTHER in found.signatures[0].detail


def test_a_changed_payload_is_not_signed_by_us(verifier: VerifyBundle) -> None:
    signed = signed_with()
    forged = Attached(signed.kind, signed.content.replace(b"registry.test", b"registry.evil"), signed.annotations)
    assert conclude(verifier, forged).state is SignatureState.UNTRUSTED


def test_a_keyless_signature_of_a_trusted_identity_is_verified(
    sigstore: SigstoreInstance, verifier: VerifyBundle
) -> None:
    bundle = sigstore.sign(statement(DIGEST, {"buildDefinition": {}}), WORKFLOW, GITHUB_ISSUER)
    found = conclude(verifier, Attached(Kind.BUNDLE, bundle))
    assert found.state is SignatureState.VERIFIED
    assert (found.signatures[0].signer, found.signatures[0].issuer) == (WORKFLOW, GITHUB_ISSUER)
    assert found.provenance[0].is_verified
    assert found.signatures[0].is_logged


@pytest.mark.parametrize(
    ("identity", "issuer"),
    [("https://github.com/evil/shop/x.yml", GITHUB_ISSUER), (WORKFLOW, "https://accounts.example.com")],
    ids=["other repository", "other issuer"],
)
def test_a_keyless_signature_of_somebody_else_is_untrusted(
    sigstore: SigstoreInstance, verifier: VerifyBundle, identity: str, issuer: str
) -> None:
    bundle = sigstore.sign(statement(DIGEST), identity, issuer)
    found = conclude(verifier, Attached(Kind.BUNDLE, bundle))
    assert (found.state, found.signatures[0].signer) == (SignatureState.UNTRUSTED, identity)


def test_a_bundle_of_another_sigstore_is_invalid(verifier: VerifyBundle) -> None:
    bundle = SigstoreInstance().sign(statement(DIGEST), WORKFLOW, GITHUB_ISSUER)
    found = conclude(verifier, Attached(Kind.BUNDLE, bundle))
    assert found.state is SignatureState.INVALID
    assert "does not hold" in found.signatures[0].detail


def test_a_bundle_with_another_payload_is_invalid(sigstore: SigstoreInstance, verifier: VerifyBundle) -> None:
    bundle = json.loads(sigstore.sign(statement(DIGEST), WORKFLOW, GITHUB_ISSUER))
    other = json.loads(sigstore.sign(statement(DIGEST, {"x": 1}), WORKFLOW, GITHUB_ISSUER))
    bundle["dsseEnvelope"]["payload"] = other["dsseEnvelope"]["payload"]
    assert conclude(verifier, Attached(Kind.BUNDLE, json.dumps(bundle).encode())).state is SignatureState.INVALID


def test_a_bundle_about_another_image_is_invalid(sigstore: SigstoreInstance, verifier: VerifyBundle) -> None:
    bundle = sigstore.sign(statement(OTHER), WORKFLOW, GITHUB_ISSUER)
    found = conclude(verifier, Attached(Kind.BUNDLE, bundle))
    assert (found.state, found.provenance) == (SignatureState.INVALID, ())


def test_a_bundle_signed_with_a_key_needs_that_key(verifier: VerifyBundle) -> None:
    document = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": "x"}, "tlogEntries": []},
        "dsseEnvelope": envelope(KEY, statement(DIGEST)),
    }
    bundle = Attached(Kind.BUNDLE, json.dumps(document).encode())
    assert conclude(verifier, bundle).state is SignatureState.VERIFIED
    assert conclude(verifier, bundle, trusted=TrustedSigners()).state is SignatureState.UNTRUSTED


def test_provenance_that_somebody_vouches_for_comes_first(verifier: VerifyBundle) -> None:
    unsigned = Attached(Kind.STATEMENT, statement(DIGEST, {"buildDefinition": {"buildType": "unsigned"}}))
    found = conclude(verifier, unsigned, enveloped())
    assert [item.is_verified for item in found.provenance] == [True, False]


def test_what_is_broken_never_outweighs_what_holds(verifier: VerifyBundle) -> None:
    junk: Sequence[Attached] = [Attached(kind, b"\xff{", {}) for kind in Kind]
    found = conclude(verifier, *junk, signed_with(digest=OTHER), signed_with())
    assert found.state is SignatureState.VERIFIED
    assert len(found.problems) == len(Kind)


def test_provenance_of_another_image_says_nothing(verifier: VerifyBundle) -> None:
    assert conclude(verifier, enveloped(OTHER)).provenance == ()
    assert conclude(verifier, Attached(Kind.STATEMENT, statement(OTHER))).provenance == ()


def test_a_signed_sbom_is_named_with_who_vouches_for_it(sigstore: SigstoreInstance, verifier: VerifyBundle) -> None:
    sbom = statement(DIGEST, predicate_type="https://cyclonedx.org/bom")
    found = conclude(verifier, Attached(Kind.BUNDLE, sigstore.sign(sbom, WORKFLOW, GITHUB_ISSUER)))
    assert [(item.name, item.signature) for item in found.documents] == [("SBOM (CycloneDX)", found.signatures[0])]


def test_cosign_s_own_statement_is_a_signature_and_nothing_else(
    sigstore: SigstoreInstance, verifier: VerifyBundle
) -> None:
    signed = statement(DIGEST, predicate_type="https://sigstore.dev/cosign/sign/v1")
    found = conclude(verifier, Attached(Kind.BUNDLE, sigstore.sign(signed, WORKFLOW, GITHUB_ISSUER)))
    assert (found.state, found.documents) == (SignatureState.VERIFIED, ())


def test_what_is_not_read_is_named_and_a_signature_of_another_kind_is_no_verified_one(verifier: VerifyBundle) -> None:
    unread = (
        Unread("application/vnd.acme", DIGEST, 3),
        Unread("application/spdx+json", DIGEST, 2),
        Unread("application/vnd.cncf.notary.signature", DIGEST, 1),
    )
    found = assess(Found(unread=unread), {DIGEST}, TRUSTED, verifier)
    assert [item.name for item in found.documents] == ["SBOM (SPDX)", ""]
    assert (found.state, found.signatures[0].method) == (SignatureState.UNTRUSTED, "notary")


def test_a_bundle_that_cannot_be_checked_is_not_called_invalid(verifier: VerifyBundle) -> None:
    bundle = json.dumps({"mediaType": "application/vnd.dev.sigstore.bundle.v9+json", "verificationMaterial": {}})
    found = conclude(verifier, Attached(Kind.BUNDLE, bundle.encode()))
    assert found.state is SignatureState.UNTRUSTED
    assert "cannot be checked here" in found.signatures[0].detail


def test_evidence_can_be_stored(verifier: VerifyBundle) -> None:
    json.dumps(conclude(verifier, enveloped(), signed_with(digest=OTHER)).to_dict())


@pytest.mark.parametrize("pem", ["", "nonsense", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_public_key_is_refused_in_words(pem: str) -> None:
    with pytest.raises(InvalidKeyError, match="cosign public-key"):
        load_public_key(pem)


def test_roots_that_cannot_be_read_are_said_so(tmp_path: Path) -> None:
    file = tmp_path / "root.json"
    file.write_text("{}")
    with pytest.raises(InvalidBundleError, match="roots cannot be loaded"):
        SigstoreVerifier(file)(b"{}")
