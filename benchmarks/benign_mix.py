"""Ordinary containers for ten minutes: what do the threat rules say of them?

A web server, PostgreSQL, an application in Python and one in Node, a container of scheduled jobs and a short job every
ten seconds, each started by the entry point that such images have, with health checks, requests, backups and log
rotation. Every detection is printed with its reason. The bar: nothing above Low.

    make bench NAME=benign_mix
    python -m benchmarks.benign_mix --minutes 1
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import msgspec
from benchmarks.result import Bar, describe_machine, finish
from benchmarks.runc_containers import PYTHON, Container, Host, hosting
from benchmarks.watched_node import find_missing

from deadlight.model.vulnerability import Severity
from deadlight.model.wire import Detection

JOB_EVERY = 10.0
CHECK_EVERY = 5.0
REQUEST_EVERY = 0.5

POSTGRES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), Path("/usr/bin"))
SITE_PACKAGES = next(path for path in sys.path if path.endswith("site-packages"))

WEB = Container(
    "web",
    ["/docker-entrypoint.sh"],
    {
        "docker-entrypoint.sh": """#!/bin/sh
set -e
for script in /docker-entrypoint.d/*.sh; do "$script"; done
cp -r /srv/templates/. /srv/www/
exec busybox httpd -f -v -p 8080 -h /srv/www
""",
        "docker-entrypoint.d/10-listen.sh": """#!/bin/sh
mkdir -p /etc/web
sed "s/@PORT@/8080/" /srv/web.conf > /etc/web/web.conf
""",
        "docker-entrypoint.d/20-tune.sh": """#!/bin/sh
echo "workers $(nproc)" >> /etc/web/web.conf
id -u >/dev/null; hostname >/dev/null; uname -r >/dev/null; df -P / >/dev/null
""",
        "srv/web.conf": "listen @PORT@\n",
        "srv/templates/index.html": "<h1>Shop</h1>\n",
        "srv/www/health": "ok\n",
    },
)

DATABASE = Container(
    "database",
    ["/usr/local/bin/docker-entrypoint.sh", "postgres"],
    {
        "usr/local/bin/docker-entrypoint.sh": f"""#!/bin/bash
set -e
export PATH={POSTGRES}:$PATH PGDATA=/var/lib/postgresql/data
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /var/run/postgresql /archive
    find "$PGDATA" '!' -user postgres -exec chown postgres '{{}}' +
    chown postgres:postgres "$PGDATA" /var/run/postgresql /archive
    chmod 700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --clear-groups "$BASH_SOURCE" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    eval "initdb --username=postgres --pwfile=<(printf '%s\n' secret) --auth-host=trust"
    cat >> "$PGDATA/postgresql.conf" <<-END
\tarchive_mode = on
\tarchive_command = 'test ! -f /archive/%f && cp %p /archive/%f'
\tarchive_timeout = 10
\tautovacuum_naptime = 5
\tEND
    pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
    psql -v ON_ERROR_STOP=1 --username postgres --no-password --dbname postgres -c 'CREATE DATABASE shop'
    for file in /docker-entrypoint-initdb.d/*; do psql --username postgres --dbname shop -f "$file"; done
    pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec "$@"
""",
        "docker-entrypoint-initdb.d/1.sql": "CREATE TABLE orders (id serial PRIMARY KEY, what text);\n",
    },
)

APPLICATION = Container(
    "application",
    ["/bin/sh", "-c", f"exec {PYTHON} -m uvicorn --app-dir /srv --port 8000 --workers 2 application:app"],
    {
        "srv/application.py": """
import pathlib, subprocess, tempfile, urllib.request

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = b"ok"
    if scope["path"] == "/version":
        body = subprocess.run(["git", "--version"], capture_output=True).stdout
    elif scope["path"] == "/thumbnail":
        body = subprocess.run("gzip -c /etc/hostname | wc -c", shell=True, capture_output=True).stdout
    elif scope["path"] == "/upload":
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"x" * 1000)
    elif scope["path"] == "/proxy":
        with urllib.request.urlopen("http://127.0.0.1:8080/health") as answer:
            body = answer.read()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
""",
    },
    {"PYTHONPATH": SITE_PACKAGES},
)

NODE = Container(
    "node",
    ["/usr/local/bin/docker-entrypoint.sh", "node", "/srv/server.js"],
    {
        "usr/local/bin/docker-entrypoint.sh": '#!/bin/sh\nset -e\nexec "$@"\n',
        "srv/server.js": """
const http = require("http"), child = require("child_process"), fs = require("fs"), os = require("os");
http.createServer((request, response) => {
  if (request.url === "/disk") return child.execFile("df", ["-P", "/"], (e, out) => response.end(out));
  if (request.url === "/du") return child.exec("du -s /srv", (e, out) => response.end(out));
  fs.writeFileSync(os.tmpdir() + "/cache.json", JSON.stringify({at: Date.now()}));
  response.end("ok");
}).listen(3000);
""",
    },
)

JOBS = Container(
    "jobs",
    ["/bin/sh", "-c", "while sleep 5; do run-parts /etc/cron.often; done"],
    {
        "etc/cron.often/backup": f"""#!/bin/sh
export PATH={POSTGRES}:$PATH
mkdir -p /backup && pg_dump -h 127.0.0.1 -U postgres shop | gzip > "/backup/$(date +%s).sql.gz"
find /backup -name '*.gz' -mmin +1 -delete
""",
        "etc/cron.often/rotate": """#!/bin/sh
log=/var/log/app.log
echo "$(date) done" >> $log
[ "$(stat -c %s $log)" -gt 200 ] && mv $log $log.1 && gzip -f $log.1 && : > $log && chmod 640 $log
exit 0
""",
        "etc/cron.often/report": """#!/bin/bash
set -eu
curl -fsS http://127.0.0.1:8000/version -o /tmp/report.txt
tar -C /tmp -czf /backup/report.tgz report.txt
awk '{ print $1 }' /tmp/report.txt | sort | uniq -c | sed 's/^ *//' > /tmp/report.sum
""",
        "etc/cron.often/python": f"""#!{PYTHON}
