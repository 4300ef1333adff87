"""The messages between agents and the service: versioned, bounded, idempotent.

Every message is JSON. A body may be gzip-encoded. Strings and lists are bounded here, so that a hostile or broken
agent is refused at the door with the name of the field that is wrong. Unknown fields are ignored: an older service
understands a newer agent as far as it can, and `schema` says when it cannot.

Delivery is at least once. `batch_id` names a batch for good: a batch that arrives twice changes nothing the second
time, and an acknowledgement is only sent after the service has committed. Because a controller can still lose a
batch (a crash between reading a watch and sending), each inventory batch carries `digests`, the controller's view of
what the service should now hold; where they differ the service answers `resync` and the controller announces
everything again under one `sync_id`.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b, md5
from typing import Annotated, Any, TypeVar

import msgspec

from deadlight.model.detection import BlockingMode, Response
from deadlight.model.observation import Grade
from deadlight.model.vulnerability import Severity
from deadlight.model.workload import WorkloadKind

SCHEMA = 1
"""The version of these messages. It changes only when an old reader would misunderstand a new writer."""

MAX_BODY_BYTES = 64 * 1024 * 1024
"""The largest message after decompression."""

MAX_OBJECTS = 5_000
"""The most nodes, workloads, pods or observations in one batch."""

MAX_DENIED = 1_000
"""The most programs that a sensor is told to stop for their content."""

Name = Annotated[str, msgspec.Meta(max_length=512)]
"""A Kubernetes name, namespace, uid or version: at most 253 characters by its own rules."""

Text = Annotated[str, msgspec.Meta(max_length=4096)]
"""A path, an image reference or an error text."""

Labels = Annotated[dict[Name, Annotated[str, msgspec.Meta(max_length=16_384)]], msgspec.Meta(max_length=256)]
Counters = Annotated[dict[Name, int], msgspec.Meta(max_length=128)]


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all messages and their parts (mypy wants the options repeated on each)."""


# --- enrolment -------------------------------------------------------------------------------------------


class Enrolment(Message, frozen=True, kw_only=True):
    """`POST /agent/v1/enrol`: exchange a registration token for an identity."""

    schema: int = SCHEMA
    registration_token: Text
    public_key: Name
    """Raw Ed25519 public key, 32 bytes, base64url without padding."""
    kind: Name
    """`controller` or `sensor`."""
    cluster_uid: Name
    """UID of the namespace kube-system: the one identity a cluster keeps (for ECS: the cluster's ARN)."""
    cluster_name: Name
    node_name: Name = ""
    version: Name = ""
    demonstration: bool = False


class Enrolled(Message, frozen=True, kw_only=True):
    """The answer to an enrolment."""

    agent_id: Name
    cluster_id: Name


class TokenRequest(Message, frozen=True, kw_only=True):
    """`POST /agent/v1/token`: a JWT signed by the agent's key (RFC 7523 style), good for 60 seconds and once."""

    assertion: Text


class AccessToken(Message, frozen=True, kw_only=True):
    """A bearer token for the other agent endpoints."""

    access_token: Text
    expires_in: int
    """Seconds."""


# --- inventory -------------------------------------------------------------------------------------------


class ClusterRecord(Message, frozen=True, kw_only=True):
    """Facts about the cluster itself."""

    uid: Name
    name: Name
    version: Name = ""
    provider: Name = "Kubernetes"
    regions: Annotated[tuple[Name, ...], msgspec.Meta(max_length=64)] = ()


class NodeRecord(Message, frozen=True, kw_only=True):
    """A node."""

    uid: Name
    name: Name
    hash: int
    os: Name = "linux"
    architecture: Name = ""
    kernel: Name = ""
    region: Name = ""
    hostname: Name = ""
    internal_dns: Name = ""
    internal_ip: Name = ""
    sensor_disabled: bool = False
    """By label: `disable_jfrog_runtime=true`, `deadlight.io/sensor=disabled` or `deadlight.io/disable-sensor=true`."""
    ready: bool = True
    created_at: datetime | None = None


class NamespaceRecord(Message, frozen=True, kw_only=True):
    """A namespace."""

    uid: Name
    name: Name
    hash: int
    labels: Labels = {}
    annotations: Labels = {}


