"""What is lent is renewed in time, by one request, and made do with while nobody lends."""

import asyncio

import pytest
from tests.registry.conftest import Clock

from deadlight.registry import UnavailableError
from deadlight.registry.leases import Lease, Leased


class Lender:
    """Lends 1, 2, 3 ... for a hundred seconds each, unless it is closed."""

    def __init__(self, clock: Clock) -> None:
        self.asked = 0
        self.closed = False
        self.leased = Leased(self.lend, clock.timing())

    async def lend(self) -> Lease[int]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.closed:
            raise UnavailableError("lender.test", "closed")
        return Lease(self.asked, 100.0)


@pytest.fixture
def lender(clock: Clock) -> Lender:
    return Lender(clock)


async def test_one_request_serves_everybody(lender: Lender):
    assert set(await asyncio.gather(*(lender.leased.get() for _ in range(20)))) == {1}
    assert lender.asked == 1


async def test_it_is_renewed_when_three_quarters_of_its_time_are_over(lender: Lender, clock: Clock):
    await lender.leased.get()
    clock.now += 74
    assert await lender.leased.get() == 1
    clock.now += 2
    assert await lender.leased.get() == 2


async def test_the_old_one_is_kept_while_it_is_good_and_no_new_one_is_to_be_had(lender: Lender, clock: Clock):
    await lender.leased.get()
    lender.closed = True
    clock.now += 80
    assert [await lender.leased.get() for _ in range(3)] == [1, 1, 1]
    assert lender.asked == 2  # and not once for each of them
    clock.now += 20
    with pytest.raises(UnavailableError):
        await lender.leased.get()
    lender.closed = False
    assert await lender.leased.get() == 4


def test_what_is_lent_is_not_shown():
    assert "hunter2" not in repr(Lease("hunter2", 1.0))
