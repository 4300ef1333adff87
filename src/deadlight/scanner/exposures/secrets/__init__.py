"""Secrets in images: keywords first, then expressions in linear time, then whether it is plausible.

    secrets_scanner(salt, rules) the scanner, with the rules of this version or others
    parse_gitleaks_rules(...)    rules from a file in gitleaks' format

A layer's files are read by `reading.py` (`engine.py` finds, `evidence.py` masks); what is kept of them never holds a
secret. `judgement.py` makes exposures of all layers' and reads the image's settings itself.
"""

from deadlight.scanner.exposures.secrets.gitleaks import LoadedRules, parse_gitleaks_rules
from deadlight.scanner.exposures.secrets.paths import is_named_for_secrets
from deadlight.scanner.exposures.secrets.rules import SecretRule, load_rules
from deadlight.scanner.exposures.secrets.scanner import DEFAULT_SALT, secrets_scanner

__all__ = [
    "DEFAULT_SALT",
    "LoadedRules",
    "SecretRule",
    "is_named_for_secrets",
    "load_rules",
    "parse_gitleaks_rules",
    "secrets_scanner",
]