class Deployer(Message, frozen=True, kw_only=True):
    """Whom the API server authenticated for a change of what a workload's pods are made from."""

    user: Name
    groups: Annotated[tuple[Name, ...], msgspec.Meta(max_length=32)] = ()
    via: Name
    """`admission` or `audit`."""
    at: datetime
    template: Name = ""
    """Hash of the pod template they asked for: what they say holds while the workload's is the same."""
    changed: Annotated[tuple[Name, ...], msgspec.Meta(max_length=16)] = ()
    """What they changed of it, for people."""


class WorkloadRecord(Message, frozen=True, kw_only=True):
    """What ultimately owns pods: a Deployment rather than its ReplicaSet, a CronJob rather than its Job."""

    uid: Name
    namespace: Name
    kind: WorkloadKind
    name: Name
    hash: int
    kind_name: Name = ""
    """The owner's own kind where `kind` is Other (an Argo Rollout, say)."""
    desired: int = 0
    ready: int = 0
    labels: Labels = {}
    annotations: Labels = {}
    created_at: datetime | None = None
    template: Name = ""
    """Hash of the pod template; empty where the owner has none that is known."""
    deployer: Deployer | None = None
    """None also where this controller did not hear: then what the service heard before stays."""


class ContainerRecord(Message, frozen=True, kw_only=True):
    """A container of a pod as its kubelet reports it."""

    name: Name
    role: Name = "container"
    """`container`, `init` or `ephemeral`."""
    image: Text
    """The reference written in the pod's specification."""
    image_id: Text = ""
    """The kubelet's `imageID`; empty until the image is on the node."""
    container_id: Name = ""
    """The runtime's id without its scheme; empty until created."""
    state: Name = "waiting"
    """`waiting`, `running` or `terminated`."""
    started_at: datetime | None = None


class PodRecord(Message, frozen=True, kw_only=True):
    """A pod with its containers."""

    uid: Name
    namespace: Name
    name: Name
    hash: int
    workload_uid: Name
    node: Name = ""
    phase: Name = ""
    containers: Annotated[tuple[ContainerRecord, ...], msgspec.Meta(max_length=256)] = ()
    created_at: datetime | None = None


class Removed(Message, frozen=True, kw_only=True):
    """A tombstone."""

    kind: Name
    """`node`, `namespace`, `workload` or `pod`."""
    uid: Name


class KindDigest(Message, frozen=True, kw_only=True):
    """How many objects of a kind the controller holds and the sum of their hashes modulo 2**64."""

    count: int
    checksum: int


class StateDigest(Message, frozen=True, kw_only=True):
    """The controller's view of what the service should hold after a batch."""

    node: KindDigest
    namespace: KindDigest
    workload: KindDigest
    pod: KindDigest


class InventoryBatch(Message, frozen=True, kw_only=True):
    """`POST /agent/v1/inventory`."""

    schema: int = SCHEMA
    batch_id: Name
    cluster: ClusterRecord
    nodes: Annotated[tuple[NodeRecord, ...], msgspec.Meta(max_length=MAX_OBJECTS)] = ()
    namespaces: Annotated[tuple[NamespaceRecord, ...], msgspec.Meta(max_length=MAX_OBJECTS)] = ()
    workloads: Annotated[tuple[WorkloadRecord, ...], msgspec.Meta(max_length=MAX_OBJECTS)] = ()
    pods: Annotated[tuple[PodRecord, ...], msgspec.Meta(max_length=MAX_OBJECTS)] = ()
    removed: Annotated[tuple[Removed, ...], msgspec.Meta(max_length=4 * MAX_OBJECTS)] = ()
    sync_id: Name = ""
    """Set while everything is announced again."""
    sync_complete: bool = False
    """The last batch of `sync_id`: what the service holds and this sync did not announce is gone."""
    digests: StateDigest | None = None


class Rejection(Message, frozen=True, kw_only=True):
    """An object of a batch that could not be taken, and why. The rest of the batch was."""

    uid: Name
    reason: Text


class InventoryAck(Message, frozen=True, kw_only=True):
    """The answer to an inventory batch, sent after commit."""

    batch_id: Name
    resync: bool = False
    rejected: tuple[Rejection, ...] = ()


# --- observations ----------------------------------------------------------------------------------------


