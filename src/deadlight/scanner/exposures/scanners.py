"""The table of scanners of exposures, and asking all of them."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from deadlight.model.exposure import Exposure, ExposureCategory
from deadlight.model.image import ImageSettings
from deadlight.scanner.errors import InvalidRuleError, ScannerError
from deadlight.scanner.exposures.applications.scanner import APPLICATIONS_SCANNER
from deadlight.scanner.exposures.examination import ExaminedImage, examine, list_kept, with_unread
from deadlight.scanner.exposures.exposure_scanner import ExposureScanner, Judgement
from deadlight.scanner.exposures.iac.checkov import NotSupported, find_checkov, judge_iac
from deadlight.scanner.exposures.iac.scanner import IAC_SCANNER
from deadlight.scanner.exposures.secrets.gitleaks import MAX_FILE_BYTES, LoadedRules, parse_gitleaks_rules
from deadlight.scanner.exposures.secrets.rules import SecretRule, load_rules
from deadlight.scanner.exposures.secrets.scanner import DEFAULT_SALT, secrets_scanner
from deadlight.scanner.exposures.services.scanner import SERVICES_SCANNER

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A file with more rules for secrets in gitleaks' format.

    Its content goes with it, so that every process that reads layers goes by the rules whose version is noted.
    """

    name: str
    content: bytes = field(repr=False)


def read_rule_file(path: str) -> RuleFile | None:
    """The file of a path; None for an empty one.

    Raises:
        InvalidRuleError: it cannot be read.
    """
    if not path:
        return None
    try:
        with Path(path).open("rb") as stream:
            return RuleFile(path, stream.read(MAX_FILE_BYTES + 1))
    except OSError as error:
        raise InvalidRuleError(f"secret rules {path}: cannot be read: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class ExposureSetup:
    """What the scanners of exposures depend on beside this version."""

    salt: bytes = field(default=DEFAULT_SALT, repr=False)
    """For fingerprints of secrets."""
    secret_rules: RuleFile | None = None
    """More rules for secrets."""
    checkov: str = ""
    """Name or path of the program that judges infrastructure as code; empty looks on PATH."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What the scanners of one category found, or why they found nothing out."""

    exposures: tuple[Exposure, ...] = ()
    problems: tuple[str, ...] = ()
    """What could not be read."""
    error: str = ""
    """Why they failed."""
    not_supported: str = ""
    """What is missing here for this category, where anything is."""


@lru_cache(maxsize=8)
def exposure_scanners(setup: ExposureSetup) -> tuple[ExposureScanner, ...]:
    """Every scanner of exposures.

    Raises:
        InvalidRuleError: the file of more rules is not what its format says; says what is wrong.
    """
    secrets = secrets_scanner(setup.salt, _secret_rules(setup.secret_rules))
    return (secrets, APPLICATIONS_SCANNER, SERVICES_SCANNER, IAC_SCANNER)


def _secret_rules(file: RuleFile | None) -> tuple[SecretRule, ...] | None:
    if file is None:
        return None
    more = _parse_rules(file)
    for notice in more.notices:
        logger.info("a rule for secrets is left out", extra={"file": file.name, "notice": notice})
    return (*load_rules(), *more.rules)


def rule_notices(setup: ExposureSetup) -> tuple[str, ...]:
    """What of the file of more rules is not followed; raises as `exposure_scanners`."""
    return _parse_rules(setup.secret_rules).notices if setup.secret_rules else ()


@lru_cache(maxsize=8)
def _parse_rules(file: RuleFile) -> LoadedRules:
    return parse_gitleaks_rules(file.name, file.content)


def find_exposures(
    image: ExaminedImage, settings: ImageSettings, setup: ExposureSetup, categories: Iterable[ExposureCategory]
) -> Mapping[ExposureCategory, Examined]:
    """Ask the scanners of some categories. One that fails takes no other along.

    Blocks for seconds, longer where another program has to judge infrastructure as code.
    """
    scanners = exposure_scanners(setup)
    return {
        category: _examine_all([item for item in scanners if item.category is category], image, settings, setup)
        for category in categories
    }


def _examine_all(
    scanners: Sequence[ExposureScanner], image: ExaminedImage, settings: ImageSettings, setup: ExposureSetup
) -> Examined:
    found = [_examine(scanner, image, settings, setup) for scanner in scanners]
    return Examined(
        tuple(exposure for part in found for exposure in part.exposures),
        tuple(problem for part in found for problem in part.problems),
        "; ".join(part.error for part in found if part.error),
        "; ".join(part.not_supported for part in found if part.not_supported),
    )


def _examine(scanner: ExposureScanner, image: ExaminedImage, settings: ImageSettings, setup: ExposureSetup) -> Examined:
    try:
        judgement = _judge_iac(image, setup) if scanner is IAC_SCANNER else examine(scanner, image, settings)
    except ScannerError as error:
        return Examined(error=f"{scanner.name}: {error}")
    except Exception as error:
        logger.exception("a scanner of exposures failed", extra={"scanner": scanner.name})
        return Examined(error=f"{scanner.name}: unexpected {type(error).__name__}, the log says more")
    if isinstance(judgement, NotSupported):
        return Examined(not_supported=judgement.reason)
    return Examined(judgement.exposures, judgement.problems)


def _judge_iac(image: ExaminedImage, setup: ExposureSetup) -> Judgement | NotSupported:
    judged = judge_iac([list_kept(IAC_SCANNER.name, image)], find_checkov(setup.checkov))
    return judged if isinstance(judged, NotSupported) else with_unread(judged[0], IAC_SCANNER.name, image)
