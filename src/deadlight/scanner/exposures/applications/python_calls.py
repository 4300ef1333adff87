"""Which calls of Python match which rule."""

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from deadlight.scanner.applicability.python_names import Names
from deadlight.scanner.exposures.applications import python_rules as rules
from deadlight.scanner.exposures.applications.hit import Match
from deadlight.scanner.exposures.rule import RuleText

MAX_PARTS = 200
"""Nodes of one argument that are looked at."""

_SQL = ("select ", "insert ", "update ", "delete ", "replace ", "with ")
_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "request")


@dataclass(frozen=True, slots=True)
class PythonFile:
    """One parsed file."""

    tree: ast.Module
    names: Names

    def imports(self, package: str) -> bool:
        """Whether anything of a package is imported, under whatever name."""
        found = (meaning for name in self.names.imported for meaning in self.names.meanings_of_name(name))
        return any(meaning.partition(".")[0] == package for meaning in found)


Found = str | None
"""What a match shows as evidence; None where there is none."""


def argument(call: ast.Call, name: str) -> ast.expr | None:
    """The keyword argument of a name."""
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def is_constant(node: ast.AST | None, value: object) -> bool:
    """Whether an expression is exactly this literal; True is not 1."""
    return isinstance(node, ast.Constant) and node.value == value and type(node.value) is type(value)


