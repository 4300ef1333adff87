"""Signatures and provenance of running images, and whose signatures count. Evidence: no verdict depends on it."""
