"""What harmless containers do all day raises nothing above Low."""

import shlex
from collections.abc import Iterator, Sequence

import pytest

from deadlight.model.vulnerability import Severity
from deadlight.threats.activity import Activity, ActivityKind, ProcessFacts
from deadlight.threats.engine import Engine, load_builtin

ENGINE = Engine(load_builtin())
K = ActivityKind
TOKEN = "/run/secrets/kubernetes.io/serviceaccount/..2026_01_01_00_00_00.1/token"


def process(line: str, user: int = 0) -> ProcessFacts:
    """A process from `path arguments...`."""
    path, _, command = line.partition(" ")
    arguments = tuple(shlex.split(command))
    return ProcessFacts(arguments[0].rpartition("/")[2][:15], path, arguments, 100, user)


def tree(*lines: str, user: int = 0) -> Iterator[Activity]:
    """Each line executed below the one before; the first is the container's first program."""
    chain: list[ProcessFacts] = []
    for line in lines:
        facts = process(line, user)
        yield Activity(K.EXECUTED, 0, "c", facts, tuple(chain), facts.path, first_program=not chain)
        chain.insert(0, facts)


def outside(line: str) -> Activity:
    """What a runtime starts in a container for a probe."""
    facts = process(line)
    return Activity(K.EXECUTED, 0, "c", facts, (), facts.path)


def by(line: str, *happenings: tuple[ActivityKind, str], user: int = 0) -> Iterator[Activity]:
    """What one process does with files."""
    facts = process(line, user)
    parent = process("/usr/bin/dash sh /docker-entrypoint.sh")
    for kind, path in happenings:
        yield Activity(kind, 0, "c", facts, (parent,), path, upper=kind is K.WRITTEN, changed=kind is K.WRITTEN)


def network(line: str, *happenings: tuple[ActivityKind, str, int]) -> Iterator[Activity]:
    """What one process does with the network."""
    for kind, address, port in happenings:
        yield Activity(kind, 0, "c", process(line), (), address=address, port=port)


def nginx() -> Iterator[Activity]:
    entrypoint = "/usr/bin/dash /bin/sh /docker-entrypoint.sh nginx -g 'daemon off;'"
    scripts = "/docker-entrypoint.d/10-listen-on-ipv6-by-default.sh"
    for line in (
        "/usr/bin/find find /docker-entrypoint.d/ -type f",
        "/usr/bin/sort sort -V",
        f"/usr/bin/dash sh {scripts}",
    ):
        yield from tree(entrypoint, line)
    for line in (
        "/usr/bin/dpkg-query dpkg-query --show -f x nginx",
        "/usr/bin/md5sum md5sum -c -",
        "/usr/bin/sed sed -i -E x /etc/nginx/conf.d/default.conf",
    ):
        yield from tree(entrypoint, f"/usr/bin/dash sh {scripts}", line)
    yield from tree("/usr/sbin/nginx nginx -g 'daemon off;'")
    yield from by(
        "/usr/bin/sed sed -i", (K.WRITTEN, "/etc/nginx/conf.d/sedQ1w2"), (K.OPENED, "/etc/nginx/conf.d/default.conf")
    )
    yield from by(
        "/usr/sbin/nginx nginx",
        (K.OPENED, "/etc/passwd"),
        (K.OPENED, "/etc/nginx/nginx.conf"),
        (K.OPENED, "/etc/ssl/private/tls.key"),
        (K.WRITTEN, "/run/nginx.pid"),
        (K.WRITTEN, "/var/cache/nginx/client_temp/1"),
        (K.MAPPED, "/usr/lib/x86_64-linux-gnu/libc.so.6"),
    )
    yield from network(
        "/usr/sbin/nginx nginx", (K.LISTENING, "0.0.0.0", 80), (K.LISTENING, "::", 443), (K.CONNECTED, "10.1.2.3", 8080)
    )
    yield Activity(K.PRIVILEGE_CHANGED, 0, "c", process("/usr/sbin/nginx nginx"), detail=(0, 101))


