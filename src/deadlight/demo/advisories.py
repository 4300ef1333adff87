"""The demonstration's advisories: OSV records of its own, about real flaws of the packages in its images."""

from collections.abc import Mapping
from typing import Any

import msgspec

from deadlight.demo.packages import data

SOURCE = "demonstration"
"""What the service knows them by, so that it can remove them again."""

KEPT_BACK = "DEMO-CVE-2023-50447"
"""The record that the script publishes later."""

KEPT_BACK_CVE = "CVE-2023-50447"


def load_advisories() -> Mapping[str, str]:
    """Every bundled record as text, by its identifier."""
    found = (data() / "advisories").iterdir()
    return {file.name.removesuffix(".json"): file.read_text("utf-8") for file in found if file.name.endswith(".json")}


def withdrawn(document: str) -> str:
    """The record as its publisher would take it back."""
    record: dict[str, Any] = msgspec.json.decode(document)
    return msgspec.json.encode(record | {"withdrawn": record["modified"]}).decode()
