"""Spring Boot (https://docs.spring.io/spring-boot/reference/actuator/endpoints.html)."""

from collections.abc import Iterator

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.finding import last_is_on
from deadlight.scanner.exposures.services.formats.documents import read_yaml
from deadlight.scanner.exposures.services.formats.lines import read_assignments
from deadlight.scanner.exposures.services.service import Rule, Service, pattern
from deadlight.scanner.exposures.services.setting import Setting


def _read(path: str, text: str) -> Iterator[Setting]:
    return read_assignments(text) if path.endswith(".properties") else read_yaml(text)


def _setting_of_variable(name: str) -> str:
    return name.lower().replace("_", ".") if name.startswith(("SPRING_H2_", "MANAGEMENT_")) else ""


def _open_endpoints(configuration: Configuration) -> Iterator[Node]:
    node = configuration.last(
        "management.endpoints.web.exposure.include", "management.endpoints.web.exposure.include.0"
    )
    if node and "*" in node.value:
        yield node


def _open_console(configuration: Configuration) -> Iterator[Node]:
    if list(last_is_on("spring.h2.console.enabled")(configuration)):
        yield from last_is_on("spring.h2.console.settings.web-allow-others")(configuration)


SPRING = Service(
    name="spring",
    paths=pattern(r"(?:.*/)?(?:application|bootstrap)(?:-[\w-]+)?\.(?:properties|ya?ml)"),
    read=_read,
    environment=_setting_of_variable,
    keep=pattern(
        r"""management\.endpoints\.web\.exposure\.include(?:\.0)?|spring\.h2\.console\.enabled
        |spring\.h2\.console\.settings\.web-allow-others"""
    ),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-spring-open-endpoints",
                Severity.MEDIUM,
                "Spring Boot shows all of its management endpoints",
                "`heapdump`, `env` and `loggers` give away secrets and change the program, unless guarded elsewhere.",
                "Write `management.endpoints.web.exposure.include=health,info`.",
                "CWE-200",
            ),
            _open_endpoints,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-spring-h2-console",
                Severity.HIGH,
                "H2's console is open to other machines",
                "Whoever reaches it runs any SQL, and through it code.",
                "Write `spring.h2.console.enabled=false`.",
                "CWE-306",
            ),
            _open_console,
        ),
    ),
)
"""The row of Spring Boot."""
