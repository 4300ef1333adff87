"""The findings of an image that make a risk, in SQL: the same conditions as `findings.risk.summarise` counts by."""


def bad_findings(image_id: str, risk: str) -> str:
    """FROM and WHERE over the findings that make `risk` (malicious, critical_applicable_cves) of an image."""
    return f"""
    FROM image_package
    JOIN vulnerability_match ON vulnerability_match.package_id = image_package.package_id
                            AND vulnerability_match.closed_at IS NULL
    JOIN advisory_vulnerability USING (advisory_id)
    JOIN vulnerability ON vulnerability.id = advisory_vulnerability.vulnerability_id
    LEFT JOIN applicability ON applicability.image_id = image_package.image_id
                           AND applicability.package_id = image_package.package_id
                           AND applicability.vulnerability_id = vulnerability.id
    WHERE image_package.image_id = {image_id} AND image_package.owner_package_id IS NULL
      AND CASE {risk} WHEN 'malicious' THEN vulnerability.malicious
          ELSE vulnerability.severity = 'Critical' AND applicability.status = 'applicable' END
    """
