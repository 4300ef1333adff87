"""The Docker daemon (https://docs.docker.com/reference/cli/dockerd/)."""

from collections.abc import Iterator

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.configuration import Configuration, Node
from deadlight.scanner.exposures.services.finding import last_is_on
from deadlight.scanner.exposures.services.formats.documents import read_json
from deadlight.scanner.exposures.services.service import Rule, Service, pattern
from deadlight.scanner.exposures.services.setting import Setting


def _read(_: str, text: str) -> Iterator[Setting]:
    """Entries of lists under the name of their list, as flags are repeated."""
    for setting in read_json(text):
        name, _, number = setting.name.rpartition(".")
        yield Setting(name if number.isdigit() else setting.name, setting.values, setting.line)


def _open_sockets(configuration: Configuration) -> Iterator[Node]:
    if not list(last_is_on("tlsverify")(configuration)):
        yield from (node for node in configuration.named("hosts", "host", "H") if node.value.startswith("tcp://"))


DOCKER = Service(
    name="docker",
    paths=pattern(r"(?:.*/)?docker/daemon\.json"),
    read=_read,
    programs=frozenset({"dockerd"}),
    keep=pattern("hosts|host|H|tlsverify|insecure-registries|insecure-registry"),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-docker-open-socket",
                Severity.CRITICAL,
                "The Docker daemon answers everybody",
                "Whoever reaches the port is root on the machine: the API starts any container.",
                'Write `"hosts": ["unix:///var/run/docker.sock"]`, or `"tlsverify": true` with certificates.',
                "CWE-306",
            ),
            _open_sockets,
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-docker-insecure-registry",
                Severity.MEDIUM,
                "The Docker daemon pulls without verifying",
                "From registries named here images come over plain HTTP or from anybody between.",
                "Remove `insecure-registries` and give the registry a certificate.",
                "CWE-295",
            ),
            lambda configuration: configuration.named("insecure-registries", "insecure-registry"),
        ),
    ),
)
"""The row of the Docker daemon."""
