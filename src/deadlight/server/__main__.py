"""What the service is told to do. What serving takes is only imported for that: the rest starts in half the time.

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
import sys

from pydantic import ValidationError

from deadlight.server import migrations
from deadlight.server.auth.accounts import ADMIN_NAME, ensure_admin
from deadlight.server.auth.principals import Role
from deadlight.server.auth.registration import create_local_registration_token
from deadlight.server.auth.sessions import create_local_token
from deadlight.server.db.engine import create_engine
from deadlight.server.logs import configure_logging
from deadlight.server.settings import Settings


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
        from deadlight.server.app import create_app  # noqa: PLC0415 - as below

        print(json.dumps(create_app().openapi(), indent=2, sort_keys=True))  # noqa: T201 - the command's output
        return
    settings = _load_settings()
    if settings.secret_rules:
        _check_secret_rules(settings)
    configure_logging(settings.log_format)
    if arguments.command == "migrate":
        migrate(settings)
    elif arguments.command == "bootstrap":
        migrate(settings)
        print(json.dumps(asyncio.run(bootstrap(settings))))  # noqa: T201 - the command's output
    else:
        _serve(settings, arguments.only)


def _serve(settings: Settings, only: str | None) -> None:
    from deadlight.server.composition import serve  # noqa: PLC0415 - most of what there is, which only this needs

    gc.freeze()  # what was imported is no garbage: looking through it would stop everything for 100 ms now and then
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serve(settings, only))


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
    from deadlight.scanner import InvalidRuleError, exposure_scanners  # noqa: PLC0415 - seldom needed
    from deadlight.server.scans.due import setup_of  # noqa: PLC0415

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
