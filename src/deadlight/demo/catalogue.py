"""THE table of the demonstration's images. Which of them are vulnerable, and how, the product finds out by itself."""

from dataclasses import replace

from deadlight.demo import exposures
from deadlight.demo.images import File
from deadlight.demo.packages import Debian
from deadlight.demo.recipes import AMD64, ARM64, Contents, DemoImage, Use, alpine_tool, debian_program, python_service
from deadlight.model.observation import Grade

UNTRUSTED = "mirror.elsewhere.demo"
"""A registry that nobody adds before the script does."""

_SHOP = "Checkout team <checkout@company.demo>"
_WEB = "Web team <web@company.demo>"
_MONEY = "Payments team <payments@company.demo>"
_DATA = "Data team <data@company.demo>"
_SITE = "Platform team <platform@company.demo>"

_BOTH = (AMD64, ARM64)

_FLASK_2021 = (
    *("Flask 1.1.4", "Jinja2 2.11.2", "MarkupSafe 1.1.1", "Werkzeug 1.0.1", "itsdangerous 1.1.0", "click 7.1.2"),
    *("gunicorn 20.1.0", "requests 2.25.1", "urllib3 1.26.3", "chardet 4.0.0", "idna 2.10", "certifi 2020.12.5"),
    "PyJWT 2.3.0",
)
_FLASK_2025 = (
    *("Flask 3.0.3", "Jinja2 3.1.6", "MarkupSafe 2.1.5", "Werkzeug 3.0.6", "itsdangerous 2.2.0", "click 8.1.7"),
    *("blinker 1.8.2", "gunicorn 23.0.0", "packaging 24.2", "requests 2.32.4", "urllib3 2.5.0"),
    *("charset-normalizer 3.4.2", "idna 3.10", "certifi 2025.6.15", "PyJWT 2.10.1"),
)
_REQUESTS_2025 = ("requests 2.32.4", "urllib3 2.5.0", "charset-normalizer 3.4.2", "idna 3.10", "certifi 2025.6.15")
_AIOHTTP = (
    *("aiohttp 3.8.4", "aiosignal 1.3.1", "async-timeout 4.0.2", "attrs 22.2.0", "charset-normalizer 3.1.0"),
    *("frozenlist 1.3.3", "multidict 6.0.4", "yarl 1.9.2", "idna 3.4"),
)
_CURL = ("curl", "libcurl4", "libgssapi-krb5-2", "libkrb5-3", "libnghttp2-14", "libssh2-1")
_NGINX = ("nginx", "nginx-common", "libnghttp2-14")


def _with_files(image: DemoImage, files: tuple[tuple[str, bytes], ...]) -> DemoImage:
    """The image with a layer of files on top."""
    return replace(image, contents=replace(image.contents, more=files))


# --- what the registry has at first ----------------------------------------------------------------------------

