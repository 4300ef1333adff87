"""THE table of what happens in the demonstration, what should follow in the service, and in which rhythm."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from deadlight.demo import catalogue
from deadlight.demo.advisories import KEPT_BACK_CVE
from deadlight.demo.clusters import side_loaded
from deadlight.demo.fleet import Fleet
from deadlight.demo.inbox import Alert
from deadlight.demo.recipes import DemoImage, build
from deadlight.demo.world import Deployer, WorkloadPlan
from deadlight.model.event import EventType
from deadlight.model.integrity import IntegrityStatus, ViolationType
from deadlight.model.risk import Risk
from deadlight.model.workload import WorkloadKind

COMPARED_SECONDS = 20.0
"""How long a tag waits, before it moves, for the service to have seen where it was."""

REST_SECONDS = 300.0
"""Between two rounds at speed 1."""

HOTFIX = WorkloadPlan(
    "search", "indexer-hotfix", catalogue.INDEXER_HOTFIX, WorkloadKind.POD, Deployer.KUBECTL, "ada@company.demo"
)
EXPORTER = WorkloadPlan("tools", "queue-exporter", catalogue.QUEUE_EXPORTER, deployer=Deployer.KUBECTL)


@dataclass(frozen=True, slots=True)
class Expected:
    """An alert that should follow. `violation`, `cve` and `risk` narrow it where they are given."""

    event: EventType
    workload: str
    violation: ViolationType | None = None
    cve: str = ""
    risk: str = ""

    def is_met_by(self, alert: Alert) -> bool:
        """Whether this is the alert."""
        data = alert.data
        named = [*data.get("vulnerabilities_added", ()), *data.get("vulnerabilities_validated", ())]
        return (
            alert.type == self.event.value
            and data["workload"]["name"] == self.workload
            and (self.violation is None or data["violation"]["type"] == self.violation.value)
            and (not self.cve or any(item["cve_id"] == self.cve for item in named))
            and (not self.risk or self.risk in data["workload"]["risks"])
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """What the service should say of an image, where nobody needs to be alerted."""

    image: DemoImage
    holds: Callable[[dict[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens. `result` is what people should see of it."""

    name: str
    text: str
    act: Callable[[Fleet], Awaitable[None]]
    result: str
    expected: Expected | Shown
    pause: float = 10.0
    """Seconds before it, at speed 1."""
    once: bool = False
    """Cannot be undone, so it happens in the first round only."""
    needs_scans: bool = True
    """Means something only when it is known what is in the images."""


# --- what happens --------------------------------------------------------------------------------------------


async def roll_out(fleet: Fleet) -> None:
    """The new release reaches the clusters that do not have it."""
    for cluster, plan in fleet.plans("checkout"):
        cluster.run(replace(plan, image=catalogue.CHECKOUT))


async def move_mutable_tag(fleet: Fleet) -> None:
    """The web team pushes its next build under the tag that it always uses."""
    await fleet.service.wait_for_image(catalogue.STOREFRONT, is_as_pushed, COMPARED_SECONDS)
    await fleet.supply.push(catalogue.STOREFRONT_NEXT)
    await fleet.recheck()


async def overwrite_release(fleet: Fleet) -> None:
    """Somebody pushes something else under a released version."""
    await fleet.supply.push(catalogue.CHECKOUT_OVERWRITTEN)
    await fleet.recheck()


async def delete_image(fleet: Fleet) -> None:
    """Somebody cleans up, and what is deployed goes too."""
    await fleet.supply.delete(catalogue.INVOICES)
    await fleet.recheck()


async def side_load(fleet: Fleet) -> None:
    """An engineer loads a hotfix onto a node and starts it under the name of a release."""
    fleet.clusters[0].run(HOTFIX, side_loaded(build(catalogue.INDEXER_HOTFIX)))


async def deploy_untrusted(fleet: Fleet) -> None:
    """Somebody deploys an image from a registry that nobody added."""
    fleet.clusters[0].run(EXPORTER)


async def publish_advisory(fleet: Fleet) -> None:
    """An advisory about a package that runs becomes known."""
    await fleet.publish_kept_back()


async def start_training(fleet: Fleet) -> None:
    """The nightly training begins, and imports what was only lying in the image before."""
    fleet.activity.wake(catalogue.RECOMMENDER)


