"""What runs: image tags, and everything about one of them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from deadlight.cli import lists
from deadlight.cli.exposures import print_exposures, scan_facts
from deadlight.cli.output import Format, Output, advise, plain, print_facts, print_table, severities, show, status
from deadlight.cli.references import UnknownImageError, choose_image, search_of
from deadlight.cli.service import run
from deadlight.cli.signatures import signature_facts
from deadlight.client.rest import RestClient
from deadlight.model.live_list import ImageOrder, TimePeriod

IMAGE_TAGS = "/api/v1/image-tags"
CANDIDATES = 100


class ImageFormat(StrEnum):
    """How an image is printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    CYCLONEDX = "cyclonedx"


def images(
    search: Annotated[str, typer.Argument(help="Part of a name, a tag or a digest.")] = "",
    *,
    risk: lists.Risk = None,
    severity: lists.Severity = None,
    detection: lists.Detection = None,
    cve: lists.Cve = None,
    package: lists.Package = None,
    cluster: lists.Cluster = None,
    namespace: lists.Namespace = None,
    period: lists.Period = TimePeriod.NOW,
    order: Annotated[ImageOrder, typer.Option(help="What comes first.")] = ImageOrder.RISKS,
    limit: lists.Limit = 50,
    every: lists.All = False,
    output: Output = Format.TABLE,
) -> None:
    """List the images that run, by tag, riskiest first.

    Examples:
      deadlight images --risk integrity_violation
      deadlight images --cve CVE-2024-3094 --cluster production -o json
      deadlight images shop/ --period "7 days" --all
    """
    query = {"search": search, "risk": risk, "severity": severity, "cve": cve, "detection": detection}
    query |= {"package": package, "cluster": cluster, "namespace": namespace}
    query |= {"period": period, "order": order}
    most = None if every else limit
    lists.show_rows(IMAGE_TAGS, "image_tags", query, limit=most, output=output, print_rows=_print_images)


def _print_images(found: list[dict[str, Any]]) -> None:
    print_table(
        ("Image", "Integrity", "Risks", "Vulnerabilities", "Detections", "Status", "Workloads"),
        [_image_row(item) for item in found],
        empty="No running image matches. Connect a cluster with `deadlight connect`, or widen the search.",
    )


def _image_row(item: dict[str, Any]) -> tuple[str, ...]:
    return (
        plain(_name(item)),
        plain(_integrity(item)),
        plain(", ".join(item["risks"])),
        severities(item["severities"]),
        severities(item["detections"]),
        status(item["runtime_status"]),
        str(item["workloads_count"]),
    )


def _name(item: dict[str, Any]) -> str:
    end = f":{item['tag']}" if item["tag"] else f"@{item['digest']}"
    return f"{item['registry']}/{item['repository']}{end}"


def _integrity(item: dict[str, Any]) -> str:
    return str(item["violation_type"] or item["integrity_status"] or "not compared yet")


def image(
    reference: Annotated[
        str, typer.Argument(metavar="REF", help="name:tag, name@digest or a part of one that means one image.")
    ],
    *,
    output: Annotated[ImageFormat, typer.Option("--output", "-o", help="How to print it.")] = ImageFormat.TABLE,
) -> None:
    """Show an image: its verdict, who built, signed and deployed it, its scans and exposures, and its workloads.

    With -o cyclonedx it prints its packages as a bill of materials.

    Examples:
      deadlight image shop/web:1.2.3
      deadlight image registry.example.com/shop/web@sha256:4f53 -o yaml
      deadlight image shop/web:1.2.3 -o cyclonedx > web.cdx.json
    """
    if output is ImageFormat.CYCLONEDX:
        show(run(lambda client: _fetch_bill(client, reference)), Format.JSON, lambda: None)
        return
    found = run(lambda client: _fetch_image(client, reference))
    show(found, Format(output.value), lambda: _print_image(found))


async def _fetch_bill(client: RestClient, reference: str) -> Any:
    return await client.get(f"{await _find_address(client, reference)}/sbom")


async def _find_address(client: RestClient, reference: str) -> str:
    """Where the one image is that is meant: of what runs now, else of what ran within ten days."""
    try:
        chosen = await _choose(client, reference, TimePeriod.NOW)
    except UnknownImageError:
        chosen = await _choose(client, reference, TimePeriod.TEN_DAYS)
    return f"{IMAGE_TAGS}/{chosen['id']}"


async def _fetch_image(client: RestClient, reference: str) -> dict[str, Any]:
    """What is known of an image."""
    address = await _find_address(client, reference)
    return {
        "image": await client.get(address),
        "signatures": await client.get(f"{address}/attestations"),
        "scan_status": await client.get(f"{address}/scan-status"),
        "exposures": (await client.get(f"{address}/exposures"))["exposures"],
        "vulnerabilities": (await client.get(f"{address}/vulnerabilities"))["vulnerabilities"],
        **await client.get(f"{address}/workloads"),
    }


