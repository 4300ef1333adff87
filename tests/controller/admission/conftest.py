"""A certificate, a token and where to listen."""

from pathlib import Path

import pytest
import trustme

from deadlight.controller.admission.options import AdmissionOptions

TOKEN = "a1B2c3D4e5F6g7H8"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def options(authority: trustme.CA, tmp_path: Path) -> AdmissionOptions:
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "tls.key")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "tls.crt")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    return AdmissionOptions(
        host="127.0.0.1",
        port=0,
        cert_file=tmp_path / "tls.crt",
        key_file=tmp_path / "tls.key",
        token_file=tmp_path / "token",
    )
