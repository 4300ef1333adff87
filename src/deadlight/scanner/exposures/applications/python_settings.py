"""Which assignments of Python match which rule: settings of Django and Flask, attributes of TLS contexts."""

import ast
from collections.abc import Iterator

from deadlight.scanner.exposures.applications import python_rules as rules
from deadlight.scanner.exposures.applications.hit import Match
from deadlight.scanner.exposures.applications.python_calls import PythonFile, is_constant, strings_in, text_of
from deadlight.scanner.exposures.rule import MASK, RuleText

_DJANGO = frozenset({"INSTALLED_APPS", "MIDDLEWARE", "ROOT_URLCONF", "WSGI_APPLICATION", "ASGI_APPLICATION"})
"""Names of which a module of Django's settings assigns some."""

_OFF: dict[str, RuleText] = {
    "SESSION_COOKIE_SECURE": rules.INSECURE_COOKIES,
    "CSRF_COOKIE_SECURE": rules.INSECURE_COOKIES,
    "SESSION_COOKIE_HTTPONLY": rules.SCRIPT_COOKIES,
    "SECURE_SSL_REDIRECT": rules.DJANGO_NO_HTTPS,
}
"""Settings that may not be False."""

_CSRF = "django.middleware.csrf.CsrfViewMiddleware"
_SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
_OLD_TLS = frozenset(
    f"ssl.{name}" for name in ("PROTOCOL_SSLv2", "PROTOCOL_SSLv3", "PROTOCOL_TLSv1", "PROTOCOL_TLSv1_1")
)
_OLD_VERSIONS = frozenset(f"ssl.TLSVersion.{name}" for name in ("SSLv3", "TLSv1", "TLSv1_1"))


def setting_matches(file: PythonFile) -> Iterator[Match]:
    """What the assignments of a file are at fault for."""
    is_django = any(name in _DJANGO for name, _ in _module_settings(file.tree)) or _imports_django_settings(file)
    if is_django:
        for name, value in _module_settings(file.tree):
            yield from _django(name, value)
    for node in file.names.nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            yield from _attribute(file, node.targets[0], node.value)
        elif isinstance(node, ast.Attribute) and not _OLD_TLS.isdisjoint(file.names.meanings_of(node)):
            yield Match(rules.OLD_TLS, node.lineno, f"ssl.{node.attr}")


def _module_settings(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        target = (
            node.targets[0]
            if isinstance(node, ast.Assign)
            else node.target
            if isinstance(node, ast.AnnAssign)
            else None
        )
        if isinstance(target, ast.Name) and isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            yield target.id, node.value


def _imports_django_settings(file: PythonFile) -> bool:
    """`from .base import *`, as production settings begin: only settings are written in capitals after it."""
    return any(module.startswith(".") for module in file.names.starred) and any(
        name in {"DEBUG", "ALLOWED_HOSTS"} for name, _ in _module_settings(file.tree)
    )


def _django(name: str, value: ast.expr) -> Iterator[Match]:
    if name == "DEBUG" and is_constant(value, True):
        yield Match(rules.DJANGO_DEBUG, value.lineno, "DEBUG = True")
    elif name == "ALLOWED_HOSTS" and "*" in strings_in(value):
        yield Match(rules.DJANGO_HOSTS, value.lineno, "ALLOWED_HOSTS = ['*']")
    elif name == "SECRET_KEY" and text_of(value):
        yield Match(rules.SECRET_KEY, value.lineno, f"SECRET_KEY = {MASK}")
    elif name in _OFF and is_constant(value, False):
        yield Match(_OFF[name], value.lineno, f"{name} = False")
    elif name == "SECURE_HSTS_SECONDS" and is_constant(value, 0):
        yield Match(rules.DJANGO_NO_HTTPS, value.lineno, "SECURE_HSTS_SECONDS = 0")
    elif name == "MIDDLEWARE" and _SESSIONS in strings_in(value) and _CSRF not in strings_in(value):
        yield Match(rules.DJANGO_NO_CSRF, value.lineno, "MIDDLEWARE = [… without CsrfViewMiddleware]")


def _attribute(file: PythonFile, target: ast.expr, value: ast.expr) -> Iterator[Match]:
    """`thing.name = value` and `thing.config["NAME"] = value`."""
    match target:
        case ast.Attribute(attr="secret_key") if text_of(value) and file.imports("flask"):
            yield Match(rules.SECRET_KEY, target.lineno, f"secret_key = {MASK}")
        case ast.Attribute(attr="debug") if is_constant(value, True) and file.imports("flask"):
            yield Match(rules.DEBUG_SERVER, target.lineno, "debug = True")
        case ast.Attribute(attr="verify") if is_constant(value, False) and file.imports("requests"):
            yield Match(rules.TLS_UNVERIFIED, target.lineno, "verify = False")
        case ast.Attribute(attr="check_hostname") if is_constant(value, False) and file.imports("ssl"):
            yield Match(rules.TLS_UNVERIFIED, target.lineno, "check_hostname = False")
        case ast.Attribute(attr="verify_mode") if "ssl.CERT_NONE" in file.names.meanings_of(value):
            yield Match(rules.TLS_UNVERIFIED, target.lineno, "verify_mode = ssl.CERT_NONE")
        case ast.Attribute(attr="minimum_version") if not _OLD_VERSIONS.isdisjoint(file.names.meanings_of(value)):
            yield Match(rules.OLD_TLS, target.lineno, f"minimum_version = {file.names.meanings_of(value)[0]}")
        case ast.Subscript(value=ast.Attribute(attr="config"), slice=ast.Constant(value=str(name))):
            yield from _flask(name, value) if file.imports("flask") else ()


def _flask(name: str, value: ast.expr) -> Iterator[Match]:
    if name == "SECRET_KEY" and text_of(value):
        yield Match(rules.SECRET_KEY, value.lineno, f"config['SECRET_KEY'] = {MASK}")
    elif name in {"SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY"} and is_constant(value, False):
        yield Match(_OFF[name], value.lineno, f"config['{name}'] = False")
    elif name == "DEBUG" and is_constant(value, True):
        yield Match(rules.DEBUG_SERVER, value.lineno, "config['DEBUG'] = True")