class Observation(Message, frozen=True, kw_only=True, gc=False):
    """A file that a process of a container executed, mapped as code or opened, once per batch and file."""

    container_id: Name
    grade: Grade
    path: Text
    """As the process sees it, from its root; of an entry that was read of a Java archive, `<archive>!/<entry>`."""
    count: int = 1
    """Sightings since it was last told, of those that reached the sensor: the kernel half repeats few, and what is told
    once more counts at least one. Their sum says how much rather than how often."""
    first_at: datetime
    last_at: datetime
    pid: int = 0
    process: Name = ""
    """The process's command name."""
    arguments: Annotated[tuple[Text, ...], msgspec.Meta(max_length=64)] = ()
    changed: bool = False
    """The file is not the image's own: created or changed inside the container, or of a file system mounted into it."""
    program: Text = ""
    """The executable of the process, as the process sees it; empty where it is not known."""
    parent_pid: int = 0
    user: int | None = None
    """The uid as the host counts."""
    sha256: Name = ""
    """Of an executed file, in hexadecimal; empty where it was gone or too large to be read in time."""
    running: bool | None = None
    """Of an executed file: whether a process of it, with these arguments, still runs."""
    tool: bool = False
    """Only programs that read whatever there is saw it so: package managers, scanners, backups, shells."""


class ObservationBatch(Message, frozen=True, kw_only=True):
    """`POST /agent/v1/observations`."""

    schema: int = SCHEMA
    batch_id: Name
    node: Name
    observations: Annotated[tuple[Observation, ...], msgspec.Meta(max_length=MAX_OBJECTS)] = ()
    counters: Counters = {}


def observation_digest(subjects: Iterable[tuple[Grade, str]]) -> str:
    """What a container's observations amount to, whatever their order: the exclusive or of a hash of each.

    A subject is a grade and a path, each once. The hash is the first 8 bytes of MD5 (no secret, only a sum that SQL
    knows too) of `grade`, a newline and the path; 16 hexadecimal digits.
    """
    total = 0
    for grade, path in subjects:
        total ^= int.from_bytes(subject_digest(grade, path))
    return f"{total:016x}"


