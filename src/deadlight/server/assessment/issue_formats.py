"""An issue written down for any tracking system: Markdown, JSON or CSV, from the same facts. Pure."""

import csv
import io
import re
from datetime import datetime
from enum import StrEnum

from deadlight.model.integrity import ViolationType
from deadlight.model.vulnerability import Severity
from deadlight.server.assessment.issue import Issue, IssuePlace, IssueViolation, one_line
from deadlight.server.owners.attributions import AttributionOut

RUNTIME_DIGEST = "Runtime Digest (Actual)"
PLACES_NAMED = 20
"""In Markdown; the other formats name all they are given."""


class IssueFormat(StrEnum):
    """How an issue is written down."""

    MARKDOWN = "markdown"
    JSON = "json"
    CSV = "csv"


class IssueOut(Issue):
    """An issue with the whole of it as Markdown, for mails and the clipboard."""

    text: str


_MARKUP = re.compile(r"[\[\]`\\]|<(?![^<>\s]+@[^<>\s]+>)")
"""What links, images, code and HTML begin with; an address in angle brackets stays one."""


def as_markdown(issue: Issue) -> str:
    """A heading, a list of facts, the places and what to do."""
    facts = [(name, value) for name, value in _facts(issue) if value]
    lines = [f"## {_plain(issue.title)}", "", *(f"- {name}: {_plain(value)}" for name, value in facts)]
    if issue.recommended_steps:
        lines += ["", "Recommended steps:", "", *(f"- [ ] {step}" for step in issue.recommended_steps)]
    return "\n".join([*lines, ""])


def _plain(text: str) -> str:
    """Names come from images and clusters: they are shown, never rendered."""
    return _MARKUP.sub(r"\\\g<0>", one_line(text))


def _facts(issue: Issue) -> list[tuple[str, str]]:
    violation = issue.violation
    return [
        ("Image", f"{issue.image} ({issue.platform})"),
        ("Integrity status", issue.integrity_status or "Not compared yet"),
        *(_violation_facts(violation) if violation else [(RUNTIME_DIGEST, issue.digest)]),
        ("Risks", ", ".join(issue.risks)),
        ("Vulnerabilities", _vulnerabilities(issue.vulnerabilities)),
        ("Build Owner", _person(issue.build_owner)),
        *(("Deployed By", f"{_person(place.deployed_by)}: {_place(place)}") for place in issue.places[:PLACES_NAMED]),
        ("Deployed By", "" if issue.places else "Unknown: no workload has it now"),
        ("Workloads", _more(issue)),
        ("Demonstration", "yes: none of this is real" if issue.demonstration else ""),
        ("Details", issue.link),
    ]


def _violation_facts(violation: IssueViolation) -> list[tuple[str, str]]:
    is_missing = violation.type is ViolationType.MISSING_SOURCE
    return [
        ("Violation", f"{violation.type} ({violation.severity})"),
        ("Reason", violation.reason),
        (RUNTIME_DIGEST, violation.runtime_digest),
        (violation.expected_digest_label, violation.expected_digest),
        ("Artifact Not Found", violation.registry_path if is_missing else ""),
        ("Artifact", violation.expected_link),
        ("Deployment Time", _written(violation.deployed_at) if violation.tag_updated_at else ""),
        ("Tag Update Time", _written(violation.tag_updated_at)),
        ("Elapsed", violation.elapsed),
        ("First Detected", _written(violation.first_detected_at)),
    ]


def _written(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def _vulnerabilities(severities: dict[Severity, int] | None) -> str:
    if severities is None:
        return "Not scanned"
    return ", ".join(f"{severities[level]} {level}" for level in Severity if severities.get(level)) or "None known"


def _person(person: AttributionOut | None) -> str:
    return f"{person.value} ({person.source})" if person else "Unknown"


def _place(place: IssuePlace) -> str:
    nodes = f", node {', '.join(place.nodes)}" if place.nodes else ""
    return f"{place.kind} {place.namespace}/{place.workload} on {place.cluster}{nodes}"


def _more(issue: Issue) -> str:
    more = issue.places_total - min(len(issue.places), PLACES_NAMED)
    return f"{more} more, not named here" if more > 0 else ""


COLUMNS = (
    *("title", "image", "digest", "platform", "integrity_status", "violation_type", "severity", "first_detected_at"),
    *("expected_digest", "cluster", "namespace", "kind", "workload", "nodes", "build_owner", "build_owner_source"),
    *("deployed_by", "deployed_by_source", "risks", "vulnerabilities", "link"),
)


def as_csv(issue: Issue) -> str:
    """A line for each place, one without a place where nothing has the image now (RFC 4180)."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    places: list[IssuePlace | None] = [*issue.places] or [None]
    writer.writerows([_cell(value) for value in _line(issue, place)] for place in places)
    return written.getvalue()


def _line(issue: Issue, place: IssuePlace | None) -> list[str]:
    violation = issue.violation
    detected_at = (place and place.first_detected_at) or (violation and violation.first_detected_at)
    builder, deployer = issue.build_owner, place and place.deployed_by
    return [
        issue.title,
        issue.image,
        issue.digest,
        issue.platform,
        issue.integrity_status or "",
        violation.type if violation else "",
        (violation.severity if violation else None) or "",
        _written(detected_at or None),
        violation.expected_digest if violation else "",
        *([place.cluster, place.namespace, place.kind, place.workload, " ".join(place.nodes)] if place else [""] * 5),
        *([builder.value, builder.source] if builder else ["Unknown", ""]),
        *([deployer.value, deployer.source] if deployer else ["Unknown", ""]),
        ", ".join(issue.risks),
        _vulnerabilities(issue.vulnerabilities),
        issue.link,
    ]


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula: names come from clusters and images (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
