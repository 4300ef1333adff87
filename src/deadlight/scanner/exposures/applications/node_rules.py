"""The words of the rules about Node."""

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText

TLS_UNVERIFIED = RuleText(
    "EXP-APP-node-tls-unverified",
    Severity.MEDIUM,
    "TLS certificates are not verified",
    "Anybody between can answer for the server, and receives what is sent to it.",
    "Remove it; give the authority's certificate as `ca`, or as NODE_EXTRA_CA_CERTS.",
    "CWE-295",
)
OLD_TLS = RuleText(
    "EXP-APP-node-old-tls",
    Severity.MEDIUM,
    "Old TLS is asked for",
    "TLS 1.0 and 1.1 have weaknesses that let traffic be read or changed (RFC 8996).",
    'Write `minVersion: "TLSv1.2"`.',
    "CWE-327",
)
NO_HELMET = RuleText(
    "EXP-APP-node-express-no-headers",
    Severity.LOW,
    "Express sends no headers that protect its pages",
    "Browsers are not told to forbid framing, guessing of types and foreign scripts; the framework's name is told.",
    "Write `app.use(helmet())`, or at least `app.disable('x-powered-by')`.",
    "CWE-693",
)
COOKIES = RuleText(
    "EXP-APP-node-insecure-cookies",
    Severity.MEDIUM,
    "Cookies travel without TLS",
    "A cookie, of a session mostly, is also sent over plain HTTP.",
    "Write `secure: true`.",
    "CWE-614",
)
SCRIPT_COOKIES = RuleText(
    "EXP-APP-node-cookies-for-scripts",
    Severity.LOW,
    "Scripts may read cookies",
    "A script slipped into a page can take the session away.",
    "Write `httpOnly: true`.",
    "CWE-1004",
)
CORS = RuleText(
    "EXP-APP-node-cors-any-origin",
    Severity.MEDIUM,
    "Any web page may send requests in a user's name and read the answers",
    "Every origin is allowed together with credentials.",
    'Write `origin: ["https://www.example.com"]`.',
    "CWE-942",
)
EVALUATED_REQUEST = RuleText(
    "EXP-APP-node-evaluated-request",
    Severity.CRITICAL,
    "A request is evaluated as code",
    "Whoever sends the request runs code.",
    "Parse what is expected, for instance with `JSON.parse`.",
    "CWE-95",
)
SHELL = RuleText(
    "EXP-APP-node-shell-injection",
    Severity.HIGH,
    "A shell line is put together from values",
    "A value with a semicolon or a backtick in it runs commands of its own.",
    'Write `execFile("ls", [folder])`.',
    "CWE-78",
)
JWT = RuleText(
    "EXP-APP-node-jwt-none",
    Severity.HIGH,
    "Tokens are taken without a signature",
    "The algorithm `none` is allowed: anybody can write a token for any user.",
    'Write `jwt.verify(token, key, { algorithms: ["RS256"] })`.',
    "CWE-347",
)
SECRET = RuleText(
    "EXP-APP-node-hard-coded-secret",
    Severity.HIGH,
    "The key that signs sessions or tokens is in the code",
    "Whoever can pull the image can sign a session of any user.",
    "Write `process.env.SESSION_SECRET`, and make a new key.",
    "CWE-798",
)
SQL = RuleText(
    "EXP-APP-node-sql-injection",
    Severity.HIGH,
    "SQL is put together from values",
    "A value with a quote in it becomes part of the statement.",
    'Give values apart from the statement: `query("… WHERE id = $1", [id])`.',
    "CWE-89",
)
PASSWORD_HASH = RuleText(
    "EXP-APP-node-weak-password-hash",
    Severity.MEDIUM,
    "Passwords are hashed with MD5 or SHA-1",
    "Stolen hashes are guessed at billions a second.",
    "Hash passwords with argon2, scrypt or bcrypt.",
    "CWE-916",
)
NO_CSRF = RuleText(
    "EXP-APP-node-csrf-off",
    Severity.MEDIUM,
    "Where forms come from is not checked",
    "The check is switched off by name: another site can send requests in a signed-in user's name.",
    "Write `csrf: true`.",
    "CWE-352",
)

NODE_RULES = (
    *(TLS_UNVERIFIED, OLD_TLS, NO_HELMET, COOKIES, SCRIPT_COOKIES, CORS, EVALUATED_REQUEST, SHELL, JWT, SECRET, SQL),
    *(PASSWORD_HASH, NO_CSRF),
)
"""All of them."""
