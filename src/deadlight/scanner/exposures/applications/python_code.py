"""Insecure calls and settings in one Python file, by its syntax tree."""

import ast
import re
from collections.abc import Iterator

from deadlight.ecosystems import UnreadableFileError
from deadlight.scanner.applicability.python_names import Names, TooManyMeaningsError
from deadlight.scanner.applicability.python_source import UnreadableSourceError, parse_source
from deadlight.scanner.exposures.applications import python_rules as rules
from deadlight.scanner.exposures.applications.hit import Match
from deadlight.scanner.exposures.applications.python_calls import PythonFile, call_matches
from deadlight.scanner.exposures.applications.python_settings import setting_matches

MAX_SOURCE = 256 * 1024
"""Bytes of one file; parsing takes 900 times this in memory."""

_TRIGGERS = re.compile(
    rb"DEBUG|ALLOWED_HOSTS|SECRET_KEY|secret_key|COOKIE_|SECURE_|MIDDLEWARE|csrf_exempt|debug\s*=|FastAPI|allow_origins"
    rb"|supports_credentials|verify\s*=\s*False|verify_ssl|ssl\s*=\s*False|check_hostname|CERT_NONE|PROTOCOL_|TLSVersion"
    rb"|_create_unverified_context|yaml|pickle|marshal|dill|\beval\b|\bexec\b|shell\s*=|\bsystem\b|popen|getoutput"
    rb"|create_subprocess_shell|jwt|md5|sha1|mktemp|XMLParser|autoescape|\.execute|\.raw\b|Policy|generate_private_key"
)
"""What a file has in it that any rule could match; the others, most of them, are not parsed."""


def find_in_python(source: bytes) -> Iterator[Match]:
    """Every match in one file.

    Raises:
        UnreadableFileError: not parseable by this interpreter, nested too deeply, too large or beyond the bounds.
    """
    if not _TRIGGERS.search(source):
        return
    if len(source) > MAX_SOURCE:
        raise UnreadableFileError(f"is Python of more than {MAX_SOURCE} bytes")
    try:
        tree = parse_source(source)
        file = PythonFile(tree, Names(tree))
    except (UnreadableSourceError, TooManyMeaningsError) as error:
        raise UnreadableFileError(str(error)) from error
    yield from setting_matches(file)
    for node in file.names.nodes:
        if isinstance(node, ast.Call):
            yield from call_matches(file, node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _decorators(file, node)


def _decorators(file: PythonFile, node: "ast.FunctionDef | ast.AsyncFunctionDef") -> Iterator[Match]:
    for decorator in node.decorator_list:
        if "django.views.decorators.csrf.csrf_exempt" in file.names.meanings_of(decorator):
            yield Match(rules.CSRF_EXEMPT, decorator.lineno, "@csrf_exempt")
