"""What the sensor's tests share: the compiled object, records as the kernel writes them, the service."""

import gzip
import json
import os
import ssl
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme
from tests.support.machine import REPOSITORY, demand, missing_for_object

from deadlight.model.observation import Grade
from deadlight.model.wire import (
    Detection,
    DetectionBatch,
    Heartbeat,
    HeartbeatAck,
    ObservationAck,
    ObservationBatch,
    SensorPolicy,
    decode,
    encode,
    observation_digest,
)
from deadlight.sensor.credentials import Tokens
from deadlight.sensor.errors import SensorError
from deadlight.sensor.layout import EVENT, EventKind
from deadlight.sensor.libbpf import Library


@pytest.fixture(name="demand")
def demand_fixture() -> Callable[[str, str], None]:
    return demand


@pytest.fixture(scope="session")
def built_object() -> bytes:
    """The compiled object. Building it needs clang, but neither root nor a particular kernel."""
    demand("bpf", missing_for_object())
    return (REPOSITORY / "src/deadlight/sensor/objects/sensor.bpf.o").read_bytes()


@pytest.fixture
def library() -> Library:
    """libbpf."""
    try:
        return Library(os.environ)
    except SensorError as error:
        demand("bpf", str(error))
        raise


# --- records ---------------------------------------------------------------------------------------------


def make_record(
    kind: int,
    names: bytes = b"",
    argv: bytes = b"",
    *,
    cgroup: tuple[int, int] = (7, 0),
    flags: int = 0,
    at: int = 1_000,
    pid: int = 42,
    comm: bytes = b"app",
    parent_pid: int = 1,
    user: int = 0,
    file: tuple[int, int, int, int] = (0, 0, 0, 0),
    detail: tuple[int, int] = (0, 0),
) -> bytes:
    """A record as `bpf/events.h` lays it out; `names` from the file up, each ending in a zero byte.

    `file` is its device, inode, change time and mode.
    """
    device, inode, changed_at, mode = file
    what = (at, *cgroup, 0, kind, flags, pid, parent_pid, user, device, inode, changed_at, *detail, mode)
    head = EVENT.pack(*what, len(names), len(argv), comm)
    return head + names + argv


@pytest.fixture(name="make_record", scope="session")
def make_record_fixture() -> Callable[..., bytes]:
    return make_record


@pytest.fixture(scope="session")
def file_record() -> Callable[..., bytes]:
    """Writes a record about the file at a path: `file_record(EventKind.OPENED, "/etc/passwd", cgroup=(7, 0))`."""

    def write(kind: EventKind, path: str, **others: object) -> bytes:
        names = b"".join(name.encode() + b"\0" for name in reversed(path.split("/")[1:]))
        return make_record(kind, names, **others)  # type: ignore[arg-type]  # passed through

    return write


