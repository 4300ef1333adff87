"""A scan's result for people."""

import typer

from deadlight.cli.exposures import print_exposures
from deadlight.cli.output import SEVERITY_STYLES, advise, plain, print_table, severities
from deadlight.cli.scanning.exposed import Exposed
from deadlight.cli.scanning.report import Report
from deadlight.sbom.bill import BilledPackage, BilledVulnerability

MOST_PROBLEMS = 20


def print_report(report: Report) -> None:
    """Vulnerabilities and exposures on standard output; what else there is to know on standard error."""
    if not report.is_sca_asked:
        advise(f"{_count(report)}; nobody looked for vulnerabilities.")
    elif report.bill.vulnerabilities is None:
        _print_packages(report)
        advise(
            "[yellow]Nobody looked for vulnerabilities.[/] Sign in to a service "
            "(`deadlight login URL`), or give advisories with --advisories."
        )
    else:
        _print_findings(report)
    _print_exposures(report.exposed)
    for text in report.problems[:MOST_PROBLEMS]:
        advise(f"[yellow]problem:[/] {plain(text)}")
    if len(report.problems) > MOST_PROBLEMS:
        advise(f"[yellow]and {len(report.problems) - MOST_PROBLEMS} more problems[/]")


def _print_findings(report: Report) -> None:
    columns = ("Severity", "Vulnerability", "Package", "Fixed in", "Applicability")
    packages = _count(report)
    print_table(columns, [_finding_row(item) for item in report.findings], empty=f"{packages}, no known vulnerability.")
    if report.findings:
        typer.echo()
        advise(f"{packages}; vulnerabilities: {severities(report.severities)}")


def _print_exposures(exposed: Exposed) -> None:
    if exposed.exposures:
        typer.echo()
        print_exposures(list(exposed.to_dict()["exposures"] or ()))
    elif exposed.is_known:
        advise("No exposures.")


def _finding_row(item: BilledVulnerability) -> tuple[str, ...]:
    return (
        f"[{SEVERITY_STYLES[item.severity.value]}]{'Malicious' if item.malicious else item.severity.value}[/]",
        f"{plain(item.id)}{' [red](exploited)[/]' if item.known_exploited else ''}",
        plain(_name(item.package)),
        plain(item.fix_version),
        plain(item.applicability.value),
    )


def _print_packages(report: Report) -> None:
    rows = [(plain(_name(item)), plain(item.ecosystem), plain(item.locations[0])) for item in report.bill.packages]
    print_table(("Package", "Ecosystem", "Found in"), rows, empty="No packages of a kind that is known here.")
    advise(_count(report))


def _name(package: BilledPackage) -> str:
    return f"{package.name} {package.version}{' (stated by an SBOM only)' if package.is_only_stated else ''}"


def _count(report: Report) -> str:
    stated = sum(item.is_only_stated for item in report.bill.packages)
    more = f" ({stated} of them only stated by attached SBOMs)" if stated else ""
    return f"{len(report.bill.packages)} packages{more}"
