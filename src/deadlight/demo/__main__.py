"""`python -m deadlight.demo`: a small world that speaks the wire protocols, for people to watch the product at work."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from deadlight.client.errors import ClientError
from deadlight.client.rest import RestClient
from deadlight.demo.errors import DemoError, RemovedError
from deadlight.demo.fleet import Fleet, bring_up
from deadlight.demo.images import PushError
from deadlight.demo.script import play, say
from deadlight.demo.service import DemoService
from deadlight.demo.state import StateFolder, locked
from deadlight.demo.world import Size, World, build_world

EXAMPLES = """\
environment:
  DEADLIGHT_URL                 the service, for example http://127.0.0.1:8480
  DEADLIGHT_TOKEN               an administrator's API token
  DEADLIGHT_REGISTRATION_TOKEN  with which agents enrol

examples:
  beside a service on this machine (`deadlight up --demo` does this by itself):
    python -m deadlight.demo --state ~/.local/share/deadlight-demo
  the script once, four times as fast, then end and leave everything as it is:
    python -m deadlight.demo --state ./demo --once-through --speed 4
  another size:
    python -m deadlight.demo --state ./demo --clusters 10 --nodes 200 --pods 3000

It ends with 0 when it is stopped or when the demonstration is removed (`deadlight demo remove`), with 1 when a person
has to do something, which it says.
"""


def parse_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line; argparse ends the process on a wrong one."""
    usual = Size()
    parser = argparse.ArgumentParser(
        prog="python -m deadlight.demo",
        description="Bring a demonstration to a Deadlight service: clusters, a registry, and a script of events.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="where the demonstration is kept")
    parser.add_argument("--once-through", action="store_true", help="play the script once, then end")
    parser.add_argument("--speed", type=float, default=1.0, metavar="X", help="how much faster the script goes")
    parser.add_argument("--clusters", type=int, default=usual.clusters, metavar="N", help=f"default {usual.clusters}")
    parser.add_argument("--nodes", type=int, default=usual.nodes, metavar="N", help=f"default {usual.nodes}")
    parser.add_argument("--pods", type=int, default=usual.pods, metavar="N", help=f"default {usual.pods}")
    chosen = parser.parse_args(arguments)
    if chosen.speed <= 0:
        parser.error("--speed must be more than 0")
    return chosen


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until stopped; 0 when asked to stop, done or removed, 1 when a person must act."""
    chosen = parse_options(arguments)
    code = 0
    try:
        world = build_world(Size(chosen.clusters, chosen.nodes, chosen.pods))
        with locked(chosen.state) as folder:
            _log_to(folder.path / "logs" / "demonstration.log")
            asyncio.run(_until_stopped(chosen, world, folder))
    except* RemovedError:
        say("the demonstration has been removed; everything of it is stopped")
    except* (DemoError, ClientError, PushError) as group:
        for error in _leaves(group):
            say(str(error))
        code = 1
    return code


def _log_to(path: Path) -> None:
    """What our agents' clients complain of, which is the same for dozens of sensors, is kept out of people's sight."""
    path.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=path, filemode="w", format="%(asctime)s %(levelname)s %(name)s %(message)s")


async def _until_stopped(chosen: argparse.Namespace, world: World, folder: StateFolder) -> None:
    running = asyncio.create_task(_run(chosen, world, folder))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def _run(chosen: argparse.Namespace, world: World, folder: StateFolder) -> None:
    async with RestClient(_require("DEADLIGHT_URL"), _require("DEADLIGHT_TOKEN")) as client:
        _require("DEADLIGHT_REGISTRATION_TOKEN")
        async with bring_up(world, DemoService(client), folder) as fleet:
            _welcome(fleet, world)

            def note_round() -> None:
                folder.state.rounds += 1
                folder.save()

            await play(fleet, folder.state.rounds, speed=chosen.speed, note_round=note_round, once=chosen.once_through)


def _welcome(fleet: Fleet, world: World) -> None:
    size = world.size
    say(f"{size.clusters} clusters with {size.nodes} nodes and {size.pods} pods, a registry at {fleet.registry_url}")
    say(f"alerts arrive at {fleet.inbox.url}, where you can read them")
    say("after each change in the registry it is saved again, so that the service compares at once; by itself it")
    say("does so every five minutes")


def _require(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise DemoError(f"{name} is not set: see --help; `deadlight up --demo` sets everything by itself")
    return value


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves


if __name__ == "__main__":
    sys.exit(main())
