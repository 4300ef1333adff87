"""The service's address, checked before anything secret is sent there."""

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from deadlight.client.errors import InsecureServerError


def parse_server(url: str) -> str:
    """The service's base URL without a trailing slash.

    Raises:
        InsecureServerError: neither https nor http to this machine itself, or not a URL with a host.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise InsecureServerError(f"not a server address: {url!r} ({error})") from error
    if not parts.hostname or parts.query or parts.fragment or parts.username is not None:
        raise InsecureServerError(f"not a server address: {url!r} (expected https://host[:port][/path])")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts)):
        raise InsecureServerError(
            f"{url!r} would send tokens in clear text: use https:// (http:// is only for this machine itself)"
        )
    return url.rstrip("/")


def _is_loopback(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
