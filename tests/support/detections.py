"""What a sensor sends when a threat rule matches, with everything filled in that a test does not care about."""

from datetime import timedelta
from itertools import count
from typing import Any

from tests.support.inventory import STARTED

from deadlight.model import wire
from deadlight.model.vulnerability import Severity

_numbers = count(1)


def detected(
    container_id: str, rule: str = "reverse-shell", *, program: str = "/bin/bash", after: int = 0, **more: Any
) -> wire.Detection:
    """A rule matched, some minutes after the start."""
    name = program.rpartition("/")[2]
    process = wire.DetectedProcess(name=name, path=program, arguments=(name, "-i"), pid=71, user=33)
    parent = wire.DetectedProcess(name="php-fpm", path="/usr/sbin/php-fpm", arguments=("php-fpm",), pid=7, user=33)
    values: dict[str, Any] = {
        "id": f"detection-{next(_numbers):06}",
        "title": "A shell talks over the network",
        "severity": Severity.CRITICAL,
        "mitre": ("T1059.004",),
        "at": STARTED + timedelta(minutes=after),
        "process": process,
        "ancestors": (parent,),
        "facts": {"network.address": "203.0.113.7:4444"},
    }
    return wire.Detection(**{"container_id": container_id, "rule": rule, **values, **more})


def batch_of(*detections: wire.Detection, **more: Any) -> wire.DetectionBatch:
    """A batch that nobody has sent before, unless it is given a name."""
    values = {"batch_id": f"batch-{next(_numbers)}", "node": "node-1", "detections": detections}
    return wire.DetectionBatch(**values | more)
