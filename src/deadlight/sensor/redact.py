"""Takes secrets out of the arguments of programs before anything else sees them. Pure, and linear in their length.

Four things give a secret away: the name it is given to (`--password x`, `DB_PASSWORD=x`, `?token=x`, `"apiKey":"x"`,
`Authorization: x`), the client it is an option of (`mysql -px`), its place in an address (`scheme://user:x@host`), and
the shape that its publisher gave it (`ghp_...`). What is none of these stays as it is: arguments are evidence.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

REDACTED = "***"

MAX_CHARACTERS = 4_096
"""Of all arguments together; what follows is dropped. The kernel half reports far less."""

_NAME = (
    r"(?:[\w.-]*?(?:password|passwd|passphrase|secret|token|api[-_.]?key|credentials?|connection[-_.]?string)"
    r"|(?:[\w.-]*[-_.])?(?:pass|pwd|jwt|bearer|(?:access|account|auth|encryption|master|private|secret|shared|signing)"
    r"[-_.]?key))"
)
"""A name that ends in a word for secrets: `--token` is one, `--token-file` and `--max-tokens` are not."""

_CAMEL = r"(?-i:[\w.-]*[a-z](?:Pass|Pwd|Jwt|Bearer|AccessKey|AccountKey|AuthKey|MasterKey|PrivateKey|SigningKey))"
_NOT_SECRET = re.compile(
    r"-*(?:no|ask|prompt|show|set|change|reset|list|get)[-_.]\w.*|(?-i:PWD|OLDPWD)", re.IGNORECASE | re.DOTALL
)
_HARMLESS = re.compile(r"|\$\S*|<[^>]*>|true|false|yes|no|none|null|/run/secrets/\S*", re.IGNORECASE)
"""Values that tell nothing: references to a secret that lies elsewhere, and switches."""

_OPTION = re.compile(rf"-{{1,2}}(?:{_NAME}|{_CAMEL})", re.IGNORECASE)
_ASSIGNMENT = re.compile(
    rf"(?P<name>(?<![\w.-])-{{0,2}}(?:{_NAME}|{_CAMEL}))(?P<between>=)"
    r"""(?P<value>"[^"]*"|'[^']*'|[^\s"'&;,]+)""",
    re.IGNORECASE,
)
_JSON = re.compile(
    rf"""(?P<name>["'](?:{_NAME}|{_CAMEL})["'])(?P<between>\s{{0,8}}:\s{{0,8}}["'])(?P<value>[^"']+)""", re.IGNORECASE
)
_HEADER = re.compile(
    r"(?P<name>(?<![\w/-])(?:(?:proxy-)?authorization|(?:set-)?cookie|x-[a-z-]{0,64}(?:token|key|secret|auth)|private-token))"
    r"(?P<between>\s{0,8}:\s{0,8}(?:(?:basic|bearer|token|apikey|negotiate|digest)\s{1,8})?)(?P<value>[^\"'\r\n]+)",
    re.IGNORECASE,
)
_USER_AND_PASSWORD = re.compile(
    r"(?P<name>\b[a-z][a-z0-9+.-]{1,30}://[^\s/?#@:]{0,256})(?P<between>:)(?P<value>[^\s/?#@]+)(?=@)", re.IGNORECASE
)
_TOKEN_AS_USER = re.compile(r"(?P<name>\bhttps?)(?P<between>://)(?P<value>[^\s/?#@:]{20,})(?=@)", re.IGNORECASE)
_SHAPE = re.compile(
    r"(?<![A-Za-z0-9_])(?:"
    r"gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,}|gl(?:pat|dt|rt|ft|cbt|ptt|agent)-[\w-]{20,}"
    r"|xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{20,}"
    r"|sk-(?:ant|proj|svcacct|or)-[\w-]{20,}|sk-[A-Za-z0-9]{40,}|AIza[\w-]{35}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}"
    r"|npm_[A-Za-z0-9]{36}|pypi-AgEI[\w-]{40,}|dckr_[po]at_[\w-]{20,}|hv[bsr]\.[\w-]{20,}|hf_[A-Za-z0-9]{30,}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|do[opr]_v1_[a-f0-9]{40,}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|glsa_\w{32,}"
    r"|AKCp[A-Za-z0-9]{60,}|cmVmdGtu[A-Za-z0-9+/=]{40,}|ATATT3[\w=-]{40,}|AGE-SECRET-KEY-1[0-9A-Z]{50,}"
    r"|eyJ[\w-]{10,}\.eyJ[\w-]{10,}(?:\.[\w-]*)?)"
)
"""GitHub, GitLab, Slack, Stripe, OpenAI and Anthropic, Google, npm, PyPI, Docker, Vault, Hugging Face, SendGrid,
DigitalOcean, Shopify, Grafana, Artifactory (API key, reference token), Atlassian, age, and JSON web tokens."""

_WORD = re.compile(r"""(?:[^\s;|&"']|"[^"]*"|'[^']*')+|.""", re.DOTALL)
_QUOTES = frozenset("\"'")
_MAX_DEPTH = 2
"""`sh -c "..."` inside `sh -c "..."`."""


@dataclass(frozen=True, slots=True)
class _Client:
    """How a program is told a secret: options before it, options it is attached to, the sign after which it stands."""

    before: frozenset[str] = frozenset()
    attached: tuple[str, ...] = ()
    after: str = ""
    command: str = ""
    """Only for this command of the program: `docker run -p` publishes a port."""


