"""RabbitMQ (https://www.rabbitmq.com/docs/configure)."""

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText
from deadlight.scanner.exposures.services.finding import each, is_one_of, is_well_known, last_is_on, names_old_tls
from deadlight.scanner.exposures.services.formats.lines import read_assignments
from deadlight.scanner.exposures.services.service import Rule, Service, pattern, variables
from deadlight.scanner.exposures.services.tls_rules import old_tls

RABBITMQ = Service(
    name="rabbitmq",
    paths=pattern(r"(?:.*/)?rabbitmq[^/]*\.conf | (?:.*/)?rabbitmq/conf\.d/[^/]+\.conf"),
    read=lambda _, text: read_assignments(text),
    environment=variables("RABBITMQ_DEFAULT_PASS"),
    keep=pattern(
        r"""loopback_users(?:\.guest)?|default_pass|(?:[\w.]+\.)?ssl_options\.(?:verify|versions\.\w+)
        |mqtt\.allow_anonymous|\$RABBITMQ_DEFAULT_PASS"""
    ),
    secret=pattern(r"default_pass|\$RABBITMQ_DEFAULT_PASS"),
    rules=(
        Rule(
            RuleText(
                "EXP-SERVICE-rabbitmq-guest",
                Severity.HIGH,
                "RabbitMQ's guest may sign in from everywhere",
                "The user `guest`, whose password everybody knows, is no longer held to its own machine.",
                "Remove `loopback_users`, and delete the user `guest`.",
                "CWE-1392",
            ),
            lambda configuration: [
                *each(lambda node: is_one_of("none")(node.value), "loopback_users")(configuration),
                *each(lambda node: node.is_off, "loopback_users.guest")(configuration),
            ],
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-rabbitmq-default-password",
                Severity.HIGH,
                "RabbitMQ has a well-known password",
                "The password of its first user is one that anybody tries first.",
                "Give a long random password when the container starts, from a secret.",
                "CWE-1392",
            ),
            each(lambda node: is_well_known(node.value), "default_pass", "$RABBITMQ_DEFAULT_PASS"),
        ),
        Rule(
            RuleText(
                "EXP-SERVICE-rabbitmq-anonymous",
                Severity.MEDIUM,
                "RabbitMQ takes MQTT clients without a name",
                "Whoever reaches the MQTT port publishes and subscribes.",
                "Write `mqtt.allow_anonymous = false`.",
                "CWE-306",
            ),
            last_is_on("mqtt.allow_anonymous"),
        ),
        old_tls(
            "rabbitmq",
            "RabbitMQ",
            "ssl_options.versions.1 = tlsv1.2",
            lambda configuration: (
                node
                for node in configuration.nodes
                if "ssl_options.versions." in node.name and names_old_tls(node.value)
            ),
        ),
    ),
)
"""The row of RabbitMQ."""
