"""Insecure calls and options in one file of JavaScript or TypeScript for Node."""

from collections.abc import Iterator, Mapping

from deadlight.scanner.exposures.applications import node_rules as rules
from deadlight.scanner.exposures.applications.hit import Match
from deadlight.scanner.exposures.applications.javascript import Call, JavaScript, Kind, Token, read_javascript
from deadlight.scanner.exposures.rule import MASK, RuleText

EXPRESS = "express"
"""The fact that a file makes an Express application."""

PROTECTED = "protected"
"""The fact that a file sets headers that protect pages."""

MAX_ARGUMENT = 2_000
"""Tokens of one call that are looked at."""

_SHELLS = frozenset(f"{module}.{name}" for module in ("child_process", "shelljs") for name in ("exec", "execSync"))
_SESSIONS = frozenset({"express-session", "cookie-session"})
_SQL = ("select ", "insert ", "update ", "delete ", "replace ", "with ")
_OLD = frozenset({"TLSv1", "TLSv1.1", "TLSv1_method", "TLSv1_1_method", "SSLv3_method", "SSLv23_method"})


def find_in_node(source: str) -> tuple[list[Match], list[tuple[str, int]]]:
    """Every match in one file, and its facts.

    Raises:
        UnreadableFileError: more tokens or brackets than source of that size has.
    """
    file = read_javascript(source)
    matches = [*_options(file.tokens)]
    for call in file.calls:
        matches += _call_matches(file, call)
    return matches, list(_facts(file))


def _facts(file: JavaScript) -> Iterator[tuple[str, int]]:
    for call in file.calls:
        if call.name == "express" and "express" in file.modules:
            yield EXPRESS, call.line
        elif call.name.partition(".")[0] in {"helmet", "lusca"} or _disables_its_name(file, call):
            yield PROTECTED, call.line


def _disables_its_name(file: JavaScript, call: Call) -> bool:
    return call.name.endswith(".disable") and "x-powered-by" in _strings(file.tokens[call.begin : call.begin + 1])


def _options(tokens: tuple[Token, ...]) -> Iterator[Match]:
    """`name: value` and `process.env.NAME = value`, wherever they stand."""
    for name, sign, value in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if sign.kind is not Kind.SIGN or sign.text not in {":", "="}:
            continue
        if name.text == "rejectUnauthorized" and value == (Kind.NAME, "false", value.line):
            yield Match(rules.TLS_UNVERIFIED, name.line, "rejectUnauthorized: false")
        elif name.text in {"minVersion", "secureProtocol"} and value.kind is Kind.STRING and value.text in _OLD:
            yield Match(rules.OLD_TLS, name.line, f"{name.text}: '{value.text}'")
        elif name.text == "NODE_TLS_REJECT_UNAUTHORIZED" and value.text == "0":
            yield Match(rules.TLS_UNVERIFIED, name.line, "NODE_TLS_REJECT_UNAUTHORIZED = 0")


def _call_matches(file: JavaScript, call: Call) -> Iterator[Match]:
    inside = file.tokens[call.begin : min(call.end, call.begin + MAX_ARGUMENT)]
    short = call.name[-60:]
    if call.name in _SHELLS and _is_put_together(_first_argument(inside)):
        yield Match(rules.SHELL, call.line, f"{short}(…)")
    elif call.name in {"eval", "Function"} and _mentions(inside, "req", "request"):
        yield Match(rules.EVALUATED_REQUEST, call.line, f"{call.name}(req…)")
    elif short.endswith((".query", ".execute", ".raw")) and _is_statement(_first_argument(inside)):
        yield Match(rules.SQL, call.line, f"{short}(…)")
    for rule, evidence in _option_faults(call, inside):
        yield Match(rule, call.line, evidence)
    if call.name in {"crypto.createHash", "createHash"} and _hashes_password(file, call):
        yield Match(rules.PASSWORD_HASH, call.line, f"createHash('{inside[0].text}').update(password…)")


