"""Deadlight: runtime security for containers."""

__version__ = "0.1.0"
