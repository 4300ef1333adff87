"""The findings of images in SQL: where they are, for every statement that counts, lists or dates them."""

MATCHES = """
    image_package
    JOIN vulnerability_match ON vulnerability_match.package_id = image_package.package_id
                            AND vulnerability_match.closed_at IS NULL
    JOIN advisory_vulnerability USING (advisory_id)
    JOIN vulnerability ON vulnerability.id = advisory_vulnerability.vulnerability_id
"""
"""FROM: each package of an image with each of its vulnerabilities, once for every advisory that says so."""

FINDINGS = f"""
    {MATCHES}
    LEFT JOIN applicability ON applicability.image_id = image_package.image_id
                           AND applicability.package_id = image_package.package_id
                           AND applicability.vulnerability_id = vulnerability.id
"""
"""FROM: the same with what contextual analysis says of it."""

IN_USE = """
    LEFT JOIN package_use ON package_use.image_id = image_package.image_id
                         AND package_use.package_id = image_package.package_id
"""
"""JOIN to either: whether the package was seen running."""

COUNTED = "image_package.owner_package_id IS NULL"
"""WHERE: a package that the distribution ships is matched through the distribution's own package."""
