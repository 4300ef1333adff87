"""Exposure windows: from when a risk on a workload became true to when it was closed."""
