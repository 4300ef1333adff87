"""Answers recorded from a real API server (Kubernetes 1.36.3), kept beside the project."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "kubernetes-wire"


def recorded(name: str) -> bytes:
    """The bytes of one recording; skips the test where the folder is absent."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"no recorded answers of a real API server: {path} is absent")
    return path.read_bytes()