def subject_digest(grade: Grade, path: str) -> bytes:
    """What a subject adds to an `observation_digest`, 8 bytes."""
    return md5(f"{grade}\n{path}".encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()[:8]


class ObservationAck(Message, frozen=True, kw_only=True):
    """The answer to an observation batch, sent after commit."""

    batch_id: Name


# --- detections ------------------------------------------------------------------------------------------


class DetectedProcess(Message, frozen=True, kw_only=True):
    """A process that a detection is about, or one of its ancestors."""

    name: Name = ""
    path: Text = ""
    arguments: Annotated[tuple[Text, ...], msgspec.Meta(max_length=64)] = ()
    """Secrets in them are redacted by the sensor."""
    pid: int = 0
    user: int | None = None


class Detection(Message, frozen=True, kw_only=True):
    """A threat rule that matched what a container did."""

    id: Name
    """Chosen by the sensor, the same for every delivery."""
    rule: Name
    title: Text
    severity: Severity
    mitre: Annotated[tuple[Name, ...], msgspec.Meta(max_length=16)] = ()
    """Techniques of MITRE ATT&CK, such as `T1059.004`."""
    at: datetime
    count: int = 1
    """How often it matched the same since `at`, until it was handed over."""
    container_id: Name
    process: DetectedProcess
    ancestors: Annotated[tuple[DetectedProcess, ...], msgspec.Meta(max_length=8)] = ()
    """Its parent first, as far as they are in the container."""
    facts: Annotated[dict[Name, Text], msgspec.Meta(max_length=32)] = {}
    """Values of the fields that the rule looked at, such as `file.path` or `network.address`."""
    response: Response = Response.REPORTED


class DetectionBatch(Message, frozen=True, kw_only=True):
    """`POST /agent/v1/detections`, answered with an `ObservationAck`."""

    schema: int = SCHEMA
    batch_id: Name
    node: Name
    detections: Annotated[tuple[Detection, ...], msgspec.Meta(max_length=MAX_OBJECTS)] = ()


class CustomRule(Message, frozen=True, kw_only=True):
    """A threat rule that users wrote, or theirs instead of a built-in one of the same id."""

    id: Name
    source: Annotated[str, msgspec.Meta(max_length=65_536)]
    """A rule file (TOML) as `deadlight.threats` reads it."""


class DeniedProgram(Message, frozen=True, kw_only=True):
    """A program of a container whose content is not the image's: the sensor knows the hash, the service the image."""

    container_id: Name
    path: Text
    sha256: Name


class BlockingPolicy(Message, frozen=True, kw_only=True):
    """What a node's sensor stops. Containers that are not named are only watched."""

    mode: BlockingMode = BlockingMode.OFF
    drift: bool = False
    """Programs that are not the image's own."""
    mismatch: bool = False
    """Programs whose hash differs from the image's."""
    container_ids: Annotated[tuple[Name, ...], msgspec.Meta(max_length=MAX_OBJECTS)] = ()
    denied: Annotated[tuple[DeniedProgram, ...], msgspec.Meta(max_length=MAX_DENIED)] = ()
    """With `mismatch`: the programs of these containers that were found to differ."""


class SensorPolicy(Message, frozen=True, kw_only=True):
    """The answer to `GET /agent/v1/policy`: what the sensors of a cluster look for and stop."""

    version: Name
    """Changes with the content."""
    rules: Annotated[tuple[CustomRule, ...], msgspec.Meta(max_length=500)] = ()
    disabled_rules: Annotated[tuple[Name, ...], msgspec.Meta(max_length=1_000)] = ()
    severities: Annotated[dict[Name, Severity], msgspec.Meta(max_length=1_000)] = {}
    """Severities of rules that users changed."""
    blocking: BlockingPolicy = BlockingPolicy()


# --- health ----------------------------------------------------------------------------------------------


class ContainerCoverage(Message, frozen=True, kw_only=True):
    """How completely a container was watched. What was not seen is only "not used" where this is complete."""

    container_id: Name
    since: datetime
    from_start: bool
    """Watched since its first program; else since the sensor found it running."""
    lost: int = 0
    """Events that may have been its own and were lost on the way."""
    unseen: Annotated[tuple[Name, ...], msgspec.Meta(max_length=16)] = ()
    """What stays unseen, such as `opens` without their hook or `io_uring` once the container used it."""
    digest: Name = ""
    """`observation_digest` of everything reported of the container and acknowledged."""


class Heartbeat(Message, frozen=True, kw_only=True):
    """`POST /agent/v1/heartbeat`: an agent is alive, what it counted and what troubles it."""

    schema: int = SCHEMA
    version: Name
    node: Name = ""
    started_at: datetime
    counters: Counters = {}
    problems: Annotated[tuple[Text, ...], msgspec.Meta(max_length=32)] = ()
    kernel: Name = ""
    """Release and machine, such as `6.12.57 x86_64`; of a sensor."""
    hooks: Annotated[tuple[Name, ...], msgspec.Meta(max_length=64)] = ()
    """What the sensor is attached to."""
    tier: Name = ""
    """`L`, `T` or `S`: how much the kernel lets a sensor see."""
    coverage: Annotated[tuple[ContainerCoverage, ...], msgspec.Meta(max_length=MAX_OBJECTS)] = ()
    policy: Name = ""
    """The version of the `SensorPolicy` that a sensor has in force; empty where it has none, or does not say."""


class HeartbeatAck(Message, frozen=True, kw_only=True):
    """The answer to a sensor's heartbeat."""

    policy: Name = ""
    """Version of the `SensorPolicy` that the sensor should have."""
    resend: Annotated[tuple[Name, ...], msgspec.Meta(max_length=MAX_OBJECTS)] = ()
    """Containers of which the service holds something else than the sensor reported: tell everything of them again."""
    wait_seconds: float = 0.0
    """How long to hold observations back: the service has more than it can deal with. Detections are always welcome."""


# --- reading and writing ---------------------------------------------------------------------------------


class InvalidMessageError(ValueError):
    """A message that is not what its endpoint expects; the text names the field."""


def encode(message: Message) -> bytes:
    """Write a message as JSON."""
    return msgspec.json.encode(message)


M = TypeVar("M", bound=Message)


def decode(body: bytes, kind: type[M]) -> M:
    """Read a message of `kind`.

    Raises:
        InvalidMessageError: not JSON, a field missing, of the wrong type or too long, or a schema from the future.
    """
    try:
        message = msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidMessageError(f"not a valid {kind.__name__}: {error}") from error
    schema = getattr(message, "schema", SCHEMA)
    if schema > SCHEMA:
        raise InvalidMessageError(
            f"{kind.__name__} uses schema {schema}, this service understands up to {SCHEMA}: upgrade the service"
        )
    return message


def content_hash(record: Message) -> int:
    """A signed 64-bit hash of everything in a record but its `hash`, equal only for equal content.

    64 bits of BLAKE2b: with a million objects the chance of any accidental equality is below 1 in 10**7.
    """
    fields: Any = msgspec.structs.asdict(record) | {"hash": 0}
    digest = blake2b(msgspec.json.encode(fields, order="sorted"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
