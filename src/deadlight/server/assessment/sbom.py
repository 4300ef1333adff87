"""The bill of materials of an image tag, from what is stored of it. Pure."""

from collections.abc import Sequence

from deadlight.sbom.bill import Bill, BilledImage, BilledPackage
from deadlight.server.assessment.image_schemas import PackageRow
from deadlight.server.assessment.schemas import ImageTagDetail


def bill_of(image: ImageTagDetail, packages: Sequence[PackageRow], layers: Sequence[str] = ()) -> Bill:
    """What is in an image; `packages` have a row for each place a package was found in."""
    rows: dict[int, list[PackageRow]] = {}
    for row in packages:
        rows.setdefault(row.id, []).append(row)
    billed = BilledImage(
        name=f"{image.registry}/{image.repository}",
        version=image.tag or image.digest,
        digest=image.digest,
        platform=image.platform,
        distribution=image.distribution,
        layers=tuple(layers),
    )
    return Bill(billed, tuple(map(_billed, rows.values())), image.scanned_at or image.first_seen_at)


def _billed(rows: Sequence[PackageRow]) -> BilledPackage:
    row = rows[0]
    places = (place for item in rows for place in (item.location, *item.stated_by))
    return BilledPackage(
        ecosystem=row.ecosystem,
        name=row.name,
        version=row.version,
        purl=row.purl,
        locations=tuple(dict.fromkeys(places)),
        layer_digest=row.layer_digest,
        source_name=row.source_name,
        source_version=row.source_version,
        owner_purl=row.owned_by,
        seen_in_use=row.grade or "",
    )