def _option_faults(call: Call, inside: tuple[Token, ...]) -> Iterator[tuple[RuleText, str]]:
    options = _literal_options(inside)
    is_session = call.name in _SESSIONS
    if is_session or call.name in {"res.cookie", "response.cookie", "reply.setCookie"}:
        if options.get("secure") == "false":
            yield rules.COOKIES, f"{call.name}(secure: false)"
        if options.get("httpOnly") == "false":
            yield rules.SCRIPT_COOKIES, f"{call.name}(httpOnly: false)"
    if is_session and options.get("secret", "").startswith("'"):
        yield rules.SECRET, f"{call.name}(secret: {MASK})"
    if call.name == "cors" and options.get("origin") in {"true", "'*'"} and options.get("credentials") == "true":
        yield rules.CORS, f"cors(origin: {options['origin']}, credentials: true)"
    if call.name == "lusca" and options.get("csrf") == "false":
        yield rules.NO_CSRF, "lusca(csrf: false)"
    if call.name.startswith("jsonwebtoken."):
        yield from _token_faults(call, inside)


def _token_faults(call: Call, inside: tuple[Token, ...]) -> Iterator[tuple[RuleText, str]]:
    arguments = list(_arguments(inside))
    method = call.name.rpartition(".")[2]
    options = [token for argument in arguments[2:] for token in argument]
    if method in {"sign", "verify"} and "none" in _strings(options) and _mentions(options, "algorithm", "algorithms"):
        yield rules.JWT, f"{method}(algorithm: 'none')"
    key = arguments[1] if len(arguments) > 1 else ()
    if method in {"sign", "verify"} and len(key) == 1 and key[0].kind is Kind.STRING and key[0].text:
        yield rules.SECRET, f"{method}(…, {MASK})"


def _arguments(inside: tuple[Token, ...]) -> Iterator[tuple[Token, ...]]:
    """The arguments of a call, split at commas outside of brackets."""
    depth, begin = 0, 0
    for index, token in enumerate(inside):
        if token.kind is Kind.SIGN:
            depth += (token.text in "([{") - (token.text in ")]}")
            if token.text == "," and not depth:
                yield inside[begin:index]
                begin = index + 1
    if inside[begin:]:
        yield inside[begin:]


def _first_argument(inside: tuple[Token, ...]) -> tuple[Token, ...]:
    return next(_arguments(inside), ())


def _is_put_together(argument: tuple[Token, ...]) -> bool:
    """Whether a string gets values: a template with one, or text and a name joined by `+`."""
    kinds = {token.kind for token in argument}
    joined = any(token.kind is Kind.SIGN and token.text == "+" for token in argument)
    return (argument[:1] and argument[0].kind is Kind.TEMPLATE and Kind.VALUE in kinds) or (
        joined and Kind.NAME in kinds and bool(kinds & {Kind.STRING, Kind.TEMPLATE})
    )


def _is_statement(argument: tuple[Token, ...]) -> bool:
    begins = argument[:1] and argument[0].text.lstrip().lower().startswith(_SQL)
    return bool(begins) and _is_put_together(argument)


def _literal_options(inside: tuple[Token, ...]) -> Mapping[str, str]:
    """`name: value` at any depth where the value is a literal; the text of strings is in quotes, and cut."""
    found: dict[str, str] = {}
    for name, sign, value in zip(inside, inside[1:], inside[2:], strict=False):
        if sign.kind is Kind.SIGN and sign.text == ":" and name.kind in {Kind.NAME, Kind.STRING}:
            text = f"'{value.text[:20]}'" if value.kind is Kind.STRING else value.text[:20]
            found.setdefault(name.text, text)
    return found


def _strings(tokens: "tuple[Token, ...] | list[Token]") -> list[str]:
    return [token.text for token in tokens if token.kind is Kind.STRING]


def _mentions(tokens: "tuple[Token, ...] | list[Token]", *names: str) -> bool:
    return any(token.kind in {Kind.NAME, Kind.STRING} and token.text in names for token in tokens)


def _hashes_password(file: JavaScript, call: Call) -> bool:
    weak = file.tokens[call.begin].text in {"md5", "sha1"} if call.begin < len(file.tokens) else False
    after = file.tokens[call.end + 1 : call.end + 20]
    words = [token.text for token in after]
    return weak and words[:3] == [".", "update", "("] and any("passw" in word.lower() for word in words[3:])
