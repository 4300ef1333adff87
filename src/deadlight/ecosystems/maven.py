"""Maven: the order of its own versions, and names of group and artifact."""

from deadlight.ecosystems.ecosystem import Ecosystem, unchanged
from deadlight.ecosystems.java_archives import JAVA
from deadlight.ecosystems.maven_versions import maven_version_key

MAVEN = Ecosystem(
    name="Maven",
    purl_type="maven",
    version_key=maven_version_key,
    normalise_name=unchanged,
    cataloguer=JAVA,
)
