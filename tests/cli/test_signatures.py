"""What `deadlight image` says of signatures claims no more than was proven."""

from typing import Any

import pytest

from deadlight.cli.signatures import signature_facts

KNOWN: dict[str, Any] = {
    "state": None,
    "signatures": [],
    "provenance": [],
    "documents": [],
    "problems": [],
    "checked_at": None,
    "problem": "",
}
SIGNATURE: dict[str, Any] = {
    "state": "verified",
    "method": "keyless",
    "signer": "https://github.com/acme/shop",
    "issuer": "https://issuer.example",
    "signed_at": None,
    "detail": "",
    "is_logged": True,
}
BUILD: dict[str, Any] = {
    "builder": "https://github.com/actions/runner",
    "source_url": "https://github.com/acme/shop",
    "revision": "0123abc",
    "workflow": "",
    "actor": "jane",
    "run_url": "",
}


def said(**known: Any) -> dict[str, str]:
    return {name: text for name, text in signature_facts(KNOWN | known) if text}


def test_a_trusted_signature_names_signer_issuer_and_log() -> None:
    facts = said(state="verified", signatures=[SIGNATURE])
    assert "signed by a trusted signer" in facts["Signature"]
    assert facts["Signatures"] == (
        "verified, by https://github.com/acme/shop, vouched for by https://issuer.example, with an identity, "
        "in a transparency log"
    )


@pytest.mark.parametrize("state", ["untrusted", "invalid", "unsigned", None])
def test_nothing_else_is_called_signed(state: str | None) -> None:
    assert "trusted signer" not in said(state=state)["Signature"]


def test_a_key_nobody_added_is_unknown_and_says_why() -> None:
    signature = SIGNATURE | {"state": "untrusted", "method": "key", "signer": "", "issuer": "", "is_logged": False}
    facts = said(state="untrusted", signatures=[signature | {"detail": "made with a key that nobody added here"}])
    assert facts["Signatures"] == (
        "not verified, by an unknown key, with a key, made with a key that nobody added here"
    )


def test_what_could_not_be_checked_says_why_and_keeps_what_was_known() -> None:
    assert said(problem="it does not answer") == {"Signature": "not known: it does not answer"}
    facts = said(state="unsigned", problem="it does not answer")
    assert facts["Signature"].startswith("unsigned")
    assert facts["Not looked at again"] == "it does not answer"


def test_provenance_says_who_vouches_for_it() -> None:
    unsigned = said(state="unsigned", provenance=[{"build": BUILD, "signature": None}])
    assert unsigned["Provenance"] == "not signed: whoever can push may have written it"
    assert unsigned["  from"] == "https://github.com/acme/shop@0123abc"
    untrusted = SIGNATURE | {"state": "untrusted", "detail": "nobody here trusts this identity"}
    facts = said(state="untrusted", provenance=[{"build": BUILD, "signature": untrusted}])
    assert facts["Provenance"].startswith("signature not verified: https://github.com/acme/shop: nobody here")


def test_an_sbom_is_named_and_what_has_no_name_by_its_type() -> None:
    sbom = {"name": "SBOM (SPDX)", "type": "https://spdx.dev/Document", "digest": "sha256:1", "signature": SIGNATURE}
    other = sbom | {"name": "", "type": "application/[x]", "signature": None}
    first, second = said(state="verified", documents=[sbom, other])["Attached"].splitlines()
    assert first.startswith("SBOM (SPDX), sha256:1, signed by a trusted signer")
    assert second.startswith("application/\\[x], sha256:1, not signed")
