"""The console in a real browser: Debian's Chromium without a window, and a page that notices what goes wrong on it."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Response,
    Route,
    StorageState,
    async_playwright,
    expect,
)
from tests.support.database import PASSWORD
from tests.support.machine import CHROMIUM
from tests.support.patience import PATIENCE_SECONDS

CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

COUNT_SHIFTS = """
    window.shifts = 0;
    window.moved = [];
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries().filter((item) => !item.hadRecentInput)) {
            window.shifts += entry.value;
            window.moved.push(...entry.sources.map(({ node, previousRect, currentRect }) =>
                `${node?.outerHTML?.slice(0, 80) ?? node?.textContent} from ${previousRect.y} to ${currentRect.y}`));
        }
    }).observe({ type: "layout-shift", buffered: true });
"""

Theme = Literal["light", "dark"]

LOADING = ".pf-v6-c-skeleton, .pf-v6-c-spinner"
IS_SHOWN = "(loading) => document.querySelector('h1')?.checkVisibility() && !document.querySelector(loading)"
IS_THEME = "(theme) => document.documentElement.classList.contains('pf-v6-theme-dark') === (theme === 'dark')"
FADE = """() => {
    const fading = () => document.getAnimations().filter(({ playState }) => playState === "running");
    for (let those; (those = fading()).length > 0; ) those.forEach((animation) => animation.finish());
}"""
"""At once: each frame of a fade restyles the whole page. What inherits a colour may begin to fade after the rest."""
TWO_FRAMES = "new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown)))"

LOOKED_AT: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
"""Without fetching the style sheets again, which only the rule about locked orientation reads."""
REPEATED = ".pf-v6-c-table__tbody > tr:nth-child(n + 7)"
"""Rows like those before them; to look at each of them takes most of the time."""
RUN_AXE = f"""(options) => axe.run({{ exclude: [["{REPEATED}"]] }}, options).then(({{ violations }}) => violations)"""
GRAVE = frozenset({"serious", "critical"})

PATIENCE_MILLISECONDS = PATIENCE_SECONDS * 1000
expect.set_options(timeout=PATIENCE_MILLISECONDS)


@asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    """A browser with an empty profile, until the block ends."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Console:
    """A window of a reader on one service."""

    page: Page
    url: str
    troubles: list[str] = field(default_factory=list)
    """Errors and warnings of the page, and requests that failed or left the service."""
    unanswered: set[Request] = field(default_factory=set)
    """What the page has asked for and not got yet; without the stream of changes, which never ends."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the last of them has come."""

    def watch(self) -> None:
        """Note from now on what should never happen."""
        self.page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        self.page.on("console", self._note_message)
        self.page.on("request", self._note_request)
        self.page.on("response", self._note_response)
        self.page.on("requestfinished", self._note_end)
        self.page.on("requestfailed", self._note_end)

    def _note_message(self, message: ConsoleMessage) -> None:
        # The browser also says so of every refused request, which `_note_response` tells better.
        if message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource"):
            self.troubles.append(f"{message.type}: {message.text}")

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:")):
            self.troubles.append(f"asked somebody else: {request.url}")
        if request.resource_type != "eventsource":
            self.unanswered.add(request)

    def _note_end(self, request: Request) -> None:
        self.unanswered.discard(request)
        if not self.unanswered:
            self.answered.set()

    def _note_response(self, response: Response) -> None:
        # That nobody is signed in, or a password is wrong, is an answer like others.
        is_answer = response.status == 401 and response.url == f"{self.url}/api/v1/session"
        if response.status >= 400 and not is_answer:
            self.troubles.append(f"{response.status} {response.request.method} {response.url}")

    async def open(self, path: str) -> None:
        """Go to an address and wait until the page is complete."""
        self.unanswered.clear()
        await self.page.goto(f"{self.url}{path}")
        await self.settled()

    async def open_answer_by_answer(self, path: str, *, newest_first: bool) -> None:
        """Go to an address where each answer of the API waits until the page has shown those before it."""
        held: list[Route] = []

        async def hold(route: Route) -> None:
            held.append(route)

        await self.page.route(re.compile("/api/v1/(?!changes)"), hold)
        await self.page.goto(f"{self.url}{path}")
        while held or not await self.page.evaluate(IS_SHOWN, LOADING):
            if held:
                released = held.pop(-1 if newest_first else 0)
                await released.continue_()
                answer = await released.request.response()
                assert answer
                await answer.finished()
            await self.page.evaluate(TWO_FRAMES)
        await self.page.unroute_all()

    async def settled(self) -> None:
        """Wait until nothing on the page is still loading, and what it shows has led to no more questions."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._until_shown()
                while self.unanswered:
                    self.answered.clear()
                    await self.answered.wait()
                    await self._until_shown()
        except TimeoutError:
            message = f"{self.page.url} is still loading, without {[request.url for request in self.unanswered]}"
            raise AssertionError(message) from None

    async def _until_shown(self) -> None:
        """The page itself looks, with each frame: looks from outside come up to a second late."""
        await self.page.wait_for_function(IS_SHOWN, arg=LOADING, timeout=0)
        await self.page.evaluate(TWO_FRAMES)

    async def sign_in(self, name: str, password: str) -> None:
        """Fill in the form that is open."""
        await self.page.get_by_label("Name").fill(name)
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Sign in").click()

    async def follow(self, *names: str) -> None:
        """Click links by their names, one after the other."""
        for name in names:
            await self.page.get_by_role("link", name=name, exact=True).click()

    def heading(self, name: str) -> Locator:
        """A heading."""
        return self.page.get_by_role("heading", name=name, exact=True)

    def region(self, name: str) -> Locator:
        """A part of the page by its label."""
        return self.page.get_by_role("region", name=name, exact=True)

    def table(self, name: str) -> Locator:
        """A table by its label."""
        return self.page.get_by_role("grid", name=name, exact=True)

    def row(self, table: str, text: str) -> Locator:
        """The rows of a table that contain a text."""
        return self.table(table).get_by_role("row").filter(has_text=text)

    def fact(self, name: str) -> Locator:
        """What a description list says under a name."""
        term = self.page.locator("dt", has_text=re.compile(f"^{re.escape(name)}$"))
        return self.page.locator(".pf-v6-c-description-list__group", has=term).locator("dd")

    async def clipboard(self) -> str:
        """What was copied last."""
        return str(await self.page.evaluate("navigator.clipboard.readText()"))

    async def export(self, form: str) -> str:
        """What the list that is open exports."""
        await self.page.get_by_role("button", name="Export").click()
        async with self.page.expect_download() as download:
            await self.page.get_by_role("menuitem", name=form).click()
        file = await (await download.value).path()
        return await asyncio.to_thread(file.read_text)

    async def press_until_focused(self, name: str, *, within: int = 60) -> None:
        """Press the tabulator key until what is focused has this text, label or id."""
        for _ in range(within):
            await self.page.keyboard.press("Tab")
            if name in await self.page.evaluate(NAMES_OF_FOCUSED):
                return
        message = f"{name!r} cannot be reached with the keyboard"
        raise AssertionError(message)

    async def grave_barriers(self, *rules: str) -> list[str]:
        """What axe-core finds that keeps people with disabilities out, with where it is; by all its rules or some."""
        only = {"runOnly": list(rules)} if rules else {}
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(AXE_SCRIPT)
        violations: Any = await self.page.evaluate(RUN_AXE, LOOKED_AT | only)
        return [
            f"{found['id']}: {node['target']}"
            for found in violations
            if found["impact"] in GRAVE
            for node in found["nodes"]
        ]

    async def turn(self, theme: Theme) -> None:
        """The system's theme becomes this one, and all colours have faded into theirs."""
        await self.page.emulate_media(color_scheme=theme)
        await self.page.wait_for_function(IS_THEME, arg=theme)
        await self.page.evaluate(FADE)

    async def shifts(self) -> float:
        """How far content has moved by itself since the page was opened; 0.1 counts as tolerable in general."""
        return float(await self.page.evaluate("window.shifts"))

    async def moved(self) -> list[str]:
        """What it was that moved, and how far down the window."""
        return list(await self.page.evaluate("window.moved"))