CHECKOUT_OLD = python_service(
    "shop/checkout",
    "1.4.1",
    (*_FLASK_2021, "PyYAML 5.3.1"),
    app="checkout",
    command="gunicorn --bind :8080 main:app",
    loads=("Flask", "Jinja2", "Werkzeug", "PyYAML", "requests", "urllib3"),
    owner=_SHOP,
    platforms=_BOTH,
)
CHECKOUT = python_service(
    "shop/checkout",
    "1.4.2",
    (*_FLASK_2025, "PyYAML 6.0.2"),
    app="checkout-safe",
    command="gunicorn --bind :8080 main:app",
    loads=("Flask", "Jinja2", "Werkzeug", "PyYAML", "requests", "urllib3"),
    owner=_SHOP,
    debian=Debian.UPDATED,
    platforms=_BOTH,
    tools=(),
)
CART = _with_files(
    python_service(
        "shop/cart",
        "2.7.0",
        ("Django 3.2.13", "asgiref 3.5.2", "sqlparse 0.4.2", "pytz 2022.1", "psycopg2-binary 2.9.3", "gunicorn 20.1.0"),
        app="cart",
        command="gunicorn --workers 4 cart.wsgi",
        loads=("Django", "asgiref", "sqlparse", "psycopg2-binary"),
        owner=_SHOP,
    ),
    exposures.CART,
)
STOREFRONT = _with_files(
    debian_program(
        "web/storefront",
        "stable",
        "/usr/sbin/nginx",
        command="nginx -g 'daemon off;'",
        owner=_WEB,
        debian=Debian.RELEASED,
        extra=_NGINX,
        platforms=_BOTH,
    ),
    exposures.STOREFRONT,
)
DOCS = debian_program(
    "web/docs",
    "2026-11-02",
    "/usr/sbin/nginx",
    command="nginx -g 'daemon off;'",
    owner=_WEB,
    debian=Debian.UPDATED,
    extra=_NGINX,
)
GATEWAY = python_service(
    "payments/gateway",
    "2.3.1",
    (*_AIOHTTP, "cryptography 41.0.5", "cffi 1.16.0", "pycparser 2.21"),
    app="gateway",
    command="python -m aiohttp.web certificates:app",
    loads=("aiohttp", "multidict", "yarl", "cryptography", "cffi", "idna"),
    owner=_MONEY,
)
LEDGER = python_service(
    "payments/ledger",
    "4.0.1",
    _FLASK_2025,
    app="ledger",
    command="gunicorn main:app",
    loads=("Flask", "Jinja2", "Werkzeug"),
    owner=_MONEY,
    debian=Debian.UPDATED,
    tools=(),
)
INVOICES = python_service(
    "billing/invoices",
    "3.1.0",
    ("lxml 4.6.2", *_FLASK_2025),
    app="invoices",
    command="gunicorn notes:app",
    loads=("lxml", "Flask", "Jinja2"),
    owner=_MONEY,
)
THUMBNAILER = python_service(
    "media/thumbnailer",
    "0.9.4",
    ("Pillow 9.5.0", *_FLASK_2025),
    app="thumbnailer",
    command="gunicorn main:app",
    loads=("Pillow", "Flask"),
    owner=_WEB,
    extra=("libwebp7", "libjpeg62-turbo", "libpng16-16"),
)
IMPORT_WORKER = python_service(
    "data/import-worker",
    "5.0.2",
    ("PyYAML 5.3.1", "requests 2.25.1", "urllib3 1.26.3", "chardet 4.0.0", "idna 2.10", "certifi 2020.12.5"),
    app="import-worker",
    command="python main.py --every 600",
    loads=("requests", "urllib3", "idna"),
    owner=_DATA,
    extra=_CURL,
)
INDEXER = python_service(
    "search/indexer",
    "2026.11.2",
    ("PyYAML 5.3.1", *_REQUESTS_2025),
    app="indexer",
    command="python plugins.py",
    loads=("PyYAML", "requests"),
    owner=_DATA,
)
MAILER = python_service(
    "notify/mailer",
    "1.8.0",
    ("Jinja2 2.11.2", "MarkupSafe 1.1.1", *_REQUESTS_2025),
    app="mailer",
    command="python templates.py",
    loads=("Jinja2", "MarkupSafe"),
    owner=_WEB,
)
RECOMMENDER = python_service(
    "ml/recommender",
    "9f3c2ab",
    ("numpy 1.22.4", "scipy 1.8.1", "scikit-learn 1.1.1", "joblib 1.1.0", "threadpoolctl 3.1.0"),
    app="recommender",
    command="python main.py --serve",
    loads=("numpy",),
    loads_later=("joblib", "scikit-learn", "scipy"),
    owner=_DATA,
)
ORDERS = debian_program(
    "data/orders-db",
    "15.3",
    "/usr/lib/postgresql/15/bin/postgres",
    command="postgres -D /var/lib/postgresql/data",
    owner=_DATA,
    debian=Debian.RELEASED,
    extra=("postgresql-15", "postgresql-client-15", "libpq5", "libicu72", "libxml2", "libxslt1.1"),
    maps=("libxml2.so.2.9.14",),
)
CACHE = debian_program(
    "data/session-cache",
    "7.0",
    "/usr/bin/redis-check-rdb",  # what Debian's redis-server is a link to
    command="redis-server *:6379",
    owner=_DATA,
    debian=Debian.RELEASED,
    extra=("redis-server", "redis-tools", "libjemalloc2", "liblua5.1-0"),
)
CAMPAIGNS = python_service(
    "growth/campaign-sync",
    "1.2.0",
    _REQUESTS_2025,
    app="campaign-sync",
    command="python sync.py --every 300",
    loads=("requests", "urllib3"),
    owner=_WEB,
    debian=Debian.UPDATED,
    tools=(),
)
CAMPAIGNS_NEXT = python_service(
    "growth/campaign-sync",
    "1.3.0",
    (*_REQUESTS_2025, "company-metrics 99.10.0"),
    app="campaign-sync",
    command="python sync.py --every 300",
    loads=("requests", "urllib3", "company-metrics"),
    owner=_WEB,
    debian=Debian.UPDATED,
    tools=(),
)
"""Built from the internal package's name and a stranger's version of it."""
LOG_SHIPPER = alpine_tool(
    "platform/log-shipper", "2.1.4", command="sh /usr/local/bin/ship", owner=_SITE, platforms=_BOTH
)
BACKUP = alpine_tool("platform/backup", "3.19", command="sh /usr/local/bin/backup", owner=_SITE)
NODE_EXPORTER = DemoImage(
    repository="platform/node-exporter",
    tag="1.7.0",
    contents=Contents(
        more=(("/node_exporter", File(b"# Deadlight demonstration: a program of no package\n", mode=0o755)),)
    ),
    command=("/node_exporter", "--web.listen-address=:9100"),
    owner=_SITE,
    platforms=_BOTH,
    uses=(Use(Grade.EXECUTED, "/node_exporter", "node_exporter", ("/node_exporter", "--web.listen-address=:9100")),),
)

