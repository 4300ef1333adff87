"""Grafana (https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/)."""

from collections.abc import Iterator

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.finding import each, is_well_known, last_is_off, last_is_on
from deadlight.scanner.exposures.services.formats.lines import read_assignments
from deadlight.scanner.exposures.services.service import Rule, Service, pattern
from deadlight.scanner.exposures.services.setting import Setting


def _read(_: str, text: str) -> Iterator[Setting]:
    """Names as variables have them: `[auth.anonymous] enabled` is also GF_AUTH_ANONYMOUS_ENABLED."""
    for setting in read_assignments(text):
        yield Setting(_name(setting.name), setting.values, setting.line)


def _name(name: str) -> str:
    return name.lower().replace(".", "_").replace("-", "_")


def _anonymous_admin(configuration: Configuration) -> Iterator[Node]:
    role = configuration.last("auth_anonymous_org_role")
    if role and role.value.lower() in {"admin", "editor"} and list(last_is_on(_ANONYMOUS)(configuration)):
        yield role


_ANONYMOUS = "auth_anonymous_enabled"


GRAFANA = Service(
    name="grafana",
    paths=pattern(r"(?:.*/)?grafana[^/]*\.ini | (?:.*/)?grafana/(?:.*/)?(?:custom|defaults)\.ini"),
    read=_read,
    environment=lambda name: _name(name.removeprefix("GF_")) if name.startswith("GF_") else "",
    keep=pattern("auth_anonymous_enabled|auth_anonymous_org_role|security_admin_password|security_cookie_secure"),
    secret=pattern("security_admin_password"),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-grafana-anonymous-admin",
                Severity.HIGH,
                "Grafana lets anybody change it",
                "Visitors without a name have the role of an editor or administrator: they reach every data source.",
                "Write `org_role = Viewer` under `[auth.anonymous]`, or `enabled = false`.",
                "CWE-306",
            ),
            _anonymous_admin,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-grafana-anonymous",
                Severity.MEDIUM,
                "Grafana shows itself to anybody",
                "Visitors need no account, and can query every data source of the organisation.",
                "Write `enabled = false` under `[auth.anonymous]`.",
                "CWE-306",
            ),
            last_is_on(_ANONYMOUS),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-grafana-default-password",
                Severity.HIGH,
                "Grafana has a well-known password",
                "The password of its administrator is one that anybody tries first.",
                "Give `GF_SECURITY_ADMIN_PASSWORD__FILE` when the container starts.",
                "CWE-1392",
            ),
            each(lambda node: is_well_known(node.value), "security_admin_password"),
            spares_shipped=True,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-grafana-cookies",
                Severity.LOW,
                "Grafana's cookies travel without TLS",
                "The session cookie is sent over plain HTTP too, by an explicit setting.",
                "Write `cookie_secure = true` under `[security]`.",
                "CWE-614",
            ),
            last_is_off("security_cookie_secure"),
            spares_shipped=True,
        ),
    ),
)
"""The row of Grafana."""
