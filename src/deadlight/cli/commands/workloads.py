"""Workloads, and what they execute."""

from typing import Annotated, Any

import typer

from deadlight.cli import lists
from deadlight.cli.output import Format, Output, plain, print_table, severities, status
from deadlight.model.live_list import ProcessOrder, TimePeriod, WorkloadOrder


def workloads(
    search: Annotated[str, typer.Argument(help="Part of a name, a namespace or namespace/name.")] = "",
    *,
    risk: lists.Risk = None,
    severity: lists.Severity = None,
    detection: lists.Detection = None,
    cve: lists.Cve = None,
    cluster: lists.Cluster = None,
    namespace: lists.Namespace = None,
    period: lists.Period = TimePeriod.NOW,
    order: Annotated[WorkloadOrder, typer.Option(help="What comes first.")] = WorkloadOrder.RISK,
    limit: lists.Limit = 50,
    every: lists.All = False,
    output: Output = Format.TABLE,
) -> None:
    """List the workloads that run, riskiest first.

    Vulnerabilities are those that processes were seen to use; where no sensor looks, those of the images.

    Examples:
      deadlight workloads --risk critical_applicable_cves --namespace shop
      deadlight workloads --cve CVE-2024-3094 -o json
    """
    query = {"search": search, "risk": risk, "severity": severity, "cve": cve, "detection": detection}
    query |= {"cluster": cluster, "namespace": namespace, "period": period, "order": order}
    most = None if every else limit
    lists.show_rows("/api/v1/workloads", "workloads", query, limit=most, output=output, print_rows=_print_workloads)


def _print_workloads(found: list[dict[str, Any]]) -> None:
    print_table(
        ("Workload", "Kind", "Cluster", "Risks", "Vulnerabilities", "Detections", "Status", "Nodes", "Processes"),
        [_workload_row(item) for item in found],
        empty="No running workload matches. Connect a cluster with `deadlight connect`, or widen the search.",
    )


def _workload_row(item: dict[str, Any]) -> tuple[str, ...]:
    return (
        plain(f"{item['namespace']}/{item['name']}"),
        plain(item["kind"]),
        plain(item["cluster"]),
        plain(", ".join(item["risks"])),
        _vulnerabilities(item),
        severities(item["detections"]),
        status(item["runtime_status"]),
        str(len(item["nodes"])),
        str(item["processes_count"]),
    )


def _vulnerabilities(item: dict[str, Any]) -> str:
    if item["scan_state"] == "unknown":
        return "unknown: untrusted registry"
    partly = " (not all images scanned)" if item["scan_state"] == "partly" else ""
    return severities(item["severities"]) + partly


def processes(
    search: Annotated[str, typer.Argument(help="Part of a name, a path or arguments.")] = "",
    *,
    risk: lists.Risk = None,
    severity: lists.Severity = None,
    workload: Annotated[list[str] | None, typer.Option(help="In this workload, by name.")] = None,
    cluster: lists.Cluster = None,
    namespace: lists.Namespace = None,
    period: lists.Period = TimePeriod.NOW,
    order: Annotated[ProcessOrder, typer.Option(help="What comes first.")] = ProcessOrder.RISK,
    limit: lists.Limit = 50,
    every: lists.All = False,
    output: Output = Format.TABLE,
) -> None:
    """List what sensors saw workloads execute, riskiest first.

    Examples:
      deadlight processes /bin/sh --namespace shop
      deadlight processes --order seen --limit 20
    """
    query = {"search": search, "risk": risk, "severity": severity, "workload": workload}
    query |= {"cluster": cluster, "namespace": namespace, "period": period, "order": order}
    most = None if every else limit
    lists.show_rows("/api/v1/processes", "processes", query, limit=most, output=output, print_rows=_print_processes)


def _print_processes(found: list[dict[str, Any]]) -> None:
    print_table(
        ("Process", "Path", "Arguments", "Risks", "Vulnerabilities", "Status", "Workloads", "Image"),
        [_process_row(item) for item in found],
        empty="No process matches. Processes are known where sensors are installed: `deadlight clusters` shows where.",
    )


def _process_row(item: dict[str, Any]) -> tuple[str, ...]:
    return (
        plain(item["name"]),
        plain(item["path"] + (" (not from the image)" if item["changed"] else "")),
        plain(item["arguments"]),
        plain(", ".join(item["risks"])),
        _vulnerabilities(item),
        status(item["runtime_status"]),
        str(item["workloads_count"]),
        plain(item["image"]),
    )
