"""Where the kernel half stops programs."""

import pytest

from deadlight.model.detection import BlockingMode
from deadlight.model.wire import BlockingPolicy
from deadlight.sensor.blocking import MODES, Blocker
from deadlight.sensor.errors import SensorError
from deadlight.sensor.layout import Blocking, CgroupKey

WEB, DB = (CgroupKey(1, 0), "web"), (CgroupKey(2, 0), "db")
AUDIT = BlockingPolicy(mode=BlockingMode.AUDIT, drift=True, container_ids=("web",))


class Told(list[tuple[CgroupKey, Blocking, bool, bool]]):
    def __call__(self, *what) -> None:
        self.append(what)


@pytest.fixture
def told() -> Told:
    return Told()


def test_the_containers_of_a_policy_are_stopped_or_audited_and_no_others(told):
    Blocker(told).follow(AUDIT, [WEB, DB])

    assert told == [(WEB[0], Blocking.AUDIT, True, False)]


def test_only_what_changes_is_told(told):
    blocker = Blocker(told)
    for policy in (AUDIT, AUDIT, BlockingPolicy()):
        blocker.follow(policy, [WEB, DB])

    assert told[1:] == [(WEB[0], Blocking.OFF, False, False)]


def test_a_policy_without_room_in_the_kernel_is_counted():
    def refuse(*_: object) -> None:
        raise SensorError("no room")

    blocker = Blocker(refuse)
    blocker.follow(AUDIT, [WEB])

    assert blocker.refused == 1


def test_every_mode_is_one_of_the_kernel_half():
    assert set(MODES) == set(BlockingMode)
    assert set(MODES.values()) == set(Blocking)
