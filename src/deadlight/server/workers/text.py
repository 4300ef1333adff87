"""An alert in words: its title and the facts every channel shows. Pure."""

from collections.abc import Mapping
from typing import Any

from deadlight.model.event import EventType
from deadlight.threats.fields import label_of

MAX_VALUE = 300
"""Characters of a command line or another value that a container chose."""

MAX_NAMES = 10
"""How many vulnerabilities, nodes or images are named before the rest is counted."""

_TITLES = {
    EventType.WORKLOAD_CHANGED.value: "Workload changed",
    EventType.INTEGRITY_VIOLATION_CLOSED.value: "Integrity violation closed",
    EventType.UNTRUSTED_REGISTRY_DETECTED.value: "Image from an untrusted registry",
    EventType.VULNERABILITIES_CHANGED.value: "Vulnerabilities changed",
}


def title(event_type: str, data: Mapping[str, Any]) -> str:
    """One line that says what happened where."""
    workload = data.get("workload", {})
    subject = f"{workload.get('namespace', '?')}/{workload.get('name', '?')}"
    if not workload.get("name", "?"):
        subject = f"container {data.get('detection', {}).get('container_id', '')[:12]}"
    place = f"{subject} on {workload.get('cluster', '?')}"
    what = _TITLES.get(event_type) or _threat_title(data) or _violation_title(data)
    mark = "[test] " if data.get("test") else ""
    mark += "[demonstration] " if data.get("demonstration") else ""
    return _one_line(f"{mark}{what}: {place}")  # it becomes a mail's subject


def _threat_title(data: Mapping[str, Any]) -> str:
    detection = data.get("detection")
    return f"{detection.get('title', 'Threat detected')} ({detection.get('severity', 'Unknown')})" if detection else ""


def link_of(body: Mapping[str, Any]) -> str:
    """The page that shows most of what an alert is about; empty where there is none."""
    links = body.get("data", {}).get("links", {})
    return str(links.get("detection") or links.get("image", ""))


def _violation_title(data: Mapping[str, Any]) -> str:
    violation = data.get("violation") or {}
    return f"{violation.get('type', 'Integrity violation')} ({violation.get('severity', 'Unknown')})"


def describe(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The facts of a CloudEvent as names and values, in the order people need them."""
    data: Mapping[str, Any] = body.get("data", {})
    workload = data.get("workload", {})
    facts = [
        *_describe_detection(data.get("detection") or {}),
        ("Workload", f"{workload.get('name', '')} ({workload.get('kind', '')})" if workload.get("name") else ""),
        ("Namespace", workload.get("namespace", "")),
        ("Cluster", workload.get("cluster", "")),
        ("Nodes", _some(workload.get("nodes", []))),
        ("Status", workload.get("status", "")),
        ("Owner", _owner(data.get("owner") or {})),
        ("On call", (data.get("owner") or {}).get("on_call", "")),
        ("Deployed By", _person(workload.get("deployed_by"))),
    ]
    images = data.get("images", [])
    for image in images[:MAX_NAMES]:
        facts += _describe_image(image)
    if len(images) > MAX_NAMES:
        facts.append(("Images", f"{len(images) - MAX_NAMES} more, not named here"))
    return [(name, _one_line(value)) for name, value in facts if value]


def _one_line(text: str) -> str:
    """A value that cannot look like further facts: containers choose their arguments, and a message is lines."""
    words = " ".join(text.split())
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in words)


def _describe_detection(detection: Mapping[str, Any]) -> list[tuple[str, str]]:
    if not detection:
        return []
    place = ("pod", "container", "node")
    return [
        ("Rule", f"{detection.get('rule', '')} ({detection.get('severity', '')})"),
        ("MITRE ATT&CK", _some(detection.get("mitre", []))),
        ("Program", _command(detection.get("process") or {})),
        ("Started by", " < ".join(_command(item) for item in detection.get("ancestors", []))),
        (
            "Evidence",
            _some([f"{label_of(name)}: {value}"[:MAX_VALUE] for name, value in detection.get("facts", {}).items()]),
        ),
        ("Where", ", ".join(f"{name} {detection[name]}" for name in place if detection.get(name))),
        ("What was done", detection.get("done", "")),
        ("What to do", " ".join(f"{number}. {step}" for number, step in enumerate(detection.get("next_steps", []), 1))),
    ]


def _command(process: Mapping[str, Any]) -> str:
    """A process as one would type it, cut to what a line of a message holds."""
    words = [*process.get("arguments", [])] or [process.get("path") or process.get("name", "")]
    text = " ".join(words)
    path = process.get("path", "")
    return (text if not path or words[0] == path else f"{path}: {text}")[:MAX_VALUE]


def _describe_image(image: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("Image", f"{image.get('registry', '')}/{image.get('repository_path', '')}"),
        ("Tag", image.get("tag", "")),
        ("Digest", image.get("digest", "")),
        ("Integrity status", " - ".join(filter(None, [image.get("integrity_status"), image.get("violation_type")]))),
        ("Registry digest", image.get("expected_digest", "")),
        ("Risks", ", ".join(image.get("risks", [])) or "none known"),
        ("Vulnerabilities", _vulnerabilities(image)),
        ("Build Owner", _person(image.get("build_owner"))),
    ]


def _vulnerabilities(image: Mapping[str, Any]) -> str:
    count = image.get("vulnerabilities_count")
    if count is None:
        return "not scanned"
    names = [f"{item['cve_id']} ({item['severity']})" for item in image.get("vulnerabilities", [])]
    return f"{count}" + (f": {_some(names, count)}" if names else "")


def _some(names: list[str], count: int | None = None) -> str:
    more = (len(names) if count is None else count) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


def _owner(owner: Mapping[str, Any]) -> str:
    parts = [owner.get(name, "") for name in ("team", "person", "email", "slack")]
    known = ", ".join(dict.fromkeys(part for part in parts if part))
    return f"{known} ({owner.get('source', '')})" if known else "unknown"


def _person(attribution: Mapping[str, Any] | None) -> str:
    if not attribution:
        return "unknown"
    return f"{attribution['value']} ({attribution['source']})"
