"""Advisories as rows: imported, grouped into vulnerabilities, and what an import changes."""
