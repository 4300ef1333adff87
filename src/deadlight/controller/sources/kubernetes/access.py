"""Where an API server is and how to trust it."""

import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path

from deadlight.controller.errors import ConfigurationError
from deadlight.controller.sources.kubernetes.authentication import Authenticator, Credential, Pem


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The way to one cluster's API server."""

    server: str
    authenticator: Authenticator
    ca: Pem | None = None
    """Whom to trust; None means the system's authorities."""
    insecure: bool = False
    """Verify nothing, because the kubeconfig says so."""
    tls_server_name: str = ""
    proxy: str = ""
    name: str = ""
    """What people call the cluster; empty where nothing says."""


class Trust:
    """The TLS side of an `Access`: a context that is built again when a file behind it changes."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._stamp: object = None
        self._context: ssl.SSLContext | None = None

    def context(self, credential: Credential) -> ssl.SSLContext:
        """The context for a request by `credential`.

        Raises:
            ConfigurationError: a certificate or key cannot be read.
        """
        parts = (self._access.ca, credential.certificate, credential.key)
        try:
            stamp = tuple((part, _modified(part)) for part in parts)
            if self._context is None or stamp != self._stamp:
                self._context, self._stamp = _context(self._access, credential), stamp
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            names = ", ".join(str(part) for part in parts if isinstance(part, Path)) or "in the kubeconfig"
            raise ConfigurationError(f"cannot use the certificates {names}: {error}") from error
        return self._context


def _modified(part: Pem | None) -> int:
    return part.stat().st_mtime_ns if isinstance(part, Path) else 0


def _context(access: Access, credential: Credential) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=_text(access.ca) if access.ca else None)
    # Python 3.13 began to demand RFC 5280 formalities that the authorities of many clusters lack. Chain, name and
    # validity are verified all the same.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if access.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if credential.certificate and credential.key:
        _load_client_certificate(context, _text(credential.certificate), _text(credential.key))
    return context


def _load_client_certificate(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """`ssl` reads client certificates from files only: lend it one that nobody else can read."""
    with tempfile.NamedTemporaryFile("w") as file:  # mode 0600
        file.write(f"{certificate}\n{key}\n")
        file.flush()
        context.load_cert_chain(file.name)


def _text(part: Pem) -> str:
    return part.read_text() if isinstance(part, Path) else part
