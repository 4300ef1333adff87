"""Samples that rules are held to: what each must find, and what it must leave alone."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deadlight.model.exposure import Exposure
from deadlight.model.image import ImageSettings
from deadlight.scanner.exposures.exposure_scanner import ExposureScanner, Judgement, KeptFile

AS_APP = ImageSettings(user="app")
"""Of an image that does not run as root, which would be found in it."""


@dataclass(frozen=True)
class Sample:
    """What one rule is held to."""

    rule_id: str
    fields: Mapping[str, Any]

    def judge(self, scanner: ExposureScanner, side: str, owner_purl: str = "") -> Judgement:
        """Run the scanner on one side of the sample, `bad` or `good`."""
        content = self.fields.get(side)
        files = {self.fields["path"]: content.encode()} if content is not None else {}
        return judged(scanner, files, self._settings(side), owner_purl)

    def _settings(self, side: str) -> ImageSettings:
        def given(name: str) -> tuple[str, ...]:
            return tuple(self.fields.get(f"{side}_{name}", ()))

        return ImageSettings(
            env=given("env"),
            command=given("command"),
            user=self.fields.get(f"{side}_user", "app"),
            exposed_ports=given("ports"),
        )


def samples(path: Path) -> list[Sample]:
    """All samples of a file."""
    return [Sample(name, fields) for name, fields in tomllib.loads(path.read_text()).items()]


def judged(
    scanner: ExposureScanner,
    files: Mapping[str, bytes],
    settings: ImageSettings = AS_APP,
    owner_purl: str = "",
) -> Judgement:
    """What a scanner makes of files, by their paths relative to the root; all must be wanted."""
    kept = []
    for path, content in files.items():
        assert scanner.wants(path), path
        taken = scanner.take(path, content)
        if taken is not None:
            kept.append(KeptFile(f"/{path}", taken, "sha256:1", owner_purl=owner_purl))
    return scanner.judge(kept, settings)


def rules_of(judgement: Judgement) -> set[str]:
    """The ids of what was found."""
    return {exposure.rule_id for exposure in judgement.exposures}


def found(judgement: Judgement, rule_id: str) -> Exposure:
    """The one exposure of a rule."""
    (exposure,) = (one for one in judgement.exposures if one.rule_id == rule_id)
    return exposure