def postgres() -> Iterator[Activity]:
    entrypoint = "/usr/bin/bash bash /usr/local/bin/docker-entrypoint.sh postgres"
    for line in (
        "/usr/bin/id id -u",
        "/usr/bin/mkdir mkdir -p /var/lib/postgresql/data",
        "/usr/bin/chmod chmod 00700 /var/lib/postgresql/data",
        "/usr/bin/find find /var/lib/postgresql/data ! -user postgres -exec chown postgres {} +",
        "/usr/local/bin/gosu gosu postgres docker-entrypoint.sh",
        "/usr/lib/postgresql/16/bin/initdb initdb --username=postgres --pwfile=/dev/fd/63",
        "/usr/bin/tr tr -dc a-z",
        "/usr/bin/ls ls /docker-entrypoint-initdb.d/",
        "/usr/lib/postgresql/16/bin/pg_ctl pg_ctl -D /var/lib/postgresql/data -w start",
        "/usr/lib/postgresql/16/bin/psql psql -v ON_ERROR_STOP=1",
    ):
        yield from tree(entrypoint, line)
    yield from tree(
        entrypoint,
        "/usr/lib/postgresql/16/bin/initdb initdb",
        "/usr/bin/dash sh -c '\"/usr/lib/postgresql/16/bin/postgres\" -V'",
    )
    yield from tree(
        "/usr/lib/postgresql/16/bin/postgres postgres",
        "/usr/bin/dash sh -c 'cp pg_wal/1 /a/1'",
        "/usr/bin/cp cp pg_wal/1 /a/1",
    )
    yield outside("/usr/bin/dash sh -c 'exec pg_isready -U postgres -h 127.0.0.1 -p 5432'")
    yield outside("/usr/lib/postgresql/16/bin/pg_isready pg_isready -U postgres")
    yield from by(
        "/usr/lib/postgresql/16/bin/postgres postgres",
        (K.WRITTEN, "/dev/shm/PostgreSQL.1"),
        (K.OPENED, "/var/lib/postgresql/data/base/1/2"),
        user=999,
    )
    yield from network("/usr/lib/postgresql/16/bin/postgres postgres", (K.LISTENING, "0.0.0.0", 5432))
    yield Activity(K.PRIVILEGE_CHANGED, 0, "c", process("/usr/local/bin/gosu gosu postgres"), detail=(0, 999))
    yield Activity(
        K.MODE_CHANGED, 0, "c", process("/usr/bin/chmod chmod"), file_path="/run/postgresql", detail=(0o3775, 0)
    )


def python() -> Iterator[Activity]:
    gunicorn = "/usr/local/bin/python3.11 /usr/local/bin/python3.11 /usr/local/bin/gunicorn -w 4 app:app"
    for line in (
        "/usr/bin/dash /bin/sh -c '/sbin/ldconfig -p 2>/dev/null'",
        "/usr/sbin/ldconfig /sbin/ldconfig -p",
        "/usr/bin/uname uname -p",
        "/usr/bin/git git rev-parse --short HEAD",
        "/usr/bin/dash /bin/sh -c 'git describe --tags'",
        "/usr/bin/x86_64-linux-gnu-gcc-12 gcc -Wl,-t -o /tmp/x -lmagic",
    ):
        yield from tree(gunicorn, line, user=1000)
    yield from tree("/usr/bin/dash sh /entrypoint.sh", "/usr/local/bin/python3.11 python manage.py migrate")
    yield from by(
        gunicorn,
        (K.OPENED, "/app/main.py"),
        (K.OPENED, TOKEN),
        (K.WRITTEN, "/tmp/wgunicorn-x1"),
        (K.OPENED, "/root/.aws/credentials"),
        (K.WRITTEN, "/app/__pycache__/a.pyc"),
        (K.OPENED, "/proc/self/status"),
        (K.OPENED, "/proc/7/fd"),
        (K.OPENED, "/etc/ssl/certs/ca-certificates.crt"),
    )
    yield from network(
        gunicorn,
        (K.LISTENING, "0.0.0.0", 8000),
        (K.CONNECTED, "10.0.0.9", 5432),
        (K.CONNECTED, "52.216.1.1", 443),
        (K.CONNECTED, "169.254.169.254", 80),
    )
    yield outside(
        "/usr/local/bin/python3.11 python3 -c 'import urllib.request as u; u.urlopen(\"http://localhost:8000/health\")'"
    )


def node() -> Iterator[Activity]:
    npm = "/usr/local/bin/node npm start"
    yield from tree(
        "/usr/bin/dash /bin/sh /usr/local/bin/docker-entrypoint.sh npm start",
        npm,
        "/usr/bin/dash sh -c 'node server.js'",
        "/usr/local/bin/node node server.js",
    )
    yield from tree("/bin/busybox sh -c 'npm run build && node dist'", npm, "/bin/busybox sh -c 'tsc -p .'", user=1000)
    yield from by(
        "/usr/local/bin/node node server.js",
        (K.OPENED, "/app/node_modules/express/index.js"),
        (K.OPENED, "/app/.npmrc"),
        (K.WRITTEN, "/root/.npm/_logs/a.log"),
    )
    yield from network(
        "/usr/local/bin/node node",
        (K.LISTENING, "::", 3000),
        (K.CONNECTED, "::ffff:10.0.0.7", 6379),
        (K.CONNECTED, "2606:4700::6810:1", 443),
    )


