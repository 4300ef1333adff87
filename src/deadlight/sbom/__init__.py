"""Bills of materials: CycloneDX is written; CycloneDX and SPDX that others made are read.

    read_sbom(content, ...)      ->  the packages a document states
    merge_stated(found, ...)     ->  what is in an image by its files and by those documents, each saying which
    write_cyclonedx(bill, ...)   ->  the document of an image

Everything is pure. A document of others can add to what was found in an image and never take anything away.
"""

from deadlight.sbom.bill import Bill, BilledImage, BilledPackage, BilledVulnerability
from deadlight.sbom.cyclonedx_writer import MEDIA_TYPE, write_cyclonedx
from deadlight.sbom.errors import InvalidSbomError, SbomError
from deadlight.sbom.merging import LOCATION_PREFIX, Merged, SbomDocument, merge_stated
from deadlight.sbom.purls import package_from_purl
from deadlight.sbom.reading import StatedPackages, read_sbom

__all__ = [
    "LOCATION_PREFIX",
    "MEDIA_TYPE",
    "Bill",
    "BilledImage",
    "BilledPackage",
    "BilledVulnerability",
    "InvalidSbomError",
    "Merged",
    "SbomDocument",
    "SbomError",
    "StatedPackages",
    "merge_stated",
    "package_from_purl",
    "read_sbom",
    "write_cyclonedx",
]
