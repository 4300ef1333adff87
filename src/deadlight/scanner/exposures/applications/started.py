"""How the image starts its application: variables and flags that make it unsafe."""

import re
from collections.abc import Iterator

from deadlight.model.image import ImageSettings
from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.applications import node_rules, python_rules
from deadlight.scanner.exposures.rule import Place, RuleText
from deadlight.scanner.exposures.services.image_settings import command_words

DEVELOPMENT_SERVER = RuleText(
    "EXP-APP-development-server",
    Severity.MEDIUM,
    "The image starts a development server",
    "Servers for development reload code, show errors in full, and are made neither for load nor for attackers.",
    "Start gunicorn, uvicorn without `--reload`, or the built application.",
    "CWE-489",
)
INSPECTOR = RuleText(
    "EXP-APP-node-inspector",
    Severity.HIGH,
    "Node's debugger listens on all interfaces",
    "Whoever reaches the port runs code in the process.",
    "Remove `--inspect=0.0.0.0`.",
    "CWE-489",
)
STARTED_RULES = (DEVELOPMENT_SERVER, INSPECTOR)
"""The rules that only how the image is started tells about."""

_VARIABLES = (
    (re.compile(r"NODE_TLS_REJECT_UNAUTHORIZED=0\Z"), node_rules.TLS_UNVERIFIED, "NODE_TLS_REJECT_UNAUTHORIZED=0"),
    (re.compile(r"PYTHONHTTPSVERIFY=0\Z"), python_rules.TLS_UNVERIFIED, "PYTHONHTTPSVERIFY=0"),
    (re.compile(r"FLASK_DEBUG=(?i:1|true|on)"), python_rules.DEBUG_SERVER, "FLASK_DEBUG=1"),
    (re.compile(r"FLASK_ENV=development"), python_rules.DEBUG_SERVER, "FLASK_ENV=development"),
    (re.compile(r"DJANGO_DEBUG=(?i:1|true|on)"), python_rules.DJANGO_DEBUG, "DJANGO_DEBUG=1"),
    (re.compile(r"NODE_OPTIONS=.{0,500}?--inspect(?:-brk)?=0\.0\.0\.0"), INSPECTOR, "NODE_OPTIONS=… --inspect=0.0.0.0"),
)
_COMMANDS = (
    (re.compile(r"--inspect(?:-brk)?=(?:0\.0\.0\.0|\[?::\]?)"), INSPECTOR, "--inspect=0.0.0.0"),
    (re.compile(r"manage\.py runserver"), DEVELOPMENT_SERVER, "manage.py runserver"),
    (re.compile(r"flask (?:\S+ ){0,4}run\b"), DEVELOPMENT_SERVER, "flask run"),
    (re.compile(r"uvicorn .{0,500}?--reload"), DEVELOPMENT_SERVER, "uvicorn … --reload"),
    (re.compile(r"(?:npm|yarn|pnpm) (?:run )?dev\b"), DEVELOPMENT_SERVER, "npm run dev"),
)
"""What is looked for, and what is shown of it: other words of a command may be secret."""

MAX_COMMAND = 8_000
"""Characters of the command that are looked at."""


def find_in_settings(image: ImageSettings) -> Iterator[tuple[RuleText, Place, str]]:
    """What the image's variables and command are at fault for, each with its evidence."""
    for variable in image.env:
        for pattern, rule, shown in _VARIABLES:
            if pattern.match(variable):
                yield rule, Place("", f"ENV {variable.partition('=')[0]}"), shown
    command = " ".join(command_words(image))[:MAX_COMMAND]
    for pattern, rule, shown in _COMMANDS:
        if pattern.search(command):
            yield rule, Place("", "command"), shown
