"""What the demonstration asks of the service, over its public REST API; everything can be asked again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

from deadlight.client.rest import ApiError, NotReachedError, RestClient
from deadlight.demo.advisories import SOURCE
from deadlight.demo.errors import DemoError, RemovedError
from deadlight.demo.recipes import REGISTRY, DemoImage

READY_SECONDS = 30.0
RETRY_SECONDS = 1.0
WATCH_SECONDS = 5.0
LOOK_SECONDS = 0.2
MOST_IMAGES = 10_000

T = TypeVar("T")

logger = logging.getLogger(__name__)

_CRITICAL_AND_RUNNING = (
    "event.data.demonstration && event.data.images.exists(image, image.vulnerabilities.exists(found, "
    'found.severity == "Critical" && found.applicability == "applicable" && found.validated_in_runtime))'
)
_WORKERS: Sequence[dict[str, Any]] = (
    {
        "name": "Demonstration: integrity",
        "description": "Every image that is not what its registry has, and every one from a registry nobody trusts.",
        "event_types": ["IntegrityViolationDetected", "IntegrityViolationClosed", "UntrustedRegistryDetected"],
        "criteria": "event.data.demonstration",
    },
    {
        "name": "Demonstration: critical, applicable and running",
        "description": "Vulnerabilities of images in which one is critical, applicable and seen in use.",
        "event_types": ["VulnerabilitiesChanged"],
        "criteria": _CRITICAL_AND_RUNNING,
    },
    {
        "name": "Demonstration: malicious packages",
        "description": "Workloads in which somebody's malicious package runs.",
        "event_types": ["VulnerabilitiesChanged"],
        "criteria": 'event.data.demonstration && "malicious" in event.data.workload.risks',
    },
    {
        "name": "Demonstration: threats",
        "description": "Attacks and misuse that sensors saw, from High on.",
        "event_types": ["ThreatDetected"],
        "criteria": 'event.data.demonstration && event.data.detection.severity in ["Critical", "High"]',
    },
    {
        "name": "Demonstration: rollouts",
        "description": "Workloads that run other images than before.",
        "event_types": ["WorkloadChanged"],
        "criteria": "event.data.demonstration && event.data.change.image_list && !event.data.change.first_sync",
    },
)


def _owned(repositories: str, team: str) -> dict[str, Any]:
    """Images of our own registry only, so that nothing real gets an owner who does not exist."""
    name = team.lower()
    return {
        "repository": f"{REGISTRY}/{repositories}/*",
        "team": team,
        "email": f"{name}@company.demo",
        "slack": f"#{name}",
        "on_call": f"https://on-call.company.demo/{name}",
        "demonstration": True,
    }


_OWNERS: Sequence[dict[str, Any]] = (_owned("shop", "Checkout"), _owned("payments", "Payments"), _owned("web", "Web"))
"""What else runs belongs to whoever workloads name, or to whoever built it: the console shows all three ways."""


_SIGNER = "Demonstration: checkout team"


class DemoService:
    """The service, with the demonstration's registries, workers, owners, signer and advisories in it.

    Every method waits while the service cannot be reached, and raises DemoError where it refuses.
    """

    def __init__(self, client: RestClient) -> None:
        self._client = client

    @property
    def url(self) -> str:
        """Where the service is."""
        return self._client.url

    async def until_ready(self) -> None:
        """Raises DemoError when nothing answers for a while, or not to our token."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._ask("GET", "/api/v1/registries")
        except TimeoutError:
            raise DemoError(f"nothing answers at {self.url}: start the service, or correct DEADLIGHT_URL") from None

    # --- the registry ---

    async def find_registry(self, host: str = REGISTRY) -> int | None:
        """The id of a registry's row; None for our own where there is no demonstration."""
        rows: list[dict[str, Any]] = await self._ask("GET", "/api/v1/registries")
        return next((row["id"] for row in rows if row["host"] == host and row["demonstration"]), None)

    async def save_registry(self, host: str, name: str, url: str) -> None:
        """Add a registry, or save it again, which has everything from there compared anew."""
        body = {"host": host, "name": name, "url": url, "demonstration": True}
        known = await self.find_registry(host)
        if known is None:
            await self._ask("POST", "/api/v1/registries", body)
        else:
            await self._ask("PUT", f"/api/v1/registries/{known}", body)

    async def forget_registry(self, host: str) -> None:
        """Remove a registry, if it is there; its images are nobody's then."""
        known = await self.find_registry(host)
        if known is not None:
            await self._ask("DELETE", f"/api/v1/registries/{known}")

    async def check_present(self) -> None:
        """Raises RemovedError when somebody has removed the demonstration."""
        if await self.find_registry() is None:
            raise RemovedError("the demonstration has been removed from the service")

    async def until_removed(self) -> None:
        """Look every few seconds; raises RemovedError."""
        while True:
            await self.check_present()
            await asyncio.sleep(WATCH_SECONDS)

    # --- the rest ---

    async def save_workers(self, inbox_url: str, secret: str, *, moved: bool) -> None:
        """Add the workers, or bring them up to date; their destination is replaced only where the inbox has `moved`."""
        known = {row["name"]: row for row in await self._ask("GET", "/api/v1/workers")}
        inbox = [{"type": "webhook", "config": {"url": inbox_url, "secret": secret}}]
        for worker in _WORKERS:
            body = {**worker, "demonstration": True, "destinations": inbox}
            row = known.get(worker["name"])
            if row is None:
                await self._ask("POST", "/api/v1/workers", body)
                continue
            kept = [{"id": each["id"], "type": each["type"]} for each in row["destinations"]]
            body["destinations"] = inbox if moved else kept
            await self._ask("PUT", f"/api/v1/workers/{row['id']}", body)

    async def save_owners(self) -> None:
        """Add the owners map's rules, unless they are there."""
        rules: list[dict[str, Any]] = await self._ask("GET", "/api/v1/owners")
        known = {rule["repository"] for rule in rules if rule["demonstration"]}
        for rule in _OWNERS:
            if rule["repository"] not in known:
                await self._ask("POST", "/api/v1/owners", rule)

    async def save_signer(self, key_pem: str) -> None:
        """Trust this key, and no other, with the checkout team's images."""
        body = {"name": _SIGNER, "repositories": [f"{REGISTRY}/shop/*"], "key_pem": key_pem}
        rows: list[dict[str, Any]] = await self._ask("GET", "/api/v1/signers")
        known = next((row["id"] for row in rows if row["name"] == _SIGNER), None)
        if known is None:
            await self._ask("POST", "/api/v1/signers", body)
        else:
            await self._ask("PUT", f"/api/v1/signers/{known}", body)

    async def acknowledge(self, workload: str, note: str) -> None:
        """Say of a workload's open violations that somebody takes care of them, where nobody has said so yet."""
        query = f"workload={workload}&risk=integrity_violation&state=open"
        for window in (await self._ask("GET", f"/api/v1/exposure-windows?{query}"))["windows"]:
            if window["acknowledged_at"] is None:
                await self._ask("POST", f"/api/v1/exposure-windows/{window['id']}/acknowledge", {"note": note})

    async def wait_for_image(
        self, image: DemoImage, holds: Callable[[dict[str, Any]], bool], within: float
    ) -> dict[str, Any] | None:
        """What the service says of an image once that holds; None when it takes longer."""
        query = f"search={image.host}/{image.repository}"
        try:
            async with asyncio.timeout(within):
                while True:
                    for row in (await self._ask("GET", f"/api/v1/image-tags?{query}"))["image_tags"]:
                        found: dict[str, Any] = await self._ask("GET", f"/api/v1/image-tags/{row['id']}")
                        if found["tag"] == image.tag and holds(found):
                            return found
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            return None

    async def import_advisories(self, documents: Iterable[tuple[str, str]]) -> None:
        """Import records, given by name and text. Raises DemoError for one that is not taken."""
        body = [{"origin": name, "content": content} for name, content in documents]
        answer = await self._ask("POST", "/api/v1/advisories/import", {"source": SOURCE, "documents": body})
        if answer["rejected"]:
            raise DemoError(f"the service does not take our advisories: {answer['rejections']}")

    async def list_scans(self) -> dict[tuple[str, str], set[str]]:
        """How the scans of our running images stand, by repository and tag."""
        query = {"search": f"{REGISTRY}/"}
        rows, _ = await self._patiently(
            lambda: self._client.list_rows("/api/v1/image-tags", "image_tags", query, MOST_IMAGES)
        )
        scans: dict[tuple[str, str], set[str]] = {}
        for row in rows:
            scans.setdefault((row["repository"], row["tag"]), set()).add(_scan_of(row))
        return scans

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        try:
            return await self._patiently(lambda: self._client.request(method, path, body))
        except ApiError as error:
            if error.status == 404:
                raise RemovedError(f"{path} is gone: the demonstration has been removed") from error
            raise DemoError(_advice(self.url, f"{method} {path}", error)) from error

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer, once there is one; raises ApiError for a refusal."""
        while True:
            try:
                return await ask()
            except NotReachedError as error:
                logger.warning("will ask again: %s", error)
            except ApiError as error:
                if error.status < 500:
                    raise
                logger.warning("will ask again: %s", error)
            await asyncio.sleep(RETRY_SECONDS)


def _scan_of(row: dict[str, Any]) -> str:
    """An image is done when its vulnerabilities are known, too."""
    status = str(row["scan_status"])
    return "matching" if status == "done" and row["severities"] is None else status


def _advice(url: str, what: str, error: ApiError) -> str:
    if error.status in {401, 403}:
        return f"{url} does not accept DEADLIGHT_TOKEN ({error}): give the API token of an administrator"
    return f"{url} refuses {what} ({error.status}): {error}"
