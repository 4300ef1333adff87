"""The two rules about TLS that most services have in their own words."""

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.finding import Find
from deadlight.scanner.exposures.services.service import Rule


def old_tls(service: str, title: str, line: str, find: Find) -> Rule:
    """The rule about SSL and TLS before 1.2; `line` is what to write."""
    text = RuleText(
        f"EXP-SERVICE-{service}-old-tls",
        Severity.MEDIUM,
        f"{title} accepts old TLS",
        "Connections over SSL or TLS 1.0/1.1 are taken, whose weaknesses let traffic be read or changed (RFC 8996).",
        f"Write `{line}`.",
        "CWE-327",
    )
    return Rule(text, find)


def weak_ciphers(service: str, title: str, line: str, find: Find) -> Rule:
    """The rule about ciphers that protect nothing; `line` is what to write."""
    text = RuleText(
        f"EXP-SERVICE-{service}-weak-ciphers",
        Severity.MEDIUM,
        f"{title} accepts weak ciphers",
        "The list of ciphers has ones that are broken (RC4, DES, export) or do not encrypt or authenticate.",
        f"Write `{line}`, or leave the setting out.",
        "CWE-326",
    )
    return Rule(text, find)
