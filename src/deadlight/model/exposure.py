"""Exposures: secrets and insecure settings that are found in an image."""

from dataclasses import dataclass
from enum import StrEnum

from deadlight.model.vulnerability import Severity


class ExposureCategory(StrEnum):
    """What kind of exposure it is; each is also the name of the scanner that finds it."""

    SECRETS = "secrets"
    APPLICATIONS = "applications"
    SERVICES = "services"
    IAC = "iac"


@dataclass(frozen=True, slots=True)
class Exposure:
    """One exposure at its place in an image. Nothing in it ever holds a secret.

    `rule_id` is stable and names what was looked for (`EXP-SECRET-github-token`). `path` is absolute, as a process in
    the container names the file, or empty for what lies in the image's configuration; `location` then says where
    (`ENV DB_PASSWORD`, `history 3`), otherwise where in the file (`line 12`). `evidence` shows what was found with
    every secret masked. `fingerprint` tells two exposures at the same place apart, such as a salted hash of a secret.
    `is_deleted` where a later layer removed or replaced the file, which does not take it out of the image.
    """

    category: ExposureCategory
    rule_id: str
    severity: Severity
    title: str
    description: str
    recommendation: str
    path: str
    location: str
    evidence: str
    cwe: str = ""
    """`CWE-798`."""
    fingerprint: str = ""
    layer_digest: str = ""
    is_deleted: bool = False
