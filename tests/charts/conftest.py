"""What a cluster would say of the charts' objects."""

from collections.abc import Callable
from typing import Any

import pytest

Validate = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="session")
def validate() -> Validate:
    """Raises for what Kubernetes would refuse."""
    import kubernetes_validate  # noqa: PLC0415 - it makes parsers for seconds, in every worker that imports it

    def check(item: dict[str, Any]) -> None:
        kubernetes_validate.validate(item, "1.33", strict=True)

    return check
