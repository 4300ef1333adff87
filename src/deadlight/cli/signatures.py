"""An image's signatures and provenance as facts to print. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from deadlight.cli.output import plain

_STATES = {
    "verified": "[green]signed by a trusted signer[/]",
    "untrusted": "[yellow]not verified[/]: by nobody who is trusted here, or in a way that cannot be checked",
    "invalid": "[red]invalid[/]: what is attached as a signature does not hold for this image",
    "unsigned": "unsigned: sign it with cosign, and name whom you trust in the console under Signers",
}
_SIGNATURES = {"verified": "verified", "untrusted": "not verified", "invalid": "invalid"}
_METHODS = {"key": "a key", "keyless": "an identity", "notary": "Notary Project"}


def signature_facts(known: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is known of who signed and built an image, claiming no more than was proven."""
    state = _STATES.get(known["state"], "not known")
    problem = plain(known["problem"])
    return [
        ("Signature", state if known["state"] or not problem else f"{state}: {problem}"),
        ("Signatures", "\n".join(_signature(item) for item in known["signatures"])),
        ("Checked", plain(known["checked_at"])),
        ("Not looked at again", problem if known["state"] else ""),
        *(fact for item in known["provenance"] for fact in _provenance(item)),
        ("Attached", "\n".join(_document(item) for item in known["documents"])),
        ("Not read", plain("\n".join(known["problems"]))),
    ]


def _signature(item: Mapping[str, Any]) -> str:
    who = item["signer"] or ("an unknown key" if item["method"] == "key" else "")
    parts = [
        _SIGNATURES.get(item["state"], item["state"]),
        f"by {who}" if who else "",
        f"vouched for by {item['issuer']}" if item["issuer"] else "",
        f"with {_METHODS.get(item['method'], item['method'])}",
        "in a transparency log" if item["is_logged"] else "",
        item["detail"],
    ]
    return plain(", ".join(part for part in parts if part))


def _provenance(item: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    build = item["build"]
    source = "@".join(part for part in (build["source_url"], build["revision"]) if part)
    return (
        ("Provenance", plain(_voucher(item["signature"]))),
        ("  built by", plain(build["builder"])),
        ("  from", plain(source)),
        ("  workflow", plain(build["workflow"])),
        ("  started by", plain(build["actor"])),
        ("  run", plain(build["run_url"])),
    )


def _voucher(signature: Mapping[str, Any] | None) -> str:
    if signature is None:
        return "not signed: whoever can push may have written it"
    if signature["state"] == "verified":
        return f"signed by a trusted signer: {signature['signer']}"
    return ": ".join(part for part in ("signature not verified", signature["signer"], signature["detail"]) if part)


def _document(item: Mapping[str, Any]) -> str:
    return plain(f"{item['name'] or item['type']}, {item['digest']}, {_voucher(item['signature'])}")
