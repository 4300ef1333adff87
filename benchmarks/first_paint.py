"""From navigating to Live Assessment > Images until its first row is painted, in a real browser without a window.

Somebody is signed in, the service is warm, and 10,000 image tags run. Each round is a window of its own that has
nothing in its cache, and the same page opened again in it. The baseline is the same page over an empty fleet, until it
says so, in the same run.

    make bench NAME=first_paint
"""

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.console_queries import database
from benchmarks.fleet import Fleet, FleetSize
from benchmarks.fleet_store import fill
from benchmarks.machinery import Process, until_ready
from benchmarks.result import Bar, describe_machine, finish, percentile
from playwright.async_api import Browser, BrowserContext, async_playwright

from deadlight.server.auth.accounts import create_user
from deadlight.server.auth.principals import Role
from deadlight.server.db.engine import create_engine
from deadlight.server.settings import with_driver

BAR_MS = 1000.0
PAGE = "/runtime/live/images"
NAME, PASSWORD = "ada", "a password for benchmarks"
CHROMIUM = "/usr/bin/chromium"

# Noticed in the page itself, since asking from outside is slow: a row with a link, or what is said where there is none.
_NOTICE = """
    const shown = () => document.querySelector("tbody tr a[href*='/images/'], .pf-v6-c-empty-state");
    const watch = () => shown()
        ? requestAnimationFrame(() => setTimeout(() => { window.paintedAt = performance.now(); }))
        : requestAnimationFrame(watch);
    watch();
"""
_TIMES = """async () => {
    while (!window.paintedAt) { await new Promise(requestAnimationFrame); }
    return {
        first: performance.getEntriesByName("first-contentful-paint")[0].startTime,
        painted: window.paintedAt,
        steps: performance.getEntriesByType("resource")
            .filter(({ name }) => /api|assets/.test(name))
            .map(({ name, startTime, responseEnd }) => [new URL(name).pathname, startTime, responseEnd]),
    };
}"""


@dataclass(frozen=True, slots=True)
class Paint:
    """Milliseconds until the first row, and until anything at all (first contentful paint)."""

    cold: list[float]
    """With nothing of the console in the browser's cache."""
    cached: list[float]
    first: list[float]
    """Until anything, with nothing in the cache."""
    steps: list[list[Any]]
    """Path, start and end of what a page asked for, of the last one."""


@asynccontextmanager
async def running_service(database_url: str, port: int) -> AsyncIterator[str]:
    """The part of the service that answers, on a database."""
    environment = {
        "DEADLIGHT_DATABASE_URL": database_url,
        "DEADLIGHT_SECRET_KEY": "a secret key for benchmarks, long enough",
        "DEADLIGHT_PORT": str(port),
        "DEADLIGHT_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    with tempfile.TemporaryDirectory() as folder:
        service = Process(
            "service", "deadlight.server", ["serve", "--only", "api"], environment, Path(folder) / "service.log"
        )
        await service.start()
        try:
            await until_ready(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            await service.stop()


async def add_reader(database_url: str) -> None:
    """An account."""
    engine = create_engine(with_driver(database_url), application="benchmark")
    async with engine.begin() as connection:
        await create_user(connection, NAME, PASSWORD, Role.ADMIN, must_change_password=False)
    await engine.dispose()


async def measure(browser: Browser, url: str, rounds: int) -> Paint:
    """Open the page again and again; the first round warms the service."""
    paint = Paint([], [], [], [])
    for number in range(rounds + 1):
        context = await _sign_in(browser, url)
        times = [await _open(context, url) for _ in range(2)]
        await context.close()
        if number:
            paint.first.append(times[0]["first"])
            paint.cold.append(times[0]["painted"])
            paint.cached.append(times[1]["painted"])
            paint.steps[:] = times[0]["steps"]
    return paint


async def _sign_in(browser: Browser, url: str) -> BrowserContext:
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    await context.add_init_script(_NOTICE)
    answer = await context.request.post(f"{url}/api/v1/session", data={"name": NAME, "password": PASSWORD})
    if not answer.ok:
        raise RuntimeError(f"signing in: {await answer.text()}")
    return context


async def _open(context: BrowserContext, url: str) -> dict[str, Any]:
    page = await context.new_page()
    await page.goto(f"{url}{PAGE}", wait_until="commit")
    times: dict[str, Any] = await page.evaluate(_TIMES)
    await page.close()
    return times


async def run(database_url: str, fleet: Fleet, port: int, rounds: int) -> dict[str, Paint]:
    """The page over an empty fleet, and over a full one."""
    found = {}
    async with running_service(database_url, port) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        await add_reader(database_url)
        found["empty"] = await measure(browser, url, rounds)
        await asyncio.to_thread(fill, database_url, fleet)
        found["full"] = await measure(browser, url, rounds)
        await browser.close()
    return found


def report(found: dict[str, Paint], size: FleetSize) -> None:
    """Print the steps of the last page and end with the line of figures."""
    for path, start, end in found["full"].steps:
        print(f"{path:60} {start:7.0f} to {end:7.0f} ms")
    middle = {
        f"{fleet}_{cache}_ms": round(percentile(getattr(paint, cache), 0.5))
        for fleet, paint in found.items()
        for cache in ("first", "cold", "cached")
    }
    figures = {"machine": describe_machine(), "image_tags": size.image_tags, **middle}
    figures["full_to_empty"] = round(middle["full_cold_ms"] / middle["empty_cold_ms"], 2)
    bars = {"first paint": middle["full_first_ms"], "first row": middle["full_cold_ms"]}
    finish("first_paint", figures, [Bar(f"{what} in < {BAR_MS:.0f} ms", took < BAR_MS) for what, took in bars.items()])


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description="Until the first row of the list of images is painted.")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--port", type=int, default=18480)
    arguments = parser.parse_args()
    size = FleetSize()
    with database() as url:
        report(asyncio.run(run(url, Fleet(size), arguments.port, arguments.rounds)), size)


if __name__ == "__main__":
    main()
