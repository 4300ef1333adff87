"""Advisories: read OSV records, decide which package versions they affect, and group them into vulnerabilities.

Bytes come in through `archive` and `osv`; everything after that maps values to values. Nothing here knows the database,
the web or the network.
"""
