"""npm: Semantic Versioning, and names that are as they are written."""

from deadlight.ecosystems.ecosystem import Ecosystem, unchanged
from deadlight.ecosystems.node_packages import NODE
from deadlight.ecosystems.semver import semver_key

NPM = Ecosystem(
    name="npm",
    purl_type="npm",
    version_key=semver_key,
    normalise_name=unchanged,
    cataloguer=NODE,
)
