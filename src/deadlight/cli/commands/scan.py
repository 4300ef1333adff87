"""Scanning an image before it runs."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, assert_never

import typer

from deadlight import __version__
from deadlight.cli.home import NoTargetError, Target, find_target
from deadlight.cli.output import Format, advise, plain, show
from deadlight.cli.scanning.by_service import scan_by_service
from deadlight.cli.scanning.printing import print_report
from deadlight.cli.scanning.report import Report
from deadlight.cli.scanning.sarif import write_sarif
from deadlight.cli.scanning.scope import Scope, parse_scanners
from deadlight.model.image import ImageReference, Platform
from deadlight.model.scan_configuration import Scanner
from deadlight.model.vulnerability import Severity

FINDINGS_EXIT_CODE = 3
"""What was asked to fail has been found."""


class ScanFormat(StrEnum):
    """How a scan is printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    CYCLONEDX = "cyclonedx"
    SARIF = "sarif"


class Threshold(StrEnum):
    """How grave a vulnerability or an exposure is at least."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


def scan(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help="An image (registry/repository:tag or @digest), an OCI layout folder, or a tar."
        ),
    ],
    *,
    platform: Annotated[str, typer.Option(help="os/architecture; this machine's by default.")] = "",
    ref: Annotated[str, typer.Option(help="Which image, where a folder or tar holds several.")] = "",
    local: Annotated[
        bool, typer.Option("--local", help="Pull and read the image here, with your credentials.")
    ] = False,
    advisories: Annotated[
        Path | None,
        typer.Option(exists=True, help="Match with these instead of a service: what `advisories import` takes."),
    ] = None,
    fail_on: Annotated[
        Threshold | None,
        typer.Option(help="End with exit code 3 where there is such a vulnerability or exposure, or a graver one."),
    ] = None,
    scanners: Annotated[
        str, typer.Option(help=f"What to look for here, separated by commas; all by default: {', '.join(Scanner)}.")
    ] = "",
    secret_rules: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="More rules for secrets, in gitleaks' format, for scans here."),
    ] = None,
    output: Annotated[ScanFormat, typer.Option("--output", "-o", help="How to print it.")] = ScanFormat.TABLE,
) -> None:
    """Scan an image before it is deployed; what is found is what will be shown when it runs.

    An image by its name is scanned by the service you are signed in to; with --local, or without a service, it is
    pulled and read here. Folders and tars (of an OCI layout, or by `docker save`) are always read here. Packages are
    then matched by that service, or with --advisories; without either only packages and exposures are listed.

    Exit codes: 0 scanned; 1 not scanned, or not by every scanner, standard error says why; 2 wrong usage; 3 found what
    --fail-on names.

    Examples:
      deadlight scan registry.example.com/shop/web:1.2.3
      deadlight scan --local shop/web:1.2.3 --fail-on high
      docker save shop/web:1.2.3 -o web.tar && deadlight scan web.tar
      deadlight scan ./layout --platform linux/arm64 -o cyclonedx
      deadlight scan web.tar --advisories all.zip -o sarif
      deadlight scan web.tar --scanners secrets --secret-rules ours.toml --fail-on low
    """
    service = _find_service()
    scope = _scope(scanners, secret_rules)
    if fail_on and Scanner.SCA in scope.scanners and service is None and advisories is None:
        raise typer.BadParameter(
            "there is nothing to match packages with: sign in to a service, give --advisories, or leave sca out of "
            "--scanners",
            param_hint="--fail-on",
        )
    try:
        path, wanted = _as_path(target), Platform.parse(platform) if platform else _this_platform()
        reference = None if path else ImageReference.parse(target)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="TARGET or --platform") from None
    if ref and reference:
        raise typer.BadParameter("an image by its name is one image: --ref is for folders and tars", param_hint="--ref")
    if reference and service and not (local or advisories):
        if scope != Scope():
            raise typer.BadParameter(
                "a service scans as it is configured: with --local the image is read here",
                param_hint="--scanners or --secret-rules",
            )
        report = scan_by_service(target, wanted, service)
    else:
        report = _scan_here(path or reference, ref, wanted, scope, advisories or service)
    _print(report, output)
    if fail_on and report.reaches(Severity(fail_on.value.capitalize())):
        raise typer.Exit(FINDINGS_EXIT_CODE)
    if report.exposed.has_failed:
        raise typer.Exit(1)


def _scope(scanners: str, secret_rules: Path | None) -> Scope:
    try:
        scope = Scope(parse_scanners(scanners), str(secret_rules or ""))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--scanners") from None
    if secret_rules and Scanner.SECRETS not in scope.scanners:
        raise typer.BadParameter("--scanners leaves secrets out", param_hint="--secret-rules")
    return scope


def _this_platform() -> Platform:
    """What images run on here: Linux, also where a virtual machine runs them, on this machine's processor."""
    machine = os.uname().machine.lower()
    return Platform("linux", {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}.get(machine, machine))


def _find_service() -> Target | None:
    try:
        return find_target()
    except NoTargetError:
        return None


def _as_path(target: str) -> Path | None:
    """The folder or file that a target names, if it names one; raises ValueError where it must and there is none."""
    path = Path(target).expanduser()
    is_spelled_so = target.startswith((".", "/", "~")) or target.endswith((".tar", ".tgz", ".tar.gz"))
    if path.is_file() or (path.is_dir() and (is_spelled_so or (path / "oci-layout").exists())):
        return path
    if is_spelled_so:
        raise ValueError(f"there is no file or folder {target}")
    return None


def _scan_here(
    target: Path | ImageReference | None,
    ref: str,
    platform: Platform,
    scope: Scope,
    advice: Path | Target | None,
) -> Report:
    assert target is not None, "one of both"
    try:
        from deadlight.cli.scanning.here import scan_here  # noqa: PLC0415 - brings what only this needs
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("deadlight"):
            raise
        needed = f"{error.name} is missing, which reading images needs"
        advise(f'[red]error:[/] {plain(needed)}: pip install "deadlight\\[scan]"')
        raise typer.Exit(1) from None
    return scan_here(target, ref, platform, scope, advice)


def _print(report: Report, output: ScanFormat) -> None:
    match output:
        case ScanFormat.CYCLONEDX:
            from deadlight.sbom.cyclonedx_writer import write_cyclonedx  # noqa: PLC0415 - only here

            show(write_cyclonedx(report.bill, __version__), Format.JSON, lambda: None)
        case ScanFormat.SARIF:
            show(write_sarif(report, __version__), Format.JSON, lambda: None)
        case ScanFormat.TABLE | ScanFormat.JSON | ScanFormat.YAML:
            show(report.to_dict(), Format(output.value), lambda: print_report(report))
        case _ as never:
            assert_never(never)
