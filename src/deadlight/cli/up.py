"""`deadlight up`: the whole of Deadlight on one machine, started, watched and stopped together."""

import asyncio
import fcntl
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from deadlight.cli.embedded_postgres import EmbeddedPostgres
from deadlight.cli.home import Home, Target, remember_target
from deadlight.cli.processes import Child, command, run_to_end
from deadlight.client.rest import ApiError, NotReachedError, RestClient

READY_SECONDS = 60.0


class UpError(Exception):
    """It cannot start; the message says what to do."""


class Demonstration(StrEnum):
    """When the demonstration fleet is brought along."""

    NEVER = "never"
    ALWAYS = "always"
    WITHOUT_CLUSTER = "without-cluster"


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What `deadlight up` was asked for."""

    home: Home
    host: str
    port: int
    kube_context: str
    attach_cluster: bool
    demonstration: Demonstration


async def run_up(options: UpOptions) -> None:
    """Run until stopped.

    Raises:
        UpError: something is in the way.
        EmbeddedPostgresError: the database cannot be started.
    """
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    with _only_one(options.home), _database(options.home) as database_url:
        environment = _service_environment(options, database_url)
        started = await _prepare(environment)
        await _serve(options, environment, started, stopped)
    _say("stopped; data stays in " + str(options.home.path))


async def _serve(
    options: UpOptions, environment: Mapping[str, str], started: Mapping[str, str], stopped: asyncio.Event
) -> None:
    url = environment["DEADLIGHT_PUBLIC_URL"]
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(Child("service", command("server"), environment).run())]
        try:
            await _until_ready(url, running[0], stopped)
            remember_target(Target(url, started["api_token"]))
            _welcome(url, started)
            for child in await _companions(options, url, started):
                running.append(tasks.create_task(child.run()))  # noqa: PERF401 - started one after another
            await stopped.wait()
        finally:
            _say("stopping ...")
            for task in reversed(running):
                task.cancel()


# --- before the service --------------------------------------------------------------------------------------------


@contextmanager
def _only_one(home: Home) -> Iterator[None]:
    try:
        home.path.mkdir(parents=True, exist_ok=True)
        lock = home.lock_file.open("a+")
    except OSError as error:
        reason = f"the data folder {home.path} cannot be used ({error.strerror})"
        raise UpError(f"{reason}: choose another with --home or DEADLIGHT_HOME") from None
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UpError(f"`deadlight up` is already running on {home.path}: stop it, or set DEADLIGHT_HOME") from None
        yield


@contextmanager
def _database(home: Home) -> Iterator[str]:
    """The user's PostgreSQL where one is given, else the embedded one, stopped again at the end."""
    given = os.environ.get("DEADLIGHT_DATABASE_URL")
    if given:
        yield given
        return
    server = EmbeddedPostgres(home.postgres)
    _say("starting the embedded PostgreSQL" if not server.is_running() else "attaching to the embedded PostgreSQL")
    url = server.start()
    try:
        yield url
    finally:
        server.stop()


def _service_environment(options: UpOptions, database_url: str) -> dict[str, str]:
    port = options.port or _free_port(options.host)
    reachable_host = "127.0.0.1" if options.host in {"0.0.0.0", "::"} else options.host  # noqa: S104 - compared only
    environment = {
        "DEADLIGHT_DATABASE_URL": database_url,
        "DEADLIGHT_SECRET_KEY": options.home.secret_key(),
        "DEADLIGHT_HOST": options.host,
        "DEADLIGHT_PORT": str(port),
        "DEADLIGHT_PUBLIC_URL": f"http://{reachable_host}:{port}",
    }
    # Whoever runs everything on one machine also receives alerts on it; still never from the cloud's metadata address.
    local = {"DEADLIGHT_DENIED_DESTINATIONS": "169.254.0.0/16,fe80::/10,100.100.100.200/32,fd00:ec2::254/128"}
    if options.demonstration is Demonstration.ALWAYS:
        local["DEADLIGHT_FEEDS"] = "none"  # the demonstration's packages are made up, and so are its advisories
    return {**local, **{name: os.environ.get(name, value) for name, value in (local | environment).items()}}


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


async def _prepare(environment: Mapping[str, str]) -> dict[str, str]:
    """Bring the schema up to date and make the first account and tokens."""
    code, answer = await run_to_end("server", "bootstrap", environment=environment)
    if code:
        raise UpError("the database could not be prepared: see the messages above")
    started: dict[str, str] = json.loads(answer)
    return started


async def _until_ready(url: str, service: asyncio.Task[int], stopped: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(READY_SECONDS), RestClient(url) as client:
            while not (stopped.is_set() or service.done()):
                try:
                    await client.get("/api/v1/system/readiness")
                except (ApiError, NotReachedError):
                    await asyncio.sleep(0.1)
                else:
                    return
    except TimeoutError:
        raise UpError(f"the service did not answer at {url} within {READY_SECONDS:.0f} seconds") from None


# --- beside the service ----------------------------------------------------------------------------------------------


async def _companions(options: UpOptions, url: str, started: Mapping[str, str]) -> list[Child]:
    """A controller for the cluster in reach, and the demonstration where it is wanted."""
    children: list[Child] = []
    cluster = await _find_cluster(options)
    if cluster:
        _say(f"attaching a controller (read-only) to the cluster of kube context {cluster}")
        children.append(_controller(options, url, started, cluster))
    elif options.attach_cluster:
        _say("no Kubernetes cluster in reach; connect one with `deadlight connect`")
    if _wants_demonstration(options.demonstration, cluster):
        _say("bringing the demonstration fleet: simulated clusters and a small registry of real packages")
        _say("remove it with `deadlight demo remove`; connect a real cluster with `deadlight connect`")
        environment = {"DEADLIGHT_URL": url, "DEADLIGHT_TOKEN": started["api_token"]}
        environment["DEADLIGHT_REGISTRATION_TOKEN"] = started["registration_token"]
        state = str(options.home.agent_state("demonstration"))
        children.append(Child("demonstration", command("demo", "--state", state), environment))
    return children


def _wants_demonstration(wanted: Demonstration, cluster: str) -> bool:
    return wanted is Demonstration.ALWAYS or (wanted is Demonstration.WITHOUT_CLUSTER and not cluster)


async def _find_cluster(options: UpOptions) -> str:
    """The name of the kube context whose cluster answers, or an empty text."""
    if not options.attach_cluster:
        return ""
    context = ("--context", options.kube_context) if options.kube_context else ()
    code, answer = await run_to_end("controller", "--probe", *context, environment={})
    if code and options.kube_context:
        raise UpError(f"the cluster of kube context {options.kube_context} cannot be reached: {answer.strip()}")
    return "" if code else answer.strip()


def _controller(options: UpOptions, url: str, started: Mapping[str, str], context: str) -> Child:
    state = str(options.home.agent_state(f"controller-{context.replace('/', '_')}"))
    arguments = ["--server", url, "--state", state]
    if options.kube_context:
        arguments += ["--context", options.kube_context]
    environment = {"DEADLIGHT_REGISTRATION_TOKEN": started["registration_token"]}
    # 1: somebody has to act on it first, as when its cluster was removed here.
    return Child("controller", command("controller", *arguments), environment, frozenset({0, 1}))


def _welcome(url: str, started: Mapping[str, str]) -> None:
    _say(f"console at {url}")
    if started["one_time_password"]:
        _say(f"sign in as {started['admin']} with the one-time password {started['one_time_password']}")


def _say(text: str) -> None:
    print(f"deadlight: {text}", file=sys.stderr, flush=True)
