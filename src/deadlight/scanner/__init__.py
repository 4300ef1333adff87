"""From layers to what an image contains: packages with their files, and what its own code calls.

    scan_layer(stream)  ->  LayerFacts      one pass over one layer, stored by (layer digest, analyzer, version)
    squash(facts)       ->  ImageContents   pure: whiteouts, package databases, links
    FileIndex.of(...)                       path -> package, kept for each image
    ExecutableIndex.of(...)                 path -> SHA-256, kept for each image
    judge_applicability(rules, contents.calls, ids, package)
    judge_linked_functions(go_records(imports), programs)

Nothing touches the disk, the network or a clock, and nothing of an image is executed.
"""

from deadlight.ecosystems import LinkedFunctions
from deadlight.scanner.analyzer import Analyzer
from deadlight.scanner.analyzers import by_name, image_analyzers, package_analyzers
from deadlight.scanner.applicability.first_party_code import FirstPartyCode
from deadlight.scanner.applicability.go_judgement import GO_RECORDS, GoRecord, go_records, judge_linked_functions
from deadlight.scanner.applicability.go_programs import load_functions
from deadlight.scanner.applicability.judgement import ApplicabilityResult, Evidence, judge_applicability
from deadlight.scanner.applicability.rules import Rule, RuleSet, load_rules, parse_rule
from deadlight.scanner.contents import ImageContents, owners_by_path, squash
from deadlight.scanner.errors import (
    ImageTooLargeError,
    InvalidFactsError,
    InvalidRuleError,
    LayerError,
    ScannerError,
)
from deadlight.scanner.executable_index import ExecutableIndex, ImageFile, Presence
from deadlight.scanner.exposures.examination import examine, exposure_analyzer
from deadlight.scanner.exposures.exposure_scanner import ExposureScanner, Judgement, KeptFile
from deadlight.scanner.exposures.iac.checkov import NotSupported, find_checkov
from deadlight.scanner.exposures.scanners import (
    Examined,
    ExposureSetup,
    exposure_scanners,
    find_exposures,
    read_rule_file,
    rule_notices,
)
from deadlight.scanner.facts import LISTING, LayerFacts
from deadlight.scanner.file_index import FileIndex
from deadlight.scanner.layer import scan_layer
from deadlight.scanner.limits import DEFAULT_LIMITS, Limits
from deadlight.scanner.state import SCANNER_STATE, exposure_state

__all__ = [
    "DEFAULT_LIMITS",
    "GO_RECORDS",
    "LISTING",
    "SCANNER_STATE",
    "Analyzer",
    "ApplicabilityResult",
    "Evidence",
    "Examined",
    "ExecutableIndex",
    "ExposureScanner",
    "ExposureSetup",
    "FileIndex",
    "FirstPartyCode",
    "GoRecord",
    "ImageContents",
    "ImageFile",
    "ImageTooLargeError",
    "InvalidFactsError",
    "InvalidRuleError",
    "Judgement",
    "KeptFile",
    "LayerError",
    "LayerFacts",
    "Limits",
    "LinkedFunctions",
    "NotSupported",
    "Presence",
    "Rule",
    "RuleSet",
    "ScannerError",
    "by_name",
    "examine",
    "exposure_analyzer",
    "exposure_scanners",
    "exposure_state",
    "find_checkov",
    "find_exposures",
    "go_records",
    "image_analyzers",
    "judge_applicability",
    "judge_linked_functions",
    "load_functions",
    "load_rules",
    "owners_by_path",
    "package_analyzers",
    "parse_rule",
    "read_rule_file",
    "rule_notices",
    "scan_layer",
    "squash",
]
