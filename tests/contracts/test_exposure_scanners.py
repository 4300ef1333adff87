"""What every scanner of exposures must do. A new scanner is one row of SUBJECTS."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deadlight.ecosystems import UnreadableFileError
from deadlight.model.exposure import Exposure
from deadlight.model.image import ImageSettings
from deadlight.scanner.exposures.applications.scanner import APPLICATIONS_SCANNER
from deadlight.scanner.exposures.exposure_scanner import ExposureScanner, Judgement, KeptFile
from deadlight.scanner.exposures.iac.scanner import IAC_SCANNER
from deadlight.scanner.exposures.secrets import secrets_scanner
from deadlight.scanner.exposures.services.scanner import SERVICES_SCANNER

AS_APP = ImageSettings(user="app")

PLANTED = "pl4nted-Passw0rd-9f3a"


OTHERS = ("", "/", "etc/passwd", "usr/bin/python3.11", "var/lib/dpkg/status", "a/" * 2_000, "\udcff\n")


@dataclass(frozen=True)
class Subject:
    """A scanner with files and settings in which it must find something, the planted password among them."""

    scanner: ExposureScanner
    files: Mapping[str, str]
    settings: ImageSettings = AS_APP
    others: tuple[str, ...] = OTHERS
    """Files that it leaves alone."""
    judges: bool = True
    """Whether it judges by itself; infrastructure as code is judged by another process."""


SUBJECTS = (
    Subject(
        secrets_scanner(b"salt"),
        {
            "app/.env": f"DATABASE_URL=postgres://shop:{PLANTED}@db/shop\nAPI_SECRET_KEY='{PLANTED}'\n",
            "root/.netrc": f"machine example.com login ada password {PLANTED}\n",
            "app/key.pem": "-----BEGIN "
            "PRIVATE KEY-----\n"
            "MIIEvQ" + "IBADANBgkq9f3aZ8" * 30 + "\n-----END PRIVATE KEY-----\n",
        },
        ImageSettings(
            env=(f"DB_URL=amqp://shop:{PLANTED}@queue/",), layer_commands=(f"RUN curl -u ada:{PLANTED} https://h/",)
        ),
        others=("lib/libz.so.1", "usr/share/doc/x", "app/a.png", "app/node_modules/x/index.js"),
    ),
    Subject(
        SERVICES_SCANNER,
        {
            "etc/nginx/nginx.conf": "http { include conf.d/*.conf; autoindex on; }",
            "etc/nginx/conf.d/a.conf": f"server {{ location / {{ alias http://u:{PLANTED}@a/; autoindex on; }} }}",
            "etc/redis/redis.conf": f"requirepass {PLANTED}\nenable-debug-command yes\nuser a on >{PLANTED} ~*\n",
            "etc/envoy/envoy.yaml": "admin: {address: {socket_address: {address: 0.0.0.0}}}",
            "etc/haproxy/haproxy.cfg": f"listen a\n stats enable\n stats auth a:{PLANTED}\n server a b verify none\n",
            "opt/tomcat/conf/tomcat-users.xml": f'<u><user password="{PLANTED}"/><user password="tomcat"/></u>',
            "etc/traefik/traefik.toml": "[api]\ninsecure = true\n",
            "etc/docker/daemon.json": '{"hosts": ["tcp://0.0.0.0:2375"]}',
            "etc/rsyncd.conf": "[a]\nread only = no\n",
            "etc/postgresql/15/main/pg_hba.conf": "host all all 0.0.0.0/0 trust\n",
        },
        ImageSettings(
            env=("RABBITMQ_DEFAULT_PASS=guest", f"GF_SECURITY_ADMIN_PASSWORD={PLANTED}"),
            command=("sh", "-c", f"redis-server --requirepass {PLANTED} --enable-debug-command yes"),
        ),
    ),
    Subject(
        APPLICATIONS_SCANNER,
        {
            "app/settings.py": f"DEBUG = True\nINSTALLED_APPS = []\nSECRET_KEY = '{PLANTED}'\n",
            "app/tools.py": f"import os\nos.system(f'login {PLANTED} {{name}}')\n",
            "app/server.js": f"const jwt = require('jsonwebtoken'); jwt.sign({{}}, '{PLANTED}'); const a = express()",
            "app/tools.ts": f"import {{ exec }} from 'child_process'; exec(`login {PLANTED} ${{name}}`)",
        },
        ImageSettings(
            env=("FLASK_DEBUG=1", f"TOKEN={PLANTED}"), command=("uvicorn", f"--header=a:{PLANTED}", "--reload")
        ),
    ),
    Subject(
        IAC_SCANNER,
        {
            "deploy/main.tf": f'resource "a" "b" {{\n  password = "{PLANTED}"\n  url = "http://u:{PLANTED}@h"\n}}\n',
            "deploy/pod.yaml": f"apiVersion: v1\nkind: Pod\nenv:\n- name: DB_PASSWORD\n  value: {PLANTED}\n",
            "deploy/secret.yaml": f"apiVersion: v1\nkind: Secret\nstringData:\n  a: {PLANTED}\n  b: |\n    {PLANTED}\n",
            "deploy/Dockerfile": f"FROM a\nENV API_TOKEN {PLANTED}\nENV DB_PASSWORD={PLANTED}\nARG key=-----BEGIN\n",
        },
        judges=False,
    ),
)
each_subject = pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.scanner.name)

SLOW = 2.0
"""Seconds for 32 KiB of the worst, on a busy machine; what is quadratic takes ten times as long."""

HOSTILE_BYTES = 32 * 1024
HOSTILE = {
    "braces": "{",
    "brackets": "[",
    "parentheses": "(",
    "opened lists": "a: [",
    "opened blocks": "a {\n",
    "opened sections": "<a>\n",
    "elements": "<a b='c'>",
    "quotes": '"',
    "escaped quotes": '\\"',
    "single quotes": "'\\'",
    "backticks": "`${",
    "backslashes": "\\\n",
    "stars": "/*",
    "slashes": "/a",
    "regular expressions": "=/[",
    "dots": "a.",
    "calls": "a(",
    "sums": "a+",
    "secrets": "passwordpassword",
    "assignments": "token=",
    "aliases": "- &a [*a]\n",
    "anchors": "a: &a\n",
    "words": "a ",
    "letters": "A1",
    "dashes": "-",
    "indentation": " - ",
    "colons": "a:\n ",
    "equals": "a=",
    "at signs": "://a",
    "imports": "import {a,",
}


def kept(subject: Subject, files: Mapping[str, bytes]) -> list[KeptFile]:
    taken = {path: subject.scanner.take(path, content) for path, content in files.items()}
    return [KeptFile(f"/{path}", content, "sha256:1") for path, content in taken.items() if content is not None]


def judged(subject: Subject) -> Judgement:
    return subject.scanner.judge(kept(subject, encoded(subject)), subject.settings)


def encoded(subject: Subject) -> dict[str, bytes]:
    return {path: text.encode() for path, text in subject.files.items()}


def take_or_refuse(scanner: ExposureScanner, path: str, content: bytes) -> bytes | None:
    try:
        return scanner.take(path, content)
    except UnreadableFileError:
        return None


@each_subject
def test_it_wants_the_files_it_reads_and_no_others(subject: Subject) -> None:
    assert all(subject.scanner.wants(path) for path in subject.files)
    for path in subject.others:
        assert not subject.scanner.wants(path)


@each_subject
def test_everything_it_finds_says_what_where_and_what_to_do(subject: Subject) -> None:
    judgement = judged(subject)
    assert bool(judgement.exposures) is subject.judges
    for exposure in judgement.exposures:
        optional = {"path", "fingerprint", "layer_digest", "is_deleted"}
        told = {field.name: getattr(exposure, field.name) for field in fields(Exposure)}
        assert [name for name, value in told.items() if not value and name not in optional] == []
        assert exposure.category is subject.scanner.category
        assert exposure.cwe.startswith("CWE-")
        assert exposure.evidence.isprintable()
        assert exposure.title != exposure.description != exposure.recommendation
        assert exposure.path.startswith("/") or exposure.path == ""


@each_subject
def test_no_secret_is_kept_found_or_told(subject: Subject) -> None:
    taken = kept(subject, encoded(subject))
    assert taken
    assert [file.path for file in taken if PLANTED.encode() in file.content] == []
    assert PLANTED not in str(judged(subject))


@each_subject
def test_it_finds_the_same_again(subject: Subject) -> None:
    assert judged(subject) == judged(subject)
    taken = kept(subject, encoded(subject))
    backwards = subject.scanner.judge(taken[::-1], subject.settings)
    assert sorted(map(str, backwards.exposures)) == sorted(map(str, judged(subject).exposures))


@each_subject
def test_what_a_later_layer_removed_is_told_as_such_or_not_at_all(subject: Subject) -> None:
    gone = [KeptFile(file.path, file.content, "sha256:1", is_deleted=True) for file in kept(subject, encoded(subject))]
    judgement = subject.scanner.judge(gone, ImageSettings(user="app"))
    assert all(exposure.is_deleted for exposure in judgement.exposures)


@each_subject
def test_an_empty_image_has_nothing_wrong(subject: Subject) -> None:
    assert subject.scanner.judge([], ImageSettings(user="app")) == Judgement()


@each_subject
@settings(max_examples=60)
@given(data=st.data())
def test_no_bytes_make_it_fail(subject: Subject, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(subject.files)))
    whole = subject.files[path].encode()
    damaged = st.builds(lambda cut, more: whole[:cut] + more + whole[cut:], st.integers(0, len(whole)), st.binary())
    content = data.draw(st.binary(max_size=200) | damaged | st.text(max_size=200).map(lambda text: text.encode()))
    taken = take_or_refuse(subject.scanner, path, content)
    if taken is not None:
        subject.scanner.judge([KeptFile(f"/{path}", taken, "sha256:1")], subject.settings)


@each_subject
@settings(max_examples=40)
@given(content=st.binary(max_size=100), words=st.lists(st.text(max_size=30), max_size=5))
def test_no_stored_bytes_and_no_settings_make_it_fail(subject: Subject, content: bytes, words: list[str]) -> None:
    image = ImageSettings(tuple(words), tuple(words), ("sh", "-c", *words), "".join(words), tuple(words))
    path = next(iter(subject.files))
    subject.scanner.judge([KeptFile(f"/{path}", content, "sha256:1")], image)


@each_subject
@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
def test_the_worst_content_takes_bounded_time(subject: Subject, unit: str) -> None:
    content = (unit * (HOSTILE_BYTES // len(unit))).encode()
    assert_bounded(subject, content, SLOW)


@each_subject
@pytest.mark.parametrize("unit", ["{", "[", "a"])
def test_the_largest_file_takes_bounded_time(subject: Subject, unit: str) -> None:
    assert_bounded(subject, unit.encode() * subject.scanner.max_bytes, 4 * SLOW)
    assert_bounded(subject, unit.encode() * (subject.scanner.max_bytes + 1), 4 * SLOW)


def assert_bounded(subject: Subject, content: bytes, seconds: float) -> None:
    """Every kind of file it reads, were it to hold this, is read and judged in this time."""
    for path in {path.rpartition(".")[2]: path for path in subject.files}.values():
        started = time.process_time()
        taken = take_or_refuse(subject.scanner, path, content)
        if taken is not None:
            subject.scanner.judge([KeptFile(f"/{path}", taken, "sha256:1")], subject.settings)
        assert time.process_time() - started < seconds, path


@each_subject
def test_asking_for_every_file_of_a_large_layer_takes_little_time(subject: Subject) -> None:
    paths = [
        f"usr/lib/python3/{number}/etc/nginx/{'a' * 50}/{number}.{end}"
        for number in range(5_000)
        for end in ("so", "yaml")
    ]
    started = time.process_time()
    for path in paths:
        subject.scanner.wants(path)
    assert time.process_time() - started < 1.0


def test_each_category_has_its_scanner() -> None:
    assert len({subject.scanner.name for subject in SUBJECTS}) == len(SUBJECTS)
    assert all(json.dumps(subject.scanner.name) and subject.scanner.version >= 1 for subject in SUBJECTS)
