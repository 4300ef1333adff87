"""Where to look at an artifact in its registry. Pure."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from deadlight.registry import Endpoint, InvalidEndpointError

EVIDENCE_KEY = "registry_link"
"""Under which a violation's evidence has the page that the registry's own API named."""


def artifact_link(host: str, url: str, repository: str, digest: str, evidence: Mapping[str, Any] | None = None) -> str:
    """The registry's own page of an artifact where that is known, else its manifest; empty without a digest.

    `host` is the registry's as image references name it, `url` its base URL where it has another. A manifest is at
    `/v2/<name>/manifests/<reference>` (OCI distribution specification 1.1, pulling manifests).
    """
    if not digest:
        return ""
    known = (evidence or {}).get(EVIDENCE_KEY)
    if isinstance(known, str) and known.startswith(("https://", "http://")):
        return known
    try:
        base_url = Endpoint(host, url).base_url
    except InvalidEndpointError:
        return ""
    return f"{str(base_url).rstrip('/')}/v2/{quote(repository)}/manifests/{quote(digest, safe=':')}"
