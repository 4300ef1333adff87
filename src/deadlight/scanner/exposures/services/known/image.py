"""The image itself: whom it runs as, and ports that tell of services nobody wants in a container."""

from collections.abc import Callable

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Node
from deadlight.scanner.exposures.services.finding import each
from deadlight.scanner.exposures.services.service import Rule, Service, pattern

_REMOTE_SHELLS = frozenset({"22", "2222"})
_PLAIN = frozenset({"20", "21", "23", "512", "513", "514"})
_DEBUGGERS = frozenset({"5005", "5678", "9229"})


def _is_root(node: Node) -> bool:
    return node.value.partition(":")[0] in {"", "0", "root"}


def _on(ports: frozenset[str]) -> Callable[[Node], bool]:
    return lambda node: node.value.removesuffix("/tcp") in ports


IMAGE = Service(
    name="image",
    keep=pattern("USER|EXPOSE"),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-image-root",
                Severity.LOW,
                "The image runs as root",
                "A flaw in what runs gives root inside the container, and makes a way out of it more likely.",
                "Write `USER 10001` at the end of the Dockerfile.",
                "CWE-250",
            ),
            each(_is_root, "USER"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-image-plain-port",
                Severity.MEDIUM,
                "The image offers FTP, telnet or rsh",
                "The port belongs to a service that sends passwords in clear text.",
                "Remove the service and its `EXPOSE` line; use what speaks TLS or SSH.",
                "CWE-319",
            ),
            each(_on(_PLAIN), "EXPOSE"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-image-ssh-port",
                Severity.LOW,
                "The image offers SSH",
                "A remote shell in a container is a second way in that nobody audits.",
                "Remove the service and its `EXPOSE` line; use `kubectl exec`.",
                "CWE-284",
            ),
            each(_on(_REMOTE_SHELLS), "EXPOSE"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-image-debugger-port",
                Severity.LOW,
                "The image offers a debugger",
                "The port is that of a debugger of Java, Node or Python, through which any code can be run.",
                "Remove the debugger's flags and the `EXPOSE` line from what runs in production.",
                "CWE-489",
            ),
            each(_on(_DEBUGGERS), "EXPOSE"),
        ),
    ),
)
"""The row of the image's own settings."""