def text_of(node: ast.AST | None) -> str | None:
    """The text of a literal string."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def strings_in(node: ast.AST | None) -> list[str]:
    """The literal strings of a literal list, tuple or set; a string alone counts as a list of one."""
    parts = node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else [node]
    return [text for part in parts[:MAX_PARTS] if (text := text_of(part)) is not None]


def is_put_together(node: ast.AST | None) -> bool:
    """Whether a string is built from values: an f-string, `%`, `+` with a string or `.format`."""
    match node:
        case ast.JoinedStr(values=values):
            return any(isinstance(value, ast.FormattedValue) and not _is_fixed(value.value) for value in values)
        case ast.BinOp(op=ast.Mod(), left=left):
            return text_of(left) is not None
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            constant = text_of(left) is not None, text_of(right) is not None
            return constant != (True, True) and (any(constant) or is_put_together(left))
        case ast.Call(func=ast.Attribute(value=value, attr="format")):
            return text_of(value) is not None
    return False


def _is_fixed(node: ast.expr) -> bool:
    """Whether a value is a literal or what is written as a constant of the module: `TABLE`."""
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id.isupper())


def first_text(node: ast.AST | None) -> str:
    """The literal text a put-together string begins with."""
    for _ in range(MAX_PARTS):
        match node:
            case ast.JoinedStr(values=[first, *_]) | ast.BinOp(left=first):
                node = first
            case ast.Call(func=ast.Attribute(value=value)):
                node = value
            case _:
                break
    return text_of(node) or ""


def mentions_request(node: ast.AST) -> bool:
    """Whether an expression takes something of what is called `request`."""
    return any(
        isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "request"
        for part, _ in zip(ast.walk(node), range(MAX_PARTS), strict=False)
    )


def _mentions_password(node: ast.AST) -> bool:
    parts = zip(ast.walk(node), range(MAX_PARTS), strict=False)
    names = (part.id if isinstance(part, ast.Name) else getattr(part, "attr", "") for part, _ in parts)
    return any(isinstance(name, str) and ("password" in name.lower() or "passwd" in name.lower()) for name in names)


def _keyword_false(*names: str) -> Callable[[ast.Call], Found]:
    def find(call: ast.Call) -> Found:
        return next((f"{name}=False" for name in names if is_constant(argument(call, name), False)), None)

    return find


def _always(_: ast.Call) -> Found:
    return ""


def _shell(call: ast.Call) -> Found:
    line = call.args[0] if call.args else argument(call, "args")
    return "…, shell=True" if is_constant(argument(call, "shell"), True) and is_put_together(line) else None


def _system(call: ast.Call) -> Found:
    return "…" if call.args and is_put_together(call.args[0]) else None


def _request(call: ast.Call) -> Found:
    return "request…" if call.args and mentions_request(call.args[0]) else None


def _password(call: ast.Call) -> Found:
    return "password…" if call.args and _mentions_password(call.args[0]) else None


def _unverified_token(call: ast.Call) -> Found:
    options = argument(call, "options")
    pairs = zip(options.keys, options.values, strict=True) if isinstance(options, ast.Dict) else ()
    if any(text_of(key) == "verify_signature" and is_constant(value, False) for key, value in pairs):
        return "options={'verify_signature': False}"
    if "none" in [text.lower() for text in strings_in(argument(call, "algorithms"))]:
        return "algorithms=['none']"
    return _keyword_false("verify")(call)


def _any_origin(call: ast.Call) -> Found:
    for origins, credentials in (("allow_origins", "allow_credentials"), ("origins", "supports_credentials")):
        if "*" in strings_in(argument(call, origins)) and is_constant(argument(call, credentials), True):
            return f"{origins}='*', {credentials}=True"
    return None


def _external_entities(call: ast.Call) -> Found:
    if is_constant(argument(call, "resolve_entities"), True):
        return "resolve_entities=True"
    return _keyword_false("no_network")(call)


def _short_key(call: ast.Call) -> Found:
    size = argument(call, "key_size")
    bits = size.value if isinstance(size, ast.Constant) else None
    return f"key_size={bits}" if isinstance(bits, int) and not isinstance(bits, bool) and bits < 2048 else None


def _shows_docs(call: ast.Call) -> Found:
    hidden = any(is_constant(argument(call, name), None) for name in ("docs_url", "openapi_url"))
    return None if hidden or any(keyword.arg is None for keyword in call.keywords) else ""


_CALLS: Mapping[str, tuple[RuleText, Callable[[ast.Call], Found]]] = {
    **{f"requests.{verb}": (rules.TLS_UNVERIFIED, _keyword_false("verify")) for verb in _VERBS},
    **{
        f"httpx.{verb}": (rules.TLS_UNVERIFIED, _keyword_false("verify")) for verb in (*_VERBS, "Client", "AsyncClient")
    },
    "aiohttp.TCPConnector": (rules.TLS_UNVERIFIED, _keyword_false("ssl", "verify_ssl")),
    "ssl._create_unverified_context": (rules.TLS_UNVERIFIED, _always),
    "yaml.unsafe_load": (rules.UNSAFE_YAML, _always),
    "yaml.unsafe_load_all": (rules.UNSAFE_YAML, _always),
    **{
        f"{module}.{name}": (rules.UNSAFE_PICKLE, _request)
        for module in ("pickle", "cPickle", "dill", "marshal", "jsonpickle")
        for name in ("loads", "decode")
    },
    **{f"subprocess.{name}": (rules.SHELL, _shell) for name in ("run", "call", "check_call", "check_output", "Popen")},
    **dict.fromkeys(("os.system", "os.popen", "subprocess.getoutput"), (rules.SHELL, _system)),
    "asyncio.create_subprocess_shell": (rules.SHELL, _system),
    "jwt.decode": (rules.JWT, _unverified_token),
    "jose.jwt.decode": (rules.JWT, _unverified_token),
    "hashlib.md5": (rules.PASSWORD_HASH, _password),
    "hashlib.sha1": (rules.PASSWORD_HASH, _password),
    "tempfile.mktemp": (rules.MKTEMP, _always),
    "lxml.etree.XMLParser": (rules.XML_ENTITIES, _external_entities),
    "jinja2.Environment": (rules.AUTOESCAPE, _keyword_false("autoescape")),
    "flask_cors.CORS": (rules.CORS, _any_origin),
    "fastapi.FastAPI": (rules.FASTAPI_DOCS, _shows_docs),
    "paramiko.AutoAddPolicy": (rules.HOST_KEYS, _always),
    "paramiko.WarningPolicy": (rules.HOST_KEYS, _always),
    **{
        f"cryptography.hazmat.primitives.asymmetric.{kind}.generate_private_key": (rules.WEAK_KEY, _short_key)
        for kind in ("rsa", "dsa")
    },
}
_SAFE_LOADERS = ("SafeLoader", "CSafeLoader", "BaseLoader", "CBaseLoader")


def call_matches(file: PythonFile, call: ast.Call) -> Iterator[Match]:
    """What one call is at fault for."""
    for name in file.names.meanings_of(call.func):
        known = _CALLS.get(name)
        evidence = known[1](call) if known else None
        if known and evidence is not None:
            yield Match(known[0], call.lineno, f"{name}({evidence})")
        elif name in {"yaml.load", "yaml.load_all"} and not _loads_safely(file, call):
            yield Match(rules.UNSAFE_YAML, call.lineno, f"{name}(…)")
    yield from _method_matches(file, call)


def _loads_safely(file: PythonFile, call: ast.Call) -> bool:
    """An unknown loader may well be a subclass of a safe one: only certainty counts."""
    loader = argument(call, "Loader") or (call.args[1] if len(call.args) > 1 else None)
    if loader is None:
        return any(keyword.arg is None for keyword in call.keywords)
    meanings = file.names.meanings_of(loader)
    return not meanings or any(meaning.rpartition(".")[2] in _SAFE_LOADERS for meaning in meanings)


def _method_matches(file: PythonFile, call: ast.Call) -> Iterator[Match]:
    """Calls of methods of what no import tells, and of builtins."""
    match call.func:
        case ast.Attribute(attr="run") if is_constant(argument(call, "debug"), True) and file.imports("flask"):
            yield Match(rules.DEBUG_SERVER, call.lineno, "run(debug=True)")
        case ast.Attribute(attr="execute" | "executemany" | "raw") if call.args and is_put_together(call.args[0]):
            if first_text(call.args[0]).lstrip().lower().startswith(_SQL):
                yield Match(rules.SQL, call.lineno, "execute(…)")
        case ast.Attribute(attr="add_middleware") if (evidence := _any_origin(call)) and "CORSMiddleware" in str(
            [file.names.meanings_of(value) for value in call.args[:1]]
        ):
            yield Match(rules.CORS, call.lineno, f"add_middleware({evidence})")
        case ast.Name(id="eval" | "exec" as name) if (evidence := _request(call)) is not None:
            yield Match(rules.EVALUATED_REQUEST, call.lineno, f"{name}({evidence})")
