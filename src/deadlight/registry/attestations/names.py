"""What people call things that are attached to images, by the types they carry. Pure.

Sources: the predicate types of in-toto and cosign; the media types of SPDX, CycloneDX and Syft; the signature
specification of the Notary Project.
"""

NOTARY_SIGNATURE = "application/vnd.cncf.notary.signature"

_NAMES = (
    ("spdx", "SBOM (SPDX)"),
    ("cyclonedx", "SBOM (CycloneDX)"),
    ("syft", "SBOM (Syft)"),
    ("openvex", "VEX statement"),
    ("attestation/vuln", "Vulnerability scan"),
    ("test-result", "Test result"),
    ("slsa.dev/verification_summary", "Verification summary"),
)
"""Part of a type, and what is of it is called."""


def name_type(kind: str) -> str:
    """What something of a type is called; empty where only the type itself tells."""
    return next((name for part, name in _NAMES if part in kind.lower()), "")
