"""Whom the API server authenticated for what, until the workload shows that it came true. No clock, no network.

A review is a request, not a fact: another webhook, a quota or a conflict may still refuse it. So a deployer counts for
a workload only while its pods are made from the template that this deployer asked for.
"""

from collections import OrderedDict

from deadlight.model.wire import Deployer

MOST_WORKLOADS = 20_000
REMEMBERED = 3
"""Requests by workload: the one that came true, and some that were refused after it."""


class DeployerBook:
    """The latest requests by the uid of their workload, of the workloads that were heard of last."""

    def __init__(self, most: int = MOST_WORKLOADS) -> None:
        self.lost = 0
        """Workloads forgotten because there were too many."""
        self._most = most
        self._heard: OrderedDict[str, tuple[Deployer, ...]] = OrderedDict()

    def note(self, uid: str, deployer: Deployer) -> bool:
        """Take in a request; returns whether it says something new.

        An audit event does not tell what it changed: where the template is the latest one already, it is about
        something else, a label or the scale.
        """
        heard = self._heard.get(uid, ())
        if deployer.via == "audit" and heard and heard[-1].template == deployer.template:
            return False
        self._heard[uid] = (*heard, deployer)[-REMEMBERED:]
        self._heard.move_to_end(uid)
        if len(self._heard) > self._most:
            self._heard.popitem(last=False)
            self.lost += 1
        return True

    def find(self, uid: str, template: str) -> Deployer | None:
        """Who asked last for what the workload is now; None where nobody is known."""
        return next((item for item in reversed(self._heard.get(uid, ())) if item.template == template), None)

    def forget(self, uid: str) -> None:
        """The workload is no more."""
        self._heard.pop(uid, None)
