"""Bursts are let in and floods kept out."""

from deadlight.server.turnstile import MAX_KEYS, Turnstile


class Clock:
    """A time that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_bursts_are_let_in_and_floods_kept_out_of_each_sender_alone() -> None:
    clock = Clock()
    turnstile = Turnstile(200, 20, clock)
    assert sum(not turnstile.delay(1) for _ in range(1_000)) == 200
    assert turnstile.delay(1, 10) == 0.5
    assert not turnstile.delay(2)
    clock.now += 1
    assert sum(not turnstile.delay(1) for _ in range(1_000)) == 20


def test_more_than_a_bucket_holds_is_let_in_where_it_is_full_and_counted() -> None:
    clock = Clock()
    turnstile = Turnstile(10, 1, clock)
    assert not turnstile.delay("a", 15)
    assert turnstile.delay("a") == 6
    clock.now += 6
    assert not turnstile.delay("a")


def test_senders_that_are_made_up_cost_no_memory_without_end() -> None:
    turnstile = Turnstile(1, 1, Clock())
    for key in range(MAX_KEYS + 10):
        turnstile.delay(key)
    assert len(turnstile._buckets) == MAX_KEYS
