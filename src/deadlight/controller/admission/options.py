"""Where admission reviews and audit events are taken."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionOptions:
    """How the API server reaches this controller.

    With `client_ca_file` it must show a certificate of that authority.
    """

    port: int
    cert_file: Path
    key_file: Path
    token_file: Path
    client_ca_file: Path | None = None
    host: str = "0.0.0.0"  # noqa: S104 - the API server comes from outside of the pod
