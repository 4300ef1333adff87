"""Stand-ins for sensors say what real ones would."""

from datetime import timedelta
from typing import Any

from tests.support.inventory import STARTED

from deadlight.demo import catalogue
from deadlight.demo.sensors import Activity, iter_containers, iter_observations, watch
from deadlight.model.observation import Grade


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


def test_programs_are_told_of_with_their_hash_and_other_files_without():
    image = catalogue.STOREFRONT
    running = {"status": {"containerStatuses": [{"containerID": "containerd://a", "image": image.reference}]}}
    told = list(iter_observations([running], Activity({image.reference: image}), "amd64", STARTED))
    assert {item.grade for item in told} >= {Grade.EXECUTED, Grade.MAPPED}
    assert all(bool(item.sha256) == (item.grade is Grade.EXECUTED) for item in told)
