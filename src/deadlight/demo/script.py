"""Plays what happens in the demonstration, and tells whoever watches."""

import asyncio
import sys
from collections.abc import Callable
from time import monotonic

from deadlight.demo.fleet import Fleet
from deadlight.demo.steps import BEGIN_AGAIN, REST_SECONDS, STEPS, Expected, Shown, Step

ALERT_SECONDS = 20.0
"""How long a step waits for what should follow."""


async def play(fleet: Fleet, rounds: int, *, speed: float, note_round: Callable[[], None], once: bool = False) -> None:
    """Play the script round after round until cancelled, or one round; `rounds` were played before."""
    is_scanned = False
    while True:
        note_round()
        for step in STEPS:
            if step.needs_scans and not is_scanned:
                await tell_when_scanned(fleet)
                is_scanned = True
            if not (step.once and rounds):
                await asyncio.sleep(step.pause / speed)
                await perform(fleet, step)
        if once:
            return
        rounds += 1
        say(f"the script rests for {REST_SECONDS / speed:.0f} seconds; what is wrong now stays so for a while")
        await asyncio.sleep(BEGIN_AGAIN.pause / speed)
        await perform(fleet, BEGIN_AGAIN)


async def tell_when_scanned(fleet: Fleet) -> None:
    """Wait until it is known what is in every image that runs, and say so."""
    began = monotonic()
    is_scanned = await fleet.until_scanned()
    how = (
        f"every image is scanned after {monotonic() - began:.0f} seconds"
        if is_scanned
        else "not every image is scanned"
    )
    say(f"{how}, see {fleet.service.url}/runtime/live/images")


async def perform(fleet: Fleet, step: Step) -> bool:
    """Let a step happen, wait for what should follow and tell what came of it; returns whether it came."""
    began = monotonic()
    await step.act(fleet)
    place = await _wait_for(fleet, step.expected, began)
    for cluster in fleet.clusters:
        cluster.save()
    if place is None:
        images = f"{fleet.service.url}/runtime/live/images"
        say(f"{step.text} -> nothing of it within {ALERT_SECONDS:.0f} seconds, see {images}")
    else:
        say(f"{step.text} -> {step.result}: {place}")
    return place is not None


async def _wait_for(fleet: Fleet, expected: Expected | Shown, began: float) -> str | None:
    """How and where it is seen; None when it does not come."""
    if isinstance(expected, Expected):
        alert = await fleet.inbox.wait_for(expected.is_met_by, since=began, within=ALERT_SECONDS)
        return f"alert after {alert.arrived_at - began:.1f} s, see {alert.data['links']['image']}" if alert else None
    image = await fleet.service.wait_for_image(expected.image, expected.holds, ALERT_SECONDS)
    page = f"{fleet.service.url}/runtime/live/images"
    return f"shown after {monotonic() - began:.1f} s, see {page}/{image['id']}" if image else None


def say(text: str) -> None:
    """A line for whoever watches."""
    sys.stderr.write(f"deadlight demo: {text}\n")
    sys.stderr.flush()
