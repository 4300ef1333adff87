"""The scanner of applications: the image's own Python and Node source, and how it is started."""

from collections.abc import Iterator, Sequence

import msgspec

from deadlight.ecosystems import UnreadableFileError
from deadlight.model.exposure import Exposure, ExposureCategory
from deadlight.model.image import ImageSettings
from deadlight.scanner.applicability.first_party import is_source_name, may_be_own
from deadlight.scanner.exposures.applications.hit import MAX_HITS, KeptHits, Match
from deadlight.scanner.exposures.applications.node_code import EXPRESS, PROTECTED, find_in_node
from deadlight.scanner.exposures.applications.node_rules import NO_HELMET, NODE_RULES
from deadlight.scanner.exposures.applications.python_code import find_in_python
from deadlight.scanner.exposures.applications.python_rules import PYTHON_RULES
from deadlight.scanner.exposures.applications.started import STARTED_RULES, find_in_settings
from deadlight.scanner.exposures.exposure_scanner import ExposureScanner, Judgement, KeptFile
from deadlight.scanner.exposures.rule import Place, expose

APPLICATION_RULES = {rule.id: rule for rule in (*PYTHON_RULES, *NODE_RULES, *STARTED_RULES)}
"""All rules by id."""

MAX_BYTES = 512 * 1024
"""Of one source file; Python has a smaller limit of its own."""

_NODE = (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts")
_NOT_SOURCE = (".min.js", ".d.ts", ".bundle.js")
_TEST_FOLDERS = frozenset({"test", "tests", "__tests__", "spec", "testing", "fixtures"})


def wants(path: str) -> bool:
    """Whether a file by its path may be the image's own source; tests and minified files are not what runs."""
    if not (is_source_name(path) or (path.endswith(_NODE) and not path.endswith(_NOT_SOURCE))):
        return False
    *folders, name = path.split("/")
    is_test = name.startswith(("test_", "conftest.")) or ".test." in name or ".spec." in name
    return not is_test and _TEST_FOLDERS.isdisjoint(folders) and may_be_own(path)


def take(path: str, content: bytes) -> bytes | None:
    """The matches of rules in one file.

    Raises:
        UnreadableFileError: not parseable, nested too deeply or too large.
    """
    if is_source_name(path):
        kept = _kept(find_in_python(content), [])
    else:
        if len(content) > MAX_BYTES:
            raise UnreadableFileError(f"is source of more than {MAX_BYTES} bytes")
        text = content.decode("utf-8", errors="replace")
        kept = _kept(*find_in_node(text))
    return msgspec.msgpack.encode(kept) if kept.hits or kept.facts else None


def _kept(matches: "Iterator[Match] | list[Match]", facts: list[tuple[str, int]]) -> KeptHits:
    hits = dict.fromkeys(match.kept() for match in matches)
    ordered = sorted(hits, key=lambda hit: (hit.line, hit.rule, hit.evidence))
    return KeptHits(tuple(ordered[:MAX_HITS]), tuple(dict(reversed(facts)).items()))


def judge(files: Sequence[KeptFile], image: ImageSettings) -> Judgement:
    """What of an image's own code is at fault; what packages ship or a later layer removed is not looked at."""
    own = [file for file in files if not file.is_deleted and not file.owner_purl]
    exposures: list[Exposure] = []
    problems: list[str] = []
    express: list[Place] = []
    is_protected = False
    for file in own:
        try:
            kept = file.decode(KeptHits)
        except UnreadableFileError as error:
            problems.append(str(error))
            continue
        exposures += _exposures(file, kept)
        express += [_place(file, line) for fact, line in kept.facts if fact == EXPRESS]
        is_protected = is_protected or any(fact == PROTECTED for fact, _ in kept.facts)
    if not is_protected:
        exposures += [_expose(NO_HELMET.id, place, "express()") for place in express]
    exposures += [
        expose(ExposureCategory.APPLICATIONS, rule, place, evidence)
        for rule, place, evidence in find_in_settings(image)
    ]
    return Judgement.of(exposures, problems)


def _exposures(file: KeptFile, kept: KeptHits) -> Iterator[Exposure]:
    for hit in kept.hits:
        if hit.rule in APPLICATION_RULES:
            yield _expose(hit.rule, _place(file, hit.line), hit.evidence)


def _expose(rule: str, place: Place, evidence: str) -> Exposure:
    return expose(ExposureCategory.APPLICATIONS, APPLICATION_RULES[rule], place, evidence)


def _place(file: KeptFile, line: int) -> Place:
    return Place(file.path, f"line {line}", file.layer_digest)


APPLICATIONS_SCANNER = ExposureScanner(
    name="applications",
    version=1,
    category=ExposureCategory.APPLICATIONS,
    wants=wants,
    take=take,
    judge=judge,
    max_bytes=MAX_BYTES,
)