async def take_over_package(fleet: Fleet) -> None:
    """A build takes a stranger's package for the company's own, and is deployed."""
    for cluster, plan in fleet.plans("campaign-sync"):
        cluster.run(replace(plan, image=catalogue.CAMPAIGNS_NEXT))


async def acknowledge(fleet: Fleet) -> None:
    """Whoever is on call takes care of the overwritten release."""
    await fleet.service.acknowledge("checkout", "The checkout team asks the registry who pushed that, and pushes again")


async def restart_storefront(fleet: Fleet) -> None:
    """The web team restarts what runs the old build."""
    for cluster, plan in fleet.plans("storefront"):
        cluster.run(plan)


async def restore_release(fleet: Fleet) -> None:
    """The release is pushed as it was."""
    await fleet.supply.push(catalogue.CHECKOUT)
    await fleet.recheck()


async def restore_image(fleet: Fleet) -> None:
    """What was deleted is back."""
    await fleet.supply.push(catalogue.INVOICES)
    await fleet.recheck()


async def roll_back_package(fleet: Fleet) -> None:
    """The release without the stranger's package runs again."""
    for cluster, plan in fleet.plans("campaign-sync"):
        cluster.run(plan)


async def trust_mirror(fleet: Fleet) -> None:
    """Somebody vouches for the registry and adds it."""
    await fleet.recheck_mirror()


async def lose_mirror(fleet: Fleet) -> None:
    """The registry cannot be reached any more."""
    await fleet.mirror.vanish()
    await fleet.recheck_mirror()


async def do_it_again(fleet: Fleet) -> None:
    """Nobody learnt from it: tag, release and image go the same way once more."""
    await fleet.supply.push(catalogue.STOREFRONT)
    await fleet.supply.push(catalogue.CHECKOUT_OVERWRITTEN)
    await fleet.supply.delete(catalogue.INVOICES)
    await fleet.recheck()


async def put_everything_right(fleet: Fleet) -> None:
    """Everything is as it was before the script."""
    for image in (catalogue.STOREFRONT, catalogue.INVOICES, catalogue.CHECKOUT):
        await fleet.supply.push(image)
    await fleet.publish_kept_back(taken_back=True)
    await fleet.mirror.appear()
    await fleet.service.forget_registry(catalogue.UNTRUSTED)
    fleet.settle()
    await fleet.recheck()


def is_as_pushed(image: dict[str, Any]) -> bool:
    """Whether the registry has just been asked, and has it."""
    verdict = image["verdict"]
    return verdict["status"] == IntegrityStatus.NO_ISSUES.value and not verdict["stale_reason"]


def is_unconfirmed(image: dict[str, Any]) -> bool:
    """Whether its last verdict stands because the registry cannot be asked."""
    return image["verdict"]["status"] == IntegrityStatus.NO_ISSUES.value and bool(image["verdict"]["stale_reason"])


E = EventType
V = ViolationType

