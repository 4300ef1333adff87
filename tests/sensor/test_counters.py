"""Everything that is counted fits into a heartbeat."""

from deadlight.model.wire import Heartbeat, decode
from deadlight.sensor.credentials import Tokens
from deadlight.sensor.heart import HEARTBEAT
from deadlight.sensor.layout import COUNTERS_FIELDS, Subject
from deadlight.sensor.observe import Pending
from deadlight.sensor.programs import Plan, Tier
from deadlight.sensor.report import Reporter
from deadlight.sensor.transport import Service
from deadlight.sensor.watch import Surroundings, Watch

HASHER = (
    "hashed",
    "hashed_bytes",
    "shared",
    "hash_gone",
    "hash_changed",
    "hash_too_large",
    "hash_unreadable",
    "hash_too_many",
)


class CountingKernel:
    """A kernel half that has counted something of everything."""

    def __getattr__(self, name: str):
        return lambda *_, **__: None

    def hook_counters(self):
        return {subject: {name: 7 for name, _ in COUNTERS_FIELDS} for subject in Subject}


def test_all_counters_at_once_fit_into_a_heartbeat(service, token_command):
    watch = Watch(CountingKernel(), Plan(Tier.CALLS, (), ()), Surroundings(0, (), ()), Pending())  # type: ignore[arg-type]
    watch._hasher.counters.update(dict.fromkeys(HASHER, 1))
    tokens = Tokens(token_command)
    reporter = Reporter(lambda: Service(service.url, tokens), node="node-1")
    reporter.start()
    reporter.note(watch.health())
    (request,) = service.wait_for(HEARTBEAT, 1)
    reporter.close()

    beat = decode(request.body, Heartbeat)  # which refuses more than 128
    assert {"opens_seen", "kernel_lost", "kernel_missed", "journal_lost", "hash_too_many"} <= beat.counters.keys()
