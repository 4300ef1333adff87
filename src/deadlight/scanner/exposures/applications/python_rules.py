"""The words of the rules about Python."""

from deadlight.model.vulnerability import Severity
from deadlight.scanner.exposures.rule import RuleText

DJANGO_DEBUG = RuleText(
    "EXP-APP-django-debug",
    Severity.HIGH,
    "Django runs in debug mode",
    "Error pages show settings, local variables and source to whoever provokes an error.",
    "Write `DEBUG = False`, or read it from the environment with False as the default.",
    "CWE-489",
)
DJANGO_HOSTS = RuleText(
    "EXP-APP-django-any-host",
    Severity.MEDIUM,
    "Django believes any Host header",
    "Links in mails and caches, as those for new passwords, can be made to lead to another site.",
    'Write `ALLOWED_HOSTS = ["www.example.com"]`.',
    "CWE-644",
)
SECRET_KEY = RuleText(
    "EXP-APP-hard-coded-secret-key",
    Severity.HIGH,
    "The key that signs sessions is in the code",
    "Whoever can pull the image can sign a session of any user.",
    'Write `SECRET_KEY = os.environ["SECRET_KEY"]`, and make a new key.',
    "CWE-798",
)
INSECURE_COOKIES = RuleText(
    "EXP-APP-insecure-cookies",
    Severity.MEDIUM,
    "Session cookies travel without TLS",
    "The cookie that stands for a signed-in user is also sent over plain HTTP.",
    "Write `SESSION_COOKIE_SECURE = True` and `CSRF_COOKIE_SECURE = True`.",
    "CWE-614",
)
SCRIPT_COOKIES = RuleText(
    "EXP-APP-cookies-for-scripts",
    Severity.LOW,
    "Scripts may read session cookies",
    "A script slipped into a page can take the session away.",
    "Write `SESSION_COOKIE_HTTPONLY = True`.",
    "CWE-1004",
)
DJANGO_NO_HTTPS = RuleText(
    "EXP-APP-django-no-https",
    Severity.LOW,
    "Django is told not to insist on HTTPS",
    "Redirection to HTTPS, or the header that keeps browsers on it, is switched off by name.",
    "Write `SECURE_SSL_REDIRECT = True` and `SECURE_HSTS_SECONDS = 31536000`, unless a proxy in front does both.",
    "CWE-319",
)
DJANGO_NO_CSRF = RuleText(
    "EXP-APP-django-no-csrf",
    Severity.MEDIUM,
    "Django does not check where forms come from",
    "Another site can make a signed-in user's browser send requests that change things.",
    'Add "django.middleware.csrf.CsrfViewMiddleware" to `MIDDLEWARE`.',
    "CWE-352",
)
CSRF_EXEMPT = RuleText(
    "EXP-APP-django-csrf-exempt",
    Severity.LOW,
    "A view does not check where forms come from",
    "Where the view goes by a session's cookie, another site can send requests in its user's name.",
    "Remove `csrf_exempt`, or authenticate the view by something other than a cookie.",
    "CWE-352",
)
DEBUG_SERVER = RuleText(
    "EXP-APP-flask-debug",
    Severity.HIGH,
    "A web application runs in debug mode",
    "Flask's debugger runs any code from an error page; others show source and variables.",
    "Remove `debug=True`; serve with gunicorn or uvicorn.",
    "CWE-489",
)
FASTAPI_DOCS = RuleText(
    "EXP-APP-fastapi-docs",
    Severity.LOW,
    "FastAPI shows its documentation to everybody",
    "The list of all endpoints and their parameters is served by default.",
    "Write `FastAPI(docs_url=None, redoc_url=None, openapi_url=None)` where it is not meant for the public.",
    "CWE-200",
)
CORS = RuleText(
    "EXP-APP-cors-any-origin",
    Severity.MEDIUM,
    "Any web page may send requests in a user's name and read the answers",
    "Every origin is allowed together with credentials.",
    'Name the origins: `allow_origins=["https://www.example.com"]`.',
    "CWE-942",
)
TLS_UNVERIFIED = RuleText(
    "EXP-APP-tls-unverified",
    Severity.MEDIUM,
    "TLS certificates are not verified",
    "Anybody between can answer for the server, and receives what is sent to it.",
    'Remove what switches verification off; give the authority\'s file instead, such as `verify="/path/ca.pem"`.',
    "CWE-295",
)
OLD_TLS = RuleText(
    "EXP-APP-old-tls",
    Severity.MEDIUM,
    "Old TLS is asked for",
    "SSL 3 and TLS 1.0/1.1 have weaknesses that let traffic be read or changed (RFC 8996).",
    "Write `ssl.create_default_context()`, which takes TLS 1.2 or later.",
    "CWE-327",
)
UNSAFE_YAML = RuleText(
    "EXP-APP-unsafe-yaml",
    Severity.HIGH,
    "YAML is loaded that may build any object",
    "A document from elsewhere runs code while it is loaded.",
    "Write `yaml.safe_load(...)`.",
    "CWE-502",
)
UNSAFE_PICKLE = RuleText(
    "EXP-APP-unpickled-request",
    Severity.CRITICAL,
    "A request is unpickled",
    "Whoever sends the request runs code.",
    "Take JSON: `json.loads(...)`.",
    "CWE-502",
)
EVALUATED_REQUEST = RuleText(
    "EXP-APP-evaluated-request",
    Severity.CRITICAL,
    "A request is evaluated as code",
    "Whoever sends the request runs code.",
    "Parse what is expected, for instance with `json.loads` or `ast.literal_eval`.",
    "CWE-95",
)
SHELL = RuleText(
    "EXP-APP-shell-injection",
    Severity.HIGH,
    "A shell line is put together from values",
    "A value with a semicolon or a backtick in it runs commands of its own.",
    'Give a list and no shell: `subprocess.run(["ls", folder])`.',
    "CWE-78",
)
JWT = RuleText(
    "EXP-APP-jwt-unverified",
    Severity.HIGH,
    "Tokens are taken without verifying their signature",
    "Anybody can write a token for any user.",
    'Write `jwt.decode(token, key, algorithms=["RS256"])`.',
    "CWE-347",
)
PASSWORD_HASH = RuleText(
    "EXP-APP-weak-password-hash",
    Severity.MEDIUM,
    "Passwords are hashed with MD5 or SHA-1",
    "Stolen hashes are guessed at billions a second.",
    "Hash passwords with argon2, scrypt or bcrypt.",
    "CWE-916",
)
MKTEMP = RuleText(
    "EXP-APP-mktemp",
    Severity.LOW,
    "A temporary file's name is chosen before the file is made",
    "Another process can put a file or link of its own there in between.",
    "Write `tempfile.NamedTemporaryFile()` or `tempfile.mkstemp()`.",
    "CWE-377",
)
XML_ENTITIES = RuleText(
    "EXP-APP-xml-entities",
    Severity.MEDIUM,
    "XML may name files and addresses to be read",
    "External entities are switched on by name: a document from elsewhere reads files of the container.",
    "Write `lxml.etree.XMLParser(resolve_entities=False, no_network=True)`, or use defusedxml.",
    "CWE-611",
)
AUTOESCAPE = RuleText(
    "EXP-APP-no-autoescape",
    Severity.MEDIUM,
    "Templates do not escape values",
    "A value with markup in it becomes part of the page.",
    "Write `jinja2.Environment(autoescape=jinja2.select_autoescape())`.",
    "CWE-79",
)
SQL = RuleText(
    "EXP-APP-sql-injection",
    Severity.HIGH,
    "SQL is put together from values",
    "A value with a quote in it becomes part of the statement.",
    'Give values apart from the statement: `execute("... WHERE id = %s", (id,))`.',
    "CWE-89",
)
HOST_KEYS = RuleText(
    "EXP-APP-ssh-any-host-key",
    Severity.MEDIUM,
    "SSH connects to whoever answers",
    "Unknown host keys are accepted, so anybody between can answer for the server.",
    "Write `set_missing_host_key_policy(paramiko.RejectPolicy())` and load known hosts.",
    "CWE-295",
)
WEAK_KEY = RuleText(
    "EXP-APP-weak-key",
    Severity.MEDIUM,
    "A key is made too short",
    "RSA and DSA keys below 2048 bits can be broken.",
    "Write `key_size=3072`.",
    "CWE-326",
)

PYTHON_RULES = (
    *(DJANGO_DEBUG, DJANGO_HOSTS, SECRET_KEY, INSECURE_COOKIES, SCRIPT_COOKIES, DJANGO_NO_HTTPS, DJANGO_NO_CSRF),
    *(CSRF_EXEMPT, DEBUG_SERVER, FASTAPI_DOCS, CORS, TLS_UNVERIFIED, OLD_TLS, UNSAFE_YAML, UNSAFE_PICKLE),
    *(EVALUATED_REQUEST, SHELL, JWT, PASSWORD_HASH, MKTEMP, XML_ENTITIES, AUTOESCAPE, SQL, HOST_KEYS, WEAK_KEY),
)
"""All of them."""
