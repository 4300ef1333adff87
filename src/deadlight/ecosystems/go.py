"""Go: module versions, and paths that are as they are written."""

from deadlight.ecosystems.ecosystem import Ecosystem, unchanged
from deadlight.ecosystems.go_build_info import GO_PROGRAMS
from deadlight.ecosystems.go_versions import go_version_key

GO = Ecosystem(
    name="Go",
    purl_type="golang",
    version_key=go_version_key,
    normalise_name=unchanged,
    cataloguer=GO_PROGRAMS,
)