import json, pathlib, sqlite3
database = sqlite3.connect("/var/tmp/jobs.db")
database.execute("CREATE TABLE IF NOT EXISTS run (n)")
database.execute("INSERT INTO run VALUES (1)")
database.commit()
""",
    },
)

STARTED = (WEB, DATABASE, APPLICATION, NODE, JOBS)

CHECKS = (
    (WEB, ("/bin/sh", "-c", "curl -f http://localhost:8080/health")),
    (WEB, ("busybox", "wget", "-qO-", "http://127.0.0.1:8080/health")),
    (DATABASE, ("/bin/sh", "-c", "exec pg_isready -U postgres -h 127.0.0.1 -p 5432")),
    (DATABASE, ("bash", "-ec", f"{POSTGRES}/psql -U postgres -h 127.0.0.1 -c 'SELECT 1' shop")),
    (APPLICATION, ("curl", "-fsS", "http://127.0.0.1:8000/")),
    (APPLICATION, (PYTHON, "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/')")),
    (NODE, ("sh", "-c", "node -e \"require('http').get('http://127.0.0.1:3000/', r => process.exit(0))\"")),
    (JOBS, ("sh", "-c", "test -d /backup || ps aux | grep -q run-parts")),
)
"""What kubelets and Docker run in containers to see whether they are well."""

REQUESTS = (
    *("8080/index.html", "8000/", "8000/version", "8000/thumbnail", "8000/upload", "8000/proxy"),
    *("3000/", "3000/disk", "3000/du"),
)


class Sensor:
    """A sensor that prints what it finds."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.detections: list[Detection] = []
        self.observations = 0
        self.saying: asyncio.Task[None] | None = None

    async def wait_until_watching(self) -> None:
        """Until it sees everything; what it says from then on is printed."""
        assert self.process.stderr
        async for line in self.process.stderr:
            if b"watching:" in line:
                self.saying = asyncio.create_task(self._say())
                return
        raise RuntimeError("the sensor ended")

    async def _say(self) -> None:
        assert self.process.stderr
        async for line in self.process.stderr:
            print(line.decode().rstrip())

    async def read(self) -> None:
        """Until it ends."""
        assert self.process.stdout
        async for line in self.process.stdout:
            if b'"rule":' in line:
                self.detections.append(msgspec.json.decode(line, type=Detection))
            else:
                self.observations += 1


async def every(seconds: float, act: object) -> None:
    """Do something again and again."""
    while True:
        begun = time.monotonic()
        await act()  # type: ignore[operator]
        await asyncio.sleep(max(0.0, seconds - (time.monotonic() - begun)))


