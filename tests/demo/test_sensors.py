"""Stand-ins for sensors say what real ones would."""

from datetime import timedelta
from typing import Any

from tests.support.inventory import STARTED

from deadlight.demo.sensors import iter_containers, watch


def pod(*containers: str) -> dict[str, Any]:
    """A pod as the API server shows it; a container that is not there yet has no id."""
    states = [{"containerID": f"containerd://{name}" if name else "", "image": "shop/web:1"} for name in containers]
    return {"status": {"containerStatuses": states}}


def test_containers_are_watched_since_they_came_and_forgotten_once_they_are_gone() -> None:
    later = STARTED + timedelta(minutes=5)
    first = watch({}, [pod("a", "b", ""), {}], STARTED)
    assert first == {"a": STARTED, "b": STARTED}
    assert watch(first, [pod("b", "c")], later) == {"b": STARTED, "c": later}
    assert list(iter_containers([pod("a")])) == [("a", "shop/web:1")]
