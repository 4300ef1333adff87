"""Secrets in images: keywords first, then expressions in linear time, then whether it is plausible.

    SECRETS                      the scanner with the rules that come with this version
    secrets_scanner(salt, rules) the same with a salt of one's own, or other rules
    parse_gitleaks_rules(...)    rules from a file in gitleaks' format

A layer's files are read by `reading.py` (`engine.py` finds, `evidence.py` masks); what is kept of them never holds a
secret. `judgement.py` makes exposures of all layers' and reads the image's settings itself.
"""

from deadlight.scanner.exposures.secrets.gitleaks import LoadedRules, parse_gitleaks_rules
from deadlight.scanner.exposures.secrets.paths import is_named_for_secrets
from deadlight.scanner.exposures.secrets.rules import SecretRule, load_rules
from deadlight.scanner.exposures.secrets.scanner import DEFAULT_SALT, SECRETS, secrets_scanner

__all__ = [
    "DEFAULT_SALT",
    "SECRETS",
    "LoadedRules",
    "SecretRule",
    "is_named_for_secrets",
    "load_rules",
    "parse_gitleaks_rules",
    "secrets_scanner",
]