class Mix:
    """What goes on."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.done: Counter[str] = Counter()
        self.names: dict[str, str] = {}

    async def start(self) -> None:
        """Start what runs all the time."""
        for container in STARTED:
            self.names[container.container_id] = container.name
            await self.host.start(container)

    async def check(self) -> None:
        """One round of health checks."""
        for container, command in CHECKS:
            well = await self.host.execute(container, *command)
            self.done[f"{container.name} checked, {'well' if well else 'not well'}"] += 1

    async def request(self) -> None:
        """One round of requests, from beside the database."""
        urls = [f"http://127.0.0.1:{request}" for request in REQUESTS]
        await self.host.execute(JOBS, "curl", "-s", "--max-time", "5", *urls)
        self.done["requests"] += len(urls)

    async def job(self) -> None:
        """A container that migrates the database and is gone."""
        script = f"{POSTGRES}/psql -h 127.0.0.1 -U postgres shop -c \"INSERT INTO orders (what) VALUES ('x')\""
        job = Container("job", ["/bin/sh", "-c", script])
        self.names[job.container_id] = job.name
        await self.host.start(job)
        assert job.process
        self.done[f"jobs that ended with {await job.process.wait()}"] += 1
        await self.host.stop(job)


def describe(mix: Mix, detection: Detection) -> str:
    """A detection in a line."""
    facts = ", ".join(f"{name}={value}" for name, value in detection.facts.items() if name.startswith(("file", "net")))
    command = " ".join(detection.process.arguments)[:100]
    parents = " < ".join(one.name for one in detection.ancestors)
    where = mix.names.get(detection.container_id, "another")
    return f"{detection.severity} {detection.rule} in {where}: {detection.process.path} ({command}) < {parents} {facts}"


async def run(minutes: float) -> tuple[Mix, Sensor]:
    """The mix for some minutes under a sensor."""
    async with hosting() as host:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "deadlight.sensor", "--print"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=1 << 20,
        )
        sensor, mix = Sensor(process), Mix(host)
        reading = asyncio.create_task(sensor.read())
        try:
            await sensor.wait_until_watching()
            await mix.start()
            acts = ((CHECK_EVERY, mix.check), (REQUEST_EVERY, mix.request), (JOB_EVERY, mix.job))
            tasks = [asyncio.create_task(every(seconds, act)) for seconds, act in acts]
            await asyncio.wait(tasks, timeout=60 * minutes, return_when=asyncio.FIRST_EXCEPTION)
            for task in tasks:
                task.cancel()
            failures = [task.exception() for task in tasks if task.done() and not task.cancelled()]
            await asyncio.gather(*tasks, return_exceptions=True)
            if failures:
                raise RuntimeError("the mix did not go on") from failures[0]
        finally:
            process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(reading, 30)
            await process.wait()
            for container in STARTED:  # how far they came
                print(f"--- {container.name}:", *_tail(host.folder / f"{container.name}.log"), sep="\n    ")
        return mix, sensor


def _tail(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines()[-3:] if log.exists() else []


async def main(minutes: float) -> None:
    """Run it and say what was detected."""
    missing = await find_missing()
    if missing:
        sys.exit(f"no sensor can run here: {missing}")
    print(f"{len(STARTED)} containers and a job every {JOB_EVERY:g} s for {minutes:g} min; {describe_machine()}")
    mix, sensor = await run(minutes)
    own = [one for one in sensor.detections if one.container_id in mix.names]
    lines = Counter(describe(mix, one) for one in own)
    for line, count in lines.most_common():
        print(f"{count:4} {line}")
    above = [one for one in own if one.severity.rank > Severity.LOW.rank]
    figures: dict[str, object] = {
        **mix.done,
        "observations": sensor.observations,
        "detections": len(own),
        "by rule": dict(Counter(f"{one.rule} ({one.severity})" for one in own)),
        "machine": describe_machine(),
    }
    unwell = sum(count for what, count in mix.done.items() if what.endswith("not well"))
    checked = sum(count for what, count in mix.done.items() if " checked, " in what)
    bars = [
        Bar("nothing above Low", not above),
        Bar("the containers did their work", unwell * 10 < checked),
    ]
    finish("benign_mix", figures, bars)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    asyncio.run(main(parser.parse_args().minutes))
