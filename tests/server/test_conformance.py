"""The REST API does what its own description says, whatever is sent: schemathesis asks every endpoint.

It is asked as it is served: over HTTP, with data, by an administrator. What reads streams, signs in or removes the
account that asks is left to tests of its own.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from tests.server.assessment.shop import shop
from tests.support.database import fresh_database
from tests.support.fleet import Fleet
from tests.support.service import RunningService, running_service, service_settings

from deadlight.cli.embedded_postgres import EmbeddedPostgres
from deadlight.server.app import create_app

LEFT_OUT = r"/changes$|/session$|/password$|/tokens|^/agent/|/demonstration$|registration_token"

REFUSED = {"negative_data_rejection": {"expected-statuses": ["4xx"]}}
"""What does not fit the schema; schemathesis knows no 413 by itself, which is said of what is too large to be read."""

CONFIG = schemathesis.Config.from_dict({"checks": REFUSED})
DESCRIBED = schemathesis.openapi.from_dict(create_app().openapi(), config=CONFIG).exclude(path_regex=LEFT_OUT)


@pytest.fixture(scope="module")
def served(postgres: EmbeddedPostgres) -> Iterator[RunningService]:
    """A service with a fleet, in a thread of its own: schemathesis waits for answers."""
    with fresh_database(postgres) as url, start_blocking_portal() as portal:
        serving = running_service(service_settings(url), background=False)
        with portal.wrap_async_context_manager(serving) as service:
            portal.call(shop, Fleet(service.services.engine))
            yield service


@DESCRIBED.parametrize()
@settings(max_examples=4, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
def test_every_endpoint_answers_as_described(case: Any, served: RunningService) -> None:
    case.call_and_validate(
        base_url=served.url,
        headers={"authorization": f"Bearer {served.api_token}"},
        excluded_checks=[positive_data_acceptance],  # what fits the schema may still name nothing that exists
    )
