"""The findings of an image that make a risk, in SQL: the same conditions as `findings.risk.summarise` counts by."""

from deadlight.server.findings.sql import COUNTED, FINDINGS


def bad_findings(image_id: str, risk: str) -> str:
    """FROM and WHERE over the findings that make `risk` (malicious, critical_applicable_cves) of an image."""
    return f"""
    FROM {FINDINGS}
    WHERE image_package.image_id = {image_id} AND {COUNTED}
      AND CASE {risk} WHEN 'malicious' THEN vulnerability.malicious
          ELSE vulnerability.severity = 'Critical' AND applicability.status = 'applicable' END
    """
