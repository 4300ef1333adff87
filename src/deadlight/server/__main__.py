"""The composition root: builds every object of the service and runs it.

python -m deadlight.server serve [--only api|jobs]     serve until stopped
python -m deadlight.server migrate                     bring the database to this version
python -m deadlight.server bootstrap                   migrate, make the first account and tokens; prints JSON
python -m deadlight.server openapi                     print the API's description
"""

import argparse
import asyncio
import gc
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import uvicorn
from pydantic import ValidationError

from deadlight.model import proxies
from deadlight.registry.attestations.keyless import SigstoreVerifier
from deadlight.registry.types.table import TYPES
from deadlight.scanner import InvalidRuleError, exposure_scanners
from deadlight.server import migrations
from deadlight.server.app import create_app
from deadlight.server.assessment.live_index import LiveIndex
from deadlight.server.auth.accounts import ADMIN_NAME, ensure_admin
from deadlight.server.auth.principals import Role
from deadlight.server.auth.registration import create_local_registration_token
from deadlight.server.auth.sessions import create_local_token
from deadlight.server.dashboard.risk_index import RiskIndex
from deadlight.server.db.engine import create_engine
from deadlight.server.db.notifications import Listener
from deadlight.server.events.outbox import EVENTS_CHANNEL
from deadlight.server.events.relay import CHANGES_CHANNEL, Relay
from deadlight.server.jobs.queue import JOBS_CHANNEL, JobRunner
from deadlight.server.logs import configure_logging
from deadlight.server.scans.due import setup_of
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


def migrate(settings: Settings) -> None:
    """Bring the database to this version."""
    migrations.upgrade(settings.sqlalchemy_url())
    asyncio.run(migrations.upgrade_job_queue(settings.database_url.get_secret_value()))


async def bootstrap(settings: Settings) -> dict[str, str]:
    """Make what a fresh installation on one machine starts with.

    Returns the first account's name and one-time password (empty where there is an account already), a registration
    token for agents of this machine and an API token for its commands.
    """
    engine = create_engine(settings.sqlalchemy_url(), application="deadlight bootstrap")
    async with engine.begin() as connection:
        password = await ensure_admin(connection)
        answer = {
            "admin": ADMIN_NAME,
            "one_time_password": password,
            "registration_token": await create_local_registration_token(connection, "deadlight up"),
            "api_token": await create_local_token(connection, "deadlight up", Role.ADMIN),
        }
    await engine.dispose()
    return answer


def main() -> None:
    """Run a command."""
    arguments = _parse_arguments()
    if arguments.command == "openapi":
        print(json.dumps(create_app().openapi(), indent=2, sort_keys=True))  # noqa: T201 - the command's output
        return
    settings = _load_settings()
    _check_secret_rules(settings)
    configure_logging(settings.log_format)
    if arguments.command == "migrate":
        migrate(settings)
    elif arguments.command == "bootstrap":
        migrate(settings)
        print(json.dumps(asyncio.run(bootstrap(settings))))  # noqa: T201 - the command's output
    else:
        gc.freeze()  # what was imported is no garbage: looking through it would stop everything for 100 ms now and then
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(serve(settings, arguments.only))


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - not there on every platform
    except ImportError:
        return None
    return uvloop.Loop


def _load_settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            name = "DEADLIGHT_" + "_".join(str(step) for step in problem["loc"]).upper()
            print(f"{name}: {problem['msg']}", file=sys.stderr)  # noqa: T201 - before logging is configured
        sys.exit(os.EX_CONFIG)


def _check_secret_rules(settings: Settings) -> None:
    """Refuse a file of rules that nothing could be scanned by, before anything is."""
    try:
        exposure_scanners(setup_of(settings))
    except InvalidRuleError as error:
        print(f"DEADLIGHT_SECRET_RULES: {error}", file=sys.stderr)  # noqa: T201 - before logging is configured
        sys.exit(os.EX_CONFIG)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="deadlight server", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", nargs="?", choices=("serve", "migrate", "bootstrap", "openapi"), default="serve")
    parser.add_argument("--only", choices=("api", "jobs"), help="serve only requests, or do only background work")
    return parser.parse_args()


if __name__ == "__main__":
    main()
