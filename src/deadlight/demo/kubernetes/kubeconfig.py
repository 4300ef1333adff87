"""The kubeconfig that leads to the stand-in, as any client of a real cluster would be given one."""

import json
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

from deadlight.demo.kubernetes.store import Cluster


def write_kubeconfig(path: Path, servers: Mapping[str, Cluster], *, ca: bytes = b"") -> None:
    """Write a kubeconfig with one context a cluster, named like it; the first is the current one.

    `servers` gives each cluster by its address, `ca` the PEM of the authority behind https addresses. JSON is YAML,
    so no YAML writer is needed.
    """
    authority = {"certificate-authority-data": b64encode(ca).decode()} if ca else {}
    clusters = list(servers.values())
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": clusters[0].name if clusters else "",
        "clusters": [{"name": c.name, "cluster": {"server": url} | authority} for url, c in servers.items()],
        "users": [{"name": c.name, "user": {"token": c.token}} for c in clusters],
        "contexts": [{"name": c.name, "context": {"cluster": c.name, "user": c.name}} for c in clusters],
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=2) + "\n")