STEPS = (
    Step(
        "mutable tag moved",
        "tag web/storefront:stable moved in the registry while pods run what it was",
        move_mutable_tag,
        V.POST_DEPLOYMENT_TAG_UPDATE.value,
        Expected(E.INTEGRITY_VIOLATION_DETECTED, "storefront", V.POST_DEPLOYMENT_TAG_UPDATE),
        pause=2.0,
        needs_scans=False,
    ),
    Step(
        "rollout",
        "shop/checkout:1.4.2 is rolled out in place of 1.4.1",
        roll_out,
        "the vulnerabilities of 1.4.1 are gone with it",
        Expected(E.WORKLOAD_CHANGED, "checkout"),
    ),
    Step(
        "release overwritten",
        "tag shop/checkout:1.4.2, a released version, was overwritten in the registry",
        overwrite_release,
        V.DIGEST_MISMATCH.value,
        Expected(E.INTEGRITY_VIOLATION_DETECTED, "checkout", V.DIGEST_MISMATCH),
    ),
    Step(
        "image deleted",
        "image billing/invoices:3.1.0 was deleted from the registry while it runs",
        delete_image,
        V.MISSING_SOURCE.value,
        Expected(E.INTEGRITY_VIOLATION_DETECTED, "invoices", V.MISSING_SOURCE),
    ),
    Step(
        "image side-loaded",
        "pod search/indexer-hotfix runs an image that was loaded onto its node by hand",
        side_load,
        V.DIGEST_MISMATCH.value,
        Expected(E.INTEGRITY_VIOLATION_DETECTED, HOTFIX.name, V.DIGEST_MISMATCH),
    ),
    Step(
        "untrusted registry",
        f"tools/queue-exporter was deployed from {catalogue.UNTRUSTED}, which nobody trusts",
        deploy_untrusted,
        IntegrityStatus.UNTRUSTED_REGISTRY.value,
        Expected(E.UNTRUSTED_REGISTRY_DETECTED, EXPORTER.name),
    ),
    Step(
        "malicious package",
        "growth/campaign-sync:1.3.0 was built with a stranger's version of the internal package company-metrics",
        take_over_package,
        "a malicious package runs",
        Expected(E.VULNERABILITIES_CHANGED, "campaign-sync", risk=Risk.MALICIOUS.value),
    ),
    Step(
        "advisory published",
        f"an advisory about Pillow ({KEPT_BACK_CVE}) was published",
        publish_advisory,
        "media/thumbnailer calls the vulnerable function, and runs",
        Expected(E.VULNERABILITIES_CHANGED, "thumbnailer", cve=KEPT_BACK_CVE),
    ),
    Step(
        "package executes",
        "ml/recommender begins its training and loads joblib, which it had never done",
        start_training,
        "CVE-2022-21797 is now validated in runtime",
        Expected(E.VULNERABILITIES_CHANGED, "recommender", cve="CVE-2022-21797"),
        once=True,
    ),
    Step(
        "acknowledged",
        "whoever is on call acknowledges that shop/checkout:1.4.2 was overwritten",
        acknowledge,
        "its exposure windows say who takes care of them",
        Shown(catalogue.CHECKOUT, lambda _: True),
    ),
    Step(
        "release restored",
        "shop/checkout:1.4.2 was pushed again as it was released",
        restore_release,
        "its violation closes by itself",
        Expected(E.INTEGRITY_VIOLATION_CLOSED, "checkout", V.DIGEST_MISMATCH),
    ),
    Step(
        "image restored",
        "billing/invoices:3.1.0 was pushed again",
        restore_image,
        "its violation closes by itself",
        Expected(E.INTEGRITY_VIOLATION_CLOSED, "invoices", V.MISSING_SOURCE),
    ),
    Step(
        "redeployed",
        "web/storefront was restarted and runs what its tag is now",
        restart_storefront,
        "its violation closes by itself",
        Expected(E.INTEGRITY_VIOLATION_CLOSED, "storefront", V.POST_DEPLOYMENT_TAG_UPDATE),
    ),
    Step(
        "rolled back",
        "growth/campaign-sync runs 1.2.0 again",
        roll_back_package,
        "the malicious package is gone with 1.3.0",
        Expected(E.WORKLOAD_CHANGED, "campaign-sync"),
    ),
    Step(
        "registry trusted",
        f"{catalogue.UNTRUSTED} was added to the registries",
        trust_mirror,
        "what comes from there is compared and scanned, and its risk closes by itself",
        Shown(catalogue.QUEUE_EXPORTER, is_as_pushed),
    ),
    Step(
        "registry away",
        f"{catalogue.UNTRUSTED} refuses connections",
        lose_mirror,
        "the last verdict stands unconfirmed, and nothing becomes Missing Source",
        Shown(catalogue.QUEUE_EXPORTER, is_unconfirmed),
    ),
    Step(
        "the same again",
        "web/storefront:stable, shop/checkout:1.4.2 and billing/invoices:3.1.0 went the same way once more",
        do_it_again,
        "violations that were closed are open again, and say so",
        Expected(E.INTEGRITY_VIOLATION_DETECTED, "checkout", V.DIGEST_MISMATCH),
    ),
)
"""One round. What is still wrong at its end stays so until the next round begins."""

BEGIN_AGAIN = Step(
    "begin again",
    "everything is put right, and the script begins again",
    put_everything_right,
    "violations close by themselves",
    Expected(E.INTEGRITY_VIOLATION_CLOSED, "storefront"),
    pause=REST_SECONDS,
)