NAMES_OF_FOCUSED = """() => {
    const focused = document.activeElement;
    return [focused.getAttribute("aria-label"), focused.id, focused.innerText];
}"""


@asynccontextmanager
async def open_console(browser: Browser, url: str, *, state: StorageState | None = None) -> AsyncIterator[Console]:
    """A window with its own cookies, or with those of a session; what went wrong on it fails the test at the end."""
    context = await browser.new_context(
        storage_state=state, color_scheme="light", viewport={"width": 1280, "height": 900}, locale="en-GB"
    )
    await context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url)
    await context.add_init_script(COUNT_SHIFTS)
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    console = Console(await context.new_page(), url)
    console.watch()
    try:
        yield console
    finally:
        await context.close()
    assert console.troubles == []


async def signed_in(browser: Browser, url: str, name: str) -> StorageState:
    """The cookies of somebody who has signed in; the form to do so has tests of its own."""
    async with await browser.new_context() as context:
        body = {"name": name, "password": PASSWORD}
        await context.request.post(f"{url}/api/v1/session", data=body, fail_on_status_code=True)
        return await context.storage_state()


TOLERABLE_SHIFT = 0.02
"""Of the window; table headings find their widths with the rows."""


async def look_at(console: Console, paths: Iterable[str]) -> list[tuple[str, float, list[str], list[str]]]:
    """What is wrong with which page in either theme, in which only colours differ; each begins in the other's last."""
    found = []
    themes: list[Theme] = ["light", "dark"]
    for path in paths:
        await console.page.emulate_media(color_scheme=themes[0])
        await console.open(path)
        barriers = await console.grave_barriers()
        themes.reverse()
        await console.turn(themes[0])
        colours = await console.grave_barriers("color-contrast")
        shifts = await console.shifts()
        if shifts > TOLERABLE_SHIFT or barriers or colours:
            found.append((path, shifts, barriers, colours))
    return found