async def _choose(client: RestClient, reference: str, period: TimePeriod) -> Mapping[str, Any]:
    query = {"search": search_of(reference), "period": period, "order": ImageOrder.NAME}
    rows, total = await client.list_rows(IMAGE_TAGS, "image_tags", query, CANDIDATES)
    return choose_image(reference, rows, total)


def _print_image(found: dict[str, Any]) -> None:
    image, workloads = found["image"], found["workloads"]
    facts = (
        _identity(image),
        _verdict(image),
        _contents(image),
        _exploited(found["vulnerabilities"]),
        _owners(image),
        signature_facts(found["signatures"]),
    )
    print_facts([fact for part in facts for fact in part])
    typer.echo()
    print_facts(scan_facts(found["scan_status"], found["exposures"]))
    typer.echo()
    if found["exposures"]:
        print_exposures(found["exposures"])
        typer.echo()
    print_table(
        ("Workload", "Kind", "Cluster", "Nodes", "Status", "Deployed By"),
        [_workload_row(workload) for workload in workloads],
        empty="No workload runs it now.",
    )
    for step in image["verdict"]["recommended_steps"]:
        advise(f"[yellow]do:[/] {plain(step)}")


def _identity(item: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("Image", plain(_name(item))),
        ("Digest", plain(item["digest"])),
        ("Platform", plain(item["platform"])),
        ("Status", status(item["runtime_status"])),
        ("First seen", plain(item["first_seen_at"])),
        ("Risks", plain(", ".join(item["risks"])) or "none known"),
    ]


def _verdict(item: dict[str, Any]) -> list[tuple[str, str]]:
    verdict, evidence = item["verdict"], item["verdict"]["evidence"]
    severity = f" ({verdict['violation_severity']})" if verdict["violation_severity"] else ""
    mutable = {True: "may be moved", False: "must not be moved", None: ""}[evidence.get("tag_mutable")]
    return [
        ("Integrity", plain(_integrity(item) + severity)),
        ("Why", plain(verdict["reason"])),
        ("Registry has", plain(verdict["expected_digest"])),
        ("Tag", plain(f"{mutable}: {evidence.get('mutability_detail', '')}".removesuffix(": ") if mutable else "")),
        ("First detected", plain(verdict["first_detected_at"])),
        ("Not up to date", plain(verdict["stale_reason"] or verdict["problem"])),
    ]


def _contents(item: dict[str, Any]) -> list[tuple[str, str]]:
    scan = item["scan_error"] or f"{item['scan_status']}, {item['packages_count']} packages"
    return [
        ("Scan", plain(scan)),
        ("Vulnerabilities", severities(item["severities"])),
        ("In use", f"{item['validated_vulnerabilities']} of packages that sensors saw in use"),
    ]


def _exploited(vulnerabilities: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """What is known of their exploitation: those of CISA's catalogue, and the likeliest of all."""
    known = {item["vulnerability"]: item["exploitation"] for item in vulnerabilities if item["known_exploited"]}
    scores = {item["vulnerability"]: item["epss"]["probability"] for item in vulnerabilities if item["epss"]}
    likeliest = max(scores, key=scores.__getitem__, default="")
    return [
        ("Known exploited", plain(", ".join(_due(name, entry) for name, entry in known.items()))),
        ("Likeliest exploited", f"{plain(likeliest)}, {scores[likeliest]:.1%} within 30 days" if likeliest else ""),
    ]


def _due(name: str, entry: dict[str, Any]) -> str:
    ransomware = ", used by ransomware" if entry["ransomware"] else ""
    return f"{name} (fix by {entry['due_on'] or 'now'}{ransomware})"


def _owners(item: dict[str, Any]) -> list[tuple[str, str]]:
    deployers = ", ".join(_person(deployer) for deployer in item["deployed_by"])
    return [
        ("Build Owner", _person(item["build_owner"]) or "unknown: the image and its registry do not say"),
        ("Deployed By", deployers or "unknown: its workloads do not say"),
    ]


def _person(attribution: dict[str, Any] | None) -> str:
    return plain(f"{attribution['value']} ({attribution['source']})") if attribution else ""


def _workload_row(item: dict[str, Any]) -> tuple[str, ...]:
    return (
        plain(f"{item['namespace']}/{item['name']}"),
        plain(item["kind"]),
        plain(item["cluster"]),
        str(len(item["nodes"])),
        status(item["status"]),
        _person(item["deployed_by"]),
    )
