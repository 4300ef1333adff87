"""Parsers of settings, code and secrets in images, and of what others say of images: reports and bills of materials."""

import json
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.fuzz.target import Target
from tests.scanner.exposures.sampled import judged, samples

from deadlight.ecosystems import UnreadableFileError
from deadlight.sbom.errors import InvalidSbomError
from deadlight.sbom.reading import read_sbom
from deadlight.scanner import ExposureScanner, ExposureSetup, exposure_scanners
from deadlight.scanner.errors import SideProcessError
from deadlight.scanner.exposures.exposure_scanner import KeptFile
from deadlight.scanner.exposures.iac.report import parse_report

_SAMPLES = Path(__file__).parents[1] / "scanner/exposures"
_MORE = {
    "secrets": {"app/settings.py": b'AWS = "AKIA2E0A8F3B244C9986"\nurl = "postgres://app:hunter2hunter2@db/app"\n'},
    "iac": {
        "app/Dockerfile": b"FROM debian\nUSER root\nRUN curl http://a | sh\n",
        "app/main.tf": b'resource "a" "b" {}\n',
    },
}
_CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "components": [
        {"type": "library", "name": "a", "version": "1", "purl": "pkg:pypi/a@1", "components": []},
        {"type": "library", "name": "b", "purl": "pkg:deb/debian/b@1:2-3?arch=amd64&distro=debian-12&upstream=c%401"},
    ],
}
_SPDX = {
    "spdxVersion": "SPDX-2.3",
    "packages": [
        {
            "name": "a",
            "versionInfo": "1",
            "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:maven/g/a@1"}],
        }
    ],
}


def exposure_targets() -> Iterator[Target]:
    """A target for every service's file that a sample of a rule has, and for every language of code."""
    for scanner in exposure_scanners(ExposureSetup()):
        for path, contents in sorted(_samples(scanner).items()):
            name = f"exposure-{scanner.name}-{path.replace('/', '-')}"
            yield Target(name, partial(_judge, scanner, path), tuple(sorted(contents)), (UnreadableFileError,))
    report = (_SAMPLES / "iac/checkov-3.3.30.json").read_bytes()
    yield Target("checkov-report", _report, (report,), (SideProcessError,), max_bytes=len(report) + 1024)
    bills = tuple(json.dumps(bill).encode() for bill in (_CYCLONEDX, _SPDX))
    yield Target(
        "bill-of-materials", lambda data: read_sbom(data, distribution="Debian:12"), bills, (InvalidSbomError,)
    )


def _samples(scanner: ExposureScanner) -> dict[str, set[bytes]]:
    found: dict[str, set[bytes]] = defaultdict(set)
    for path, content in _MORE.get(scanner.name, {}).items():
        found[path].add(content)
    file = _SAMPLES / scanner.name / "samples.toml"
    for sample in samples(file) if file.exists() else ():
        for side in ("bad", "good"):
            if side in sample.fields and scanner.wants(sample.fields["path"]):
                found[_place(scanner, sample.fields["path"])].add(sample.fields[side].encode())
    return found


def _place(scanner: ExposureScanner, path: str) -> str:
    """Services are told by where a file lies, languages by how its name ends."""
    return path if scanner.name == "services" else f"app/server{Path(path).suffix}"


def _judge(scanner: ExposureScanner, path: str, data: bytes) -> None:
    judged(scanner, {path: data})


def _read_bill(data: bytes) -> None:
    read_sbom(data, distribution="Debian:12")


def _report(data: bytes) -> None:
    parse_report(data, {"app/Dockerfile": KeptFile("/app/Dockerfile", b"FROM a", "sha256:1")})