def java() -> Iterator[Activity]:
    jvm = "/opt/java/openjdk/bin/java java -XX:MaxRAMPercentage=75 -jar /app.jar"
    yield from tree("/usr/bin/bash bash /opt/app/run.sh", "/usr/bin/dirname dirname /opt/app/run.sh", user=1000)
    yield from tree(jvm, user=1000)
    yield Activity(
        K.MAPPED, 0, "c", process(jvm), (), "/tmp/libnetty_transport_native_epoll_x86_641.so", changed=True, upper=True
    )
    yield Activity(K.MAPPED, 0, "c", process(jvm), (), "memfd:doublemapper", memfd=True, tmpfs=True, unlinked=True)
    yield from by(
        jvm,
        (K.WRITTEN, "/tmp/hsperfdata_app/1"),
        (K.OPENED, "/sys/fs/cgroup/memory.max"),
        (K.OPENED, "/proc/1/maps"),
        (K.OPENED, TOKEN),
    )
    yield from network(jvm, (K.LISTENING, "::", 8080), (K.CONNECTED, "10.9.9.9", 9092))


def jobs() -> Iterator[Activity]:
    cron = "/usr/sbin/cron cron -f"
    yield from tree(
        cron,
        "/usr/bin/dash /bin/sh -c 'backup >> /var/log/backup.log 2>&1'",
        "/usr/bin/bash bash /usr/local/bin/backup",
        "/usr/bin/tar tar czf /backup/a.tgz /data",
    )
    yield from tree(
        cron, "/usr/bin/dash /bin/sh -c '/usr/sbin/logrotate /etc/logrotate.conf'", "/usr/sbin/logrotate logrotate"
    )
    yield from by(cron, (K.OPENED, "/etc/shadow"), (K.OPENED, "/etc/crontab"), (K.OPENED, "/etc/pam.d/cron"))
    yield from tree(
        "/bin/busybox crond -f",
        "/bin/busybox /bin/sh -c 'run-parts /etc/periodic/daily'",
        "/bin/busybox run-parts /etc/periodic/daily",
    )
    yield from by("/usr/bin/tar tar czf /backup/a.tgz /data", (K.OPENED, "/data/a"), (K.WRITTEN, "/backup/a.tgz"))


def probes() -> Iterator[Activity]:
    for line in (
        "/usr/bin/dash sh -c 'curl -f http://localhost:8080/health || exit 1'",
        "/bin/busybox /bin/sh -c 'wget -q --spider http://127.0.0.1/ || exit 1'",
        "/usr/bin/curl curl -fsS http://localhost:8080/ready",
        "/usr/local/bin/redis-cli redis-cli ping",
        "/usr/bin/bash bash -c 'echo > /dev/tcp/127.0.0.1/9000'",
        "/usr/bin/cat cat /tmp/healthy",
        "/usr/bin/nc.openbsd nc -z 127.0.0.1 11211",
        "/bin/grpc_health_probe /bin/grpc_health_probe -addr=:8080",
    ):
        yield outside(line)
    yield Activity(
        K.EXECUTED,
        0,
        "c",
        ProcessFacts("runc:[2:INIT]", "memfd:runc_cloned:/proc/self/exe", ("runc", "init")),
        memfd=True,
        tmpfs=True,
        unlinked=True,
    )
    yield from network("/usr/bin/curl curl", (K.CONNECTED, "127.0.0.1", 8080))
    yield from network("/usr/bin/bash bash ./wait-for-it.sh db:5432", (K.CONNECTED, "10.96.0.12", 5432))


MIX = {each.__name__: list(each()) for each in (nginx, postgres, python, node, java, jobs, probes)}


def worse_than_low(activities: Sequence[Activity]) -> list[tuple[str, str]]:
    found = ((match.rule, activity) for activity in activities for match in ENGINE.match(activity))
    return [(rule.id, str(activity)) for rule, activity in found if rule.severity.rank > Severity.LOW.rank]


@pytest.mark.parametrize("name", MIX)
def test_harmless_containers_raise_nothing_above_low(name: str) -> None:
    assert worse_than_low(MIX[name]) == []


def test_the_same_containers_raise_something_when_they_are_attacked() -> None:
    attack = list(tree("/usr/sbin/nginx nginx", "/usr/bin/dash sh -c id", "/usr/bin/id id"))
    assert {rule for rule, _ in worse_than_low(attack)} == {"web-shell", "discovery-by-service"}