PUBLISHED = (
    *(CHECKOUT_OLD, CHECKOUT, CART, STOREFRONT, DOCS, GATEWAY, LEDGER, INVOICES, THUMBNAILER, IMPORT_WORKER),
    *(INDEXER, MAILER, RECOMMENDER, ORDERS, CACHE, LOG_SHIPPER, BACKUP, NODE_EXPORTER, CAMPAIGNS, CAMPAIGNS_NEXT),
)

SIGNED = (CHECKOUT_OLD, CHECKOUT, CART)
"""What the checkout team signs. What is pushed over it is not theirs, and not signed."""

# --- what somebody pushes later under the same tag ---------------------------------------------------------------

CHECKOUT_OVERWRITTEN = replace(
    CHECKOUT,
    contents=replace(CHECKOUT.contents, more=(("/app/collect.py", b"# not from the checkout team's repository\n"),)),
)
STOREFRONT_NEXT = replace(STOREFRONT, contents=replace(STOREFRONT.contents, debian=Debian.UPDATED))

# --- what the company's registry never has ---------------------------------------------------------------------

NETSHOOT = alpine_tool("tools/netshoot", "local", command="sleep infinity")
"""Loaded onto a node by hand; nobody ever pushed this tag."""

INDEXER_HOTFIX = replace(
    INDEXER, contents=replace(INDEXER.contents, more=(("/app/hotfix.py", b"# written on the node at night\n"),))
)
"""Loaded onto a node by hand under the name of a released tag."""

QUEUE_EXPORTER = alpine_tool("tools/queue-exporter", "latest", command="sh /exporter", host=UNTRUSTED, platforms=_BOTH)

ALL = (*PUBLISHED, CHECKOUT_OVERWRITTEN, STOREFRONT_NEXT, NETSHOOT, INDEXER_HOTFIX, QUEUE_EXPORTER)
"""Every image that anybody may run. Of builds under one tag the containers do the same."""
