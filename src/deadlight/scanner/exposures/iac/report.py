"""Checkov's JSON as exposures. Pure; the files' names are those they had while it ran."""

from collections.abc import Iterator, Mapping

import msgspec

from deadlight.model.exposure import Exposure, ExposureCategory
from deadlight.scanner.errors import SideProcessError
from deadlight.scanner.exposures.exposure_scanner import Judgement, KeptFile
from deadlight.scanner.exposures.iac.severities import severity_of
from deadlight.scanner.exposures.rule import Place, RuleText, expose, shorten


class _Result(msgspec.Struct, frozen=True):
    evaluated_keys: list[str] = []


class _Check(msgspec.Struct, frozen=True):
    check_id: str
    check_name: str
    file_path: str
    resource: str = ""
    file_line_range: list[int] = []
    check_result: _Result = _Result()


class _Results(msgspec.Struct, frozen=True):
    failed_checks: list[_Check] = []
    parsing_errors: list[str] = []


class _Report(msgspec.Struct, frozen=True):
    results: _Results = _Results()


def parse_report(output: bytes, files: Mapping[str, KeptFile]) -> Judgement:
    """What it found in one image; `files` by the path they had below the folder it was given (`/0/main.tf`).

    Raises:
        SideProcessError: it is not such a report.
    """
    try:
        reports = msgspec.json.decode(output, type=list[_Report] | _Report)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SideProcessError(f"checkov wrote no report that can be read: {error}") from error
    parts = reports if isinstance(reports, list) else [reports]
    exposures = [exposure for report in parts for exposure in _exposures(report, files)]
    problems = dict.fromkeys(problem for report in parts for problem in _unparsed(report, files))
    return Judgement.of(exposures, problems)


def _exposures(report: _Report, files: Mapping[str, KeptFile]) -> Iterator[Exposure]:
    for check in report.results.failed_checks:
        file = files.get(check.file_path)
        if file is not None:
            line = check.file_line_range[0] if check.file_line_range else 1
            place = Place(file.path, f"line {line}", file.layer_digest)
            yield expose(ExposureCategory.IAC, _words(check), place, _evidence(check, file))


def _evidence(check: _Check, file: KeptFile) -> str:
    resource = check.resource.replace(check.file_path, file.path.rpartition("/")[2])
    keys = ", ".join(check.check_result.evaluated_keys[:3])
    return f"{resource}: {keys}" if keys else resource or check.check_id


def _words(check: _Check) -> RuleText:
    severity, cwe = severity_of(check.check_name)
    name = shorten(check.check_name.strip().rstrip(".")) or check.check_id
    demand = name if name.lower().startswith("ensure ") else f"Ensure: {name}"
    return RuleText(
        id=f"EXP-IAC-{shorten(check.check_id)}",
        severity=severity,
        title=name,
        description=f"checkov's check {shorten(check.check_id)} failed for this resource: {name}.",
        recommendation=f"{demand}. `checkov --file FILE --check {shorten(check.check_id)}` shows the lines.",
        cwe=cwe,
    )


def _unparsed(report: _Report, files: Mapping[str, KeptFile]) -> Iterator[str]:
    """Checkov names these by their whole path, below a folder of its own choice."""
    for path in report.results.parsing_errors:
        file = next((file for name, file in files.items() if path.endswith(name)), None)
        if file is not None:
            yield f"{file.path}: checkov could not parse it"
