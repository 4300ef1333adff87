"""How severe a failed check is. Checkov knows severities only when it is connected to its maker's platform."""

import re

from deadlight.model.vulnerability import Severity

_FAMILIES: tuple[tuple[str, Severity, str], ...] = (
    (r"hard.?coded|credentials|secrets? (?:are|is) (?:not )?exposed|plain.?text password", Severity.HIGH, "CWE-798"),
    (
        r"privileged|host (?:ipc|pid|network)|hostpath|docker (?:daemon )?socket|cap_sys_admin|sudo",
        Severity.HIGH,
        "CWE-250",
    ),
    (
        r"0\.0\.0\.0|unrestricted|publicly|public (?:access|acl|read|write|ip)|everyone|anonymous|\ball principals",
        Severity.HIGH,
        "CWE-284",
    ),
    (r"full .*admin|\"\*\"|'\*'|wildcard|privilege escalation|cluster-admin|impersonat", Severity.HIGH, "CWE-269"),
    (r"port 22\b|port 3389|open to the world|security groups? allow", Severity.HIGH, "CWE-284"),
    (r"tls|ssl|https|certificate|in transit", Severity.MEDIUM, "CWE-319"),
    (r"encrypt|\bkms\b|\bcmk\b|customer.managed", Severity.MEDIUM, "CWE-311"),
    (
        r"root|non-?root|uid|user for the container|capabilit|seccomp|allowprivilege|read-?only filesystem",
        Severity.MEDIUM,
        "CWE-250",
    ),
    (r"authenticat|authoriz|\biam\b|rbac|service account|password|mfa|imds", Severity.MEDIUM, "CWE-287"),
    (r"public|expose", Severity.MEDIUM, "CWE-284"),
    (r"log(?:s|ging|ged)?\b|monitor|audit|trail|insights", Severity.LOW, "CWE-778"),
    (r"limit|requests? should|memory|cpu", Severity.LOW, "CWE-770"),
)
_PATTERNS = tuple((re.compile(expression), severity, cwe) for expression, severity, cwe in _FAMILIES)


def severity_of(check_name: str) -> tuple[Severity, str]:
    """Severity and CWE of a check by what its name is about: the first family that matches; Low for the rest."""
    name = check_name.lower()
    return next(
        ((severity, cwe) for pattern, severity, cwe in _PATTERNS if pattern.search(name)), (Severity.LOW, "CWE-1188")
    )