def _clients() -> Iterator[tuple[str, _Client]]:
    for names, client in (
        (
            "mysql mysqldump mysqladmin mysqlimport mysqlshow mariadb mariadb-dump mariadb-admin",
            _Client(attached=("-p",)),
        ),
        ("sshpass", _Client(frozenset({"-p"}), attached=("-p",))),
        ("mongo mongosh mongodump mongorestore mongoexport mongoimport", _Client(frozenset({"-p"}))),
        ("redis-cli valkey-cli", _Client(frozenset({"-a"}))),
        ("curl", _Client(frozenset({"-u", "--user", "-U", "--proxy-user"}), attached=("-u",), after=":")),
        ("docker podman nerdctl buildah skopeo helm oras crane az", _Client(frozenset({"-p"}), command="login")),
        ("ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldapcompare", _Client(frozenset({"-w"}))),
        ("smbclient rpcclient", _Client(frozenset({"-U"}), after="%")),
        ("openssl", _Client(frozenset({"-k", "-pass", "-passin", "-passout"}))),
        ("sqlcmd bcp mosquitto_pub mosquitto_sub zip unzip", _Client(frozenset({"-P"}))),
        ("7z 7za 7zr rar unrar", _Client(attached=("-p",))),
        ("snmpget snmpwalk snmpset snmpbulkwalk", _Client(frozenset({"-A", "-X", "-c"}))),
        ("xfreerdp wlfreerdp", _Client(attached=("/p:",))),
        ("evil-winrm crackmapexec hydra", _Client(frozenset({"-p"}))),
    ):
        for name in names.split():
            yield name, client


_CLIENTS = dict(_clients())
_NO_CLIENT = _Client()
_HINTS = ("pass", "pwd", "secret", "token", "key", "auth", "cred", "cookie", "bearer", "jwt", "connection", "://")
"""Most arguments have none of these, no client and the beginning of no shape: they are looked through once."""

_FILE_NAME = re.compile(r"[^\0/\s;|&\"'()]+")
_SHAPE_START = re.compile(
    r"(?<![A-Za-z0-9_])(?:gh[pousr]_|github_|gl[a-z]{2,5}-|xox|xapp-|[sr]k[_-]|whsec_|AIza|ya29\.|GOCSPX|npm_|pypi-"
    r"|dckr_|hv[bsr]\.|hf_|SG\.|do[opr]_|shp|glsa_|AKCp|cmVm|ATATT3|AGE-|eyJ)"
)


def redact(arguments: Sequence[str]) -> tuple[str, ...]:
    """The arguments of a program (its own name first) with `REDACTED` in the place of every secret in them."""
    if not _is_suspicious("\0".join(arguments)):
        return tuple(arguments)
    return tuple(_redact_words(map(_redact_text, _bounded(arguments)), _MAX_DEPTH))


def _is_suspicious(text: str) -> bool:
    lowered = text.lower()
    return (
        any(hint in lowered for hint in _HINTS)
        or not _CLIENTS.keys().isdisjoint(_FILE_NAME.findall(text))
        or _SHAPE_START.search(text) is not None
    )


def _bounded(arguments: Iterable[str]) -> Iterator[str]:
    remaining = MAX_CHARACTERS
    for argument in arguments:
        if remaining <= 0:
            return
        yield argument[:remaining]
        remaining -= len(argument)


def _redact_text(text: str) -> str:
    """Hides what shows by itself, wherever it stands."""
    text = _SHAPE.sub(REDACTED, text)
    for pattern in (_USER_AND_PASSWORD, _TOKEN_AS_USER, _HEADER, _JSON, _ASSIGNMENT):
        text = pattern.sub(_replace, text)
    return text


def _replace(found: re.Match[str]) -> str:
    if _HARMLESS.fullmatch(found["value"].strip("\"'")) or _NOT_SECRET.fullmatch(found["name"]):
        return found[0]
    return found["name"] + found["between"] + REDACTED


def _redact_words(words: Iterable[str], depth: int) -> Iterator[str]:
    """Hides what the words before it make a secret."""
    program, active, option = _NO_CLIENT, False, ""
    for word in words:
        if option and (word.isspace() or word in _QUOTES):
            yield word
        elif option and not word.startswith("-") and not _HARMLESS.fullmatch(word):
            yield _hide(word, program.after if option in program.before else "")
            option = ""
        else:
            known = _CLIENTS.get(word.rpartition("/")[2])
            program = known or program
            active = (active and not known) or (not program.command if known else word == program.command)
            client = program if active else _NO_CLIENT
            option = word if word in client.before or _is_option(word) else ""
            yield _redact_word(word, client, depth)


def _is_option(word: str) -> bool:
    return bool(_OPTION.fullmatch(word)) and not _NOT_SECRET.fullmatch(word)


def _redact_word(word: str, client: _Client, depth: int) -> str:
    for prefix in client.attached:
        if word.startswith(prefix) and len(word) > len(prefix):
            return prefix + _hide(word[len(prefix) :], client.after)
    if depth and any(sign in word for sign in " \t\n;|"):
        return "".join(_redact_words(_split(word), depth - 1))
    return word


def _split(text: str) -> Iterator[str]:
    """The words and separators of a command line, in order and complete; quotes around a word stand by themselves."""
    for word in _WORD.findall(text):
        if len(word) > 1 and word[0] == word[-1] and word[0] in _QUOTES:
            yield from (word[0], word[1:-1], word[-1])
        else:
            yield word


def _hide(word: str, after: str) -> str:
    """The word hidden; where a sign separates a name from the secret, the name stays."""
    if not after:
        return REDACTED
    name, sign, secret = word.partition(after)
    return name + sign + REDACTED if secret else word
