"""crates.io: Semantic Versioning, and names that are as they are written."""

from deadlight.ecosystems.cargo_auditable import RUST_PROGRAMS
from deadlight.ecosystems.ecosystem import Ecosystem, unchanged
from deadlight.ecosystems.semver import semver_key

CRATES = Ecosystem(
    name="crates.io",
    purl_type="cargo",
    version_key=semver_key,
    normalise_name=unchanged,
    cataloguer=RUST_PROGRAMS,
)