# --- the service -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """A request that the service got, its body decompressed."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What the service says instead of what it should; without a status it closes the connection unanswered."""

    status: int = 0
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class ServiceDouble:
    """A real HTTP server that stands in for the service: acknowledges what it gets, unless told otherwise."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._replies: dict[str, list[Reply]] = {}
        self._news = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                double.connections += 1
                super().setup()

            def do_GET(self) -> None:
                self.answer(b"{}")

            def do_POST(self) -> None:
                self.answer(self.rfile.read(int(self.headers["Content-Length"])))

            def answer(self, body: bytes) -> None:
                if self.headers["Content-Encoding"] == "gzip":
                    body = gzip.decompress(body)
                reply = double.take(Request(self.path, dict(self.headers), body))
                if not reply.status:
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                pass

        return Handler

    def instead(self, path: str, *replies: Reply) -> None:
        """Answer the next requests to `path` with these, one each."""
        self._replies.setdefault(path, []).extend(replies)

    def take(self, request: Request) -> Reply:
        with self._news:
            self.requests.append(request)
            self._news.notify_all()
        scripted = self._replies.get(request.path)
        return scripted.pop(0) if scripted else self.answer(request)

    def answer(self, request: Request) -> Reply:
        """What it says unless it was told otherwise."""
        batch_id = json.loads(request.body).get("batch_id")
        return Reply(200, json.dumps({"batch_id": batch_id}).encode() if batch_id else b"{}")

    def wait_for(self, path: str, count: int) -> list[Request]:
        """The first `count` requests to `path`, waiting for them."""

        def found() -> list[Request]:
            return [request for request in self.requests if request.path == path]

        with self._news:
            assert self._news.wait_for(lambda: len(found()) >= count, 30), f"only {len(found())} requests to {path}"
        return found()[:count]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(30)
        self._server.server_close()


class LearningService(ServiceDouble):
    """Holds what sensors tell it, as the service does, and compares digests."""

    def __init__(self) -> None:
        super().__init__()
        self.observations: dict[str, set[tuple[Grade, str]]] = defaultdict(set)
        self.detections: dict[str, Detection] = {}
        self.beats: list[Heartbeat] = []
        self.policy = SensorPolicy(version="")
        self.wait_seconds = 0.0
        self.is_away = False
        self.refuses_all = False
        self.most_bytes = 1 << 30
        self._released: dict[str, threading.Event] = {}
        self.refuses: Callable[[str], bool] = lambda _path: False
        """Which paths of observations it does not take."""

    def digest(self, container_id: str) -> str:
        return observation_digest(self.observations[container_id])

    def answer(self, request: Request) -> Reply:
        if request.path in self._released:
            self._released[request.path].wait(30)
        if self.is_away:
            return Reply(503)
        if len(request.body) > self.most_bytes:
            return Reply(413)
        with self._news:
            match request.path.rpartition("/")[2]:
                case "observations":
                    return self._observe(decode(request.body, ObservationBatch))
                case "detections":
                    batch = decode(request.body, DetectionBatch)
                    self.detections |= {found.id: found for found in batch.detections}
                    return Reply(200, encode(ObservationAck(batch_id=batch.batch_id)))
                case "heartbeat":
                    return self._hear(decode(request.body, Heartbeat))
                case _:
                    return Reply(200, encode(self.policy))

    def _observe(self, batch: ObservationBatch) -> Reply:
        if self.refuses_all or any(self.refuses(found.path) for found in batch.observations):
            return Reply(400, b'{"detail": "a path cannot be stored"}')
        for found in batch.observations:
            self.observations[found.container_id].add((found.grade, found.path))
        return Reply(200, encode(ObservationAck(batch_id=batch.batch_id)))

    def _hear(self, beat: Heartbeat) -> Reply:
        self.beats.append(beat)
        other = [one.container_id for one in beat.coverage if one.digest not in {"", self.digest(one.container_id)}]
        answer = HeartbeatAck(policy=self.policy.version, resend=tuple(other), wait_seconds=self.wait_seconds)
        return Reply(200, encode(answer))

    @contextmanager
    def hanging(self, path: str) -> Iterator[None]:
        """Answer requests to `path` only when the block has ended."""
        self._released[path] = threading.Event()
        try:
            yield
        finally:
            self._released[path].set()

    def wait_until(self, condition: Callable[[], object], seconds: float = 30) -> None:
        """Wait for something to become true; looked at with every request."""
        with self._news:
            assert self._news.wait_for(condition, seconds), "the service did not get to know it"


@pytest.fixture
def service() -> Iterator[ServiceDouble]:
    double = ServiceDouble()
    yield double
    double.close()


@pytest.fixture
def learning_service() -> Iterator[LearningService]:
    double = LearningService()
    yield double
    double.close()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_service(authority: trustme.CA) -> Iterator[ServiceDouble]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    double = ServiceDouble(context)
    yield double
    double.close()


@pytest.fixture
def reply() -> type[Reply]:
    return Reply


@pytest.fixture
def tokens(token_command: list[str]) -> Tokens:
    return Tokens(token_command)


@pytest.fixture
def token_command() -> list[str]:
    """Prints a token that lasts, like the credentials process, without asking anybody."""
    token = {"access_token": "t1", "expires_at": "2999-01-01T00:00:00Z", "agent_id": "a", "cluster_id": "c"}
    return [sys.executable, "-S", "-c", f"print({json.dumps(token)!r})"]
