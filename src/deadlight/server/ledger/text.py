"""A window in words: Markdown for a tracking system, and lines of a table for a spreadsheet. Pure."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from deadlight.server.ledger.reconcile import OpenedBasis
from deadlight.server.ledger.schemas import WindowDetail, WindowRow
from deadlight.server.owners.attributions import AttributionOut

BASIS_TEXTS = {
    OpenedBasis.DEPLOYED: "when the image was deployed",
    OpenedBasis.TAG_PUSHED: "when the tag was pushed, as the registry says",
    OpenedBasis.TAG_CHANGED: "when the tag was seen to have moved",
    OpenedBasis.LAST_SEEN_PRESENT: "when the registry last had the image",
    OpenedBasis.PUBLISHED: "when the vulnerability was published",
    OpenedBasis.MATCHED: "when the vulnerability was first matched",
    OpenedBasis.FIRED: "when the threat rule first matched, as the sensor says",
    OpenedBasis.REOPENED: "when the previous window closed",
    OpenedBasis.DETECTED: "when it was detected",
}

COLUMNS = (
    "id",
    "risk",
    "violation_type",
    "rule",
    "state",
    "team",
    "cluster",
    "namespace",
    "workload",
    "kind",
    "image",
    "digest",
    "platform",
    "opened_at",
    "opened_basis",
    "detected_at",
    "notified_at",
    "acknowledged_at",
    "acknowledged_by",
    "acknowledge_note",
    "closed_at",
    "close_reason",
    "exposed_seconds",
    "suppressed_until",
    "suppression_reason",
    "previous_id",
    "build_owner",
    "build_owner_source",
    "deployed_by",
    "deployed_by_source",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MARKUP = re.compile(r"([\\`*\[\]<>|])")


def window_title(window: WindowRow) -> str:
    """What an issue about a window is called."""
    what = window.risk.label
    if window.detection:
        what = f"{window.detection.title} ({window.detection.severity.value})"
    if window.violation_type:
        what = f"{window.violation_type.value} ({window.violation_type.severity.value})"
    return f"{what}: {window.image} in {window.namespace}/{window.workload} on {window.cluster}"


def issue_text(window: WindowDetail, link: str, now: datetime) -> str:
    """Everything a person needs to follow up, as Markdown. What others named cannot become markup."""
    closed = f"{window.closed_at.isoformat()} ({window.close_reason})" if window.closed_at else ""
    acknowledged = f"{window.acknowledged_by} at {_iso(window.acknowledged_at)}" if window.acknowledged_at else ""
    facts = [
        ("Risk", window.risk.label),
        ("Threat rule", window.detection and window.detection.rule),
        ("Violation", window.violation_type and f"{window.violation_type} ({window.violation_type.severity})"),
        ("Reason", window.reason),
        ("Image", f"{window.image} ({window.platform})"),
        ("Running digest", window.digest),
        ("Registry digest", window.registry_digest),
        ("Vulnerabilities", ", ".join(window.vulnerabilities)),
        ("Workload", f"{window.kind} {window.namespace}/{window.workload} on {window.cluster}"),
        ("Team", window.team),
        ("Live since", f"{_iso(window.opened_at)}, {BASIS_TEXTS[window.opened_basis]}"),
        ("Detected", _iso(window.detected_at)),
        ("Notified", _iso(window.notified_at)),
        ("Acknowledged", acknowledged),
        ("Note", window.acknowledge_note),
        ("Closed", closed),
        ("Exposed for", describe_length((window.closed_at or now) - window.opened_at)),
        ("Opened again after", ", ".join(f"window {item.id}" for item in window.earlier)),
        ("Build Owner", _person(window.build_owner)),
        ("Deployed By", _person(window.deployed_by)),
        ("Details", link),
    ]
    lines = [f"- {name}: {_plain(value)}" for name, value in facts if value]
    return "\n".join([f"## {_plain(window_title(window))}", "", *lines, ""])


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _person(person: AttributionOut | None) -> str:
    return f"{person.value} ({person.source})" if person else "Unknown"


def _iso(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""


def describe_length(length: timedelta) -> str:
    """A length of time in its two largest units."""
    seconds = max(0, int(length.total_seconds()))
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts = [f"{seconds % before // size} {name}" for (name, size), before in zip(units, _LARGER, strict=True)]
    first = next((index for index, part in enumerate(parts) if not part.startswith("0 ")), len(parts) - 1)
    return " ".join(parts[first : first + 2])


_LARGER = (10**12, 86_400, 3_600, 60)


def csv_line(values: Sequence[Any]) -> str:
    """A line of a table. A text that a spreadsheet would take for a formula is kept from being one."""
    file = io.StringIO()
    csv.writer(file).writerow([_cell(value) for value in values])
    return file.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value.isoformat() if isinstance(value, datetime) else value


def csv_values(window: WindowRow) -> list[Any]:
    """The values of `COLUMNS`."""
    known = window.model_dump(mode="json")
    known |= {
        "rule": window.detection and window.detection.rule,
        "exposed_seconds": (window.closed_at - window.opened_at).total_seconds() if window.closed_at else None,
        "suppressed_until": window.suppression and window.suppression.until,
        "suppression_reason": window.suppression and window.suppression.reason,
        "build_owner": window.build_owner and window.build_owner.value,
        "build_owner_source": window.build_owner and window.build_owner.source,
        "deployed_by": window.deployed_by and window.deployed_by.value,
        "deployed_by_source": window.deployed_by and window.deployed_by.source,
    }
    return [known[name] for name in COLUMNS]
