import asyncio
from datetime import UTC, datetime

from tests.client.waiting import until

from deadlight.client.errors import RejectedError
from deadlight.controller.beat import keep_beating
from deadlight.controller.health import Health
from deadlight.model.wire import Heartbeat


class Service:
    """Takes heartbeats, refuses the first as it is told."""

    def __init__(self, refuse: int) -> None:
        self.retries = 0
        self.refuse = refuse
        self.beats: list[Heartbeat] = []

    async def heartbeat(self, beat: Heartbeat) -> None:
        if self.refuse:
            self.refuse -= 1
            raise RejectedError(422, "what is this")
        self.beats.append(beat)


async def test_heartbeats_keep_coming_with_what_was_counted_meanwhile() -> None:
    service, health, held = Service(refuse=0), Health(), {"pod": 0}
    beating = asyncio.create_task(keep_beating(service, health, lambda: held, datetime.now(UTC), seconds=0.001))
    await until(lambda: len(service.beats) >= 1)
    held["pod"] = 9
    await until(lambda: service.beats[-1].counters["held_pod"] == 9)
    beating.cancel()


async def test_a_refused_heartbeat_is_dropped_and_told_with_the_next() -> None:
    service, health = Service(refuse=1), Health()
    beating = asyncio.create_task(keep_beating(service, health, dict, datetime.now(UTC), seconds=0.001))
    await until(lambda: len(service.beats) >= 2)
    beating.cancel()

    assert "what is this" in service.beats[0].problems[0]
    assert service.beats[1].problems == ()
