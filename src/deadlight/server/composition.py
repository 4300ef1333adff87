"""The composition root: builds every object of the service and runs it."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import uvicorn

from deadlight.model import proxies
from deadlight.registry.attestations.keyless import SigstoreVerifier
from deadlight.registry.types.table import TYPES
from deadlight.server.app import create_app
from deadlight.server.assessment.live_index import LiveIndex
from deadlight.server.dashboard.risk_index import RiskIndex
from deadlight.server.db.engine import create_engine
from deadlight.server.db.notifications import Listener
from deadlight.server.events.outbox import EVENTS_CHANNEL
from deadlight.server.events.relay import CHANGES_CHANNEL, Relay
from deadlight.server.jobs.queue import JOBS_CHANNEL, JobRunner
from deadlight.server.scans.image_scan import prepare_processes
from deadlight.server.scans.processes import IsolatedProcesses
from deadlight.server.schedule import JOBS, PERIODIC, run_periodic
from deadlight.server.secrets import Cipher
from deadlight.server.services import Services, Turns
from deadlight.server.settings import Settings
from deadlight.server.subscriptions import subscriptions
from deadlight.server.workers.outbound import open_outbound_session

KEEP_ALIVE_SECONDS = 75
"""How long an idle connection is kept: longer than proxies do, which else send a request into one that just closes."""


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Everything handlers and jobs need, closed again at the end."""
    async with AsyncExitStack() as stack:
        engine = create_engine(settings.sqlalchemy_url(), application="deadlight", pool_size=20)
        stack.push_async_callback(engine.dispose)
        http = await stack.enter_async_context(aiohttp.ClientSession(trust_env=proxies.are_set()))
        outbound = await stack.enter_async_context(open_outbound_session(settings.denied_destinations))
        processes = IsolatedProcesses(settings.scan_processes)
        stack.callback(processes.shutdown, cancel_futures=True)
        channels = (EVENTS_CHANNEL, CHANGES_CHANNEL, JOBS_CHANNEL)
        yield Services(
            settings=settings,
            engine=engine,
            cipher=Cipher(settings.secret_key.get_secret_value()),
            http=http,
            outbound=outbound,
            processes=processes,
            listener=Listener(settings.database_url.get_secret_value(), channels),
            registries={},
            verify_bundle=SigstoreVerifier(Path(root) if (root := settings.sigstore_trusted_root) else None),
            registry_types=TYPES,
            # More of one registry would only wait for a process, before what others need of it.
            pull_turns=Turns(min(settings.registry_pulls, settings.scan_processes)),
        )


async def serve(settings: Settings, only: str | None) -> None:
    """Run this replica until it is told to stop: the API, the background work, or both."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with open_services(settings) as services, asyncio.TaskGroup() as tasks:
        index = RiskIndex(services.engine)
        background: list[Awaitable[None]] = []
        if settings.relay_wake == "notify":
            background.append(services.listener.run())
        if only != "jobs":
            services.listener.subscribe(CHANGES_CHANNEL, index.wake)
            await index.refresh()
            live = LiveIndex()
            background += [index.run(), live.keep(services.engine), _serve_http(services, index, live)]
        if only != "api":
            # Processes last: what answers people and agents begins before them.
            background += [*background_work(services), prepare_processes(services)]
        running = [tasks.create_task(_as_coroutine(work)) for work in background]
        await stopped.wait()
        for task in running:
            task.cancel()


async def _as_coroutine(work: Awaitable[None]) -> None:
    await work


def background_work(services: Services) -> list[Awaitable[None]]:
    """The relay, the job runner and what is done every so often."""
    relay = Relay(services.engine, subscriptions(services.settings), sweep=services.settings.relay_sweep)
    listener = services.listener if services.settings.relay_wake == "notify" else None
    if listener is not None:
        listener.subscribe(EVENTS_CHANNEL, relay.wake)
    runner = JobRunner(services.engine, listener, services, JOBS)
    return [relay.run(), runner.run(), *(run_periodic(services, periodic) for periodic in PERIODIC)]


class _HttpServer(uvicorn.Server):
    """Leaves signals to the composition root, which has more than requests to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve_http(services: Services, index: RiskIndex, live: LiveIndex) -> None:
    settings = services.settings
    server = _HttpServer(
        uvicorn.Config(
            create_app(services, index, live),
            host=settings.host,
            port=settings.port,
            ssl_certfile=settings.tls_cert_file or None,
            ssl_keyfile=settings.tls_key_file or None,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=3,
        )
    )
    serving = asyncio.create_task(server.serve())
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True  # let requests under way finish
        await serving
        raise
