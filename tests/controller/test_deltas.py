"""What is told to the service: examples first, then any sequence of changes, losses and syncs."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.client.model_service import ModelService
from tests.controller.made import CLUSTER, gone, namespace, node, pod, workload

from deadlight.controller.batches import BATCH_OBJECTS, inventory_batch
from deadlight.controller.deltas import Change, Deltas
from deadlight.model import wire


def filled(*changes: Change) -> Deltas:
    deltas = Deltas()
    for change in changes:
        deltas.apply(change)
    return deltas


def synced(*changes: Change) -> Deltas:
    deltas = filled(*changes)
    deltas.begin_sync("s")
    while deltas.is_syncing:
        deltas.cut(1000)
    return deltas


@pytest.mark.req("R6")
def test_an_unchanged_record_is_no_news_and_not_sent_again() -> None:
    deltas = synced(pod("p"))

    assert not deltas.apply(pod("p"))
    assert deltas.cut(10).is_empty


def test_only_the_latest_state_of_an_object_is_sent() -> None:
    deltas = synced(pod("p"))
    for phase in ("Pending", "Running", "Failed"):
        deltas.apply(pod("p", phase))

    assert deltas.cut(10).records == (pod("p", "Failed"),)


def test_what_came_and_went_between_two_batches_is_never_mentioned() -> None:
    deltas = synced()
    deltas.apply(pod("p"))
    deltas.apply(gone("pod", "p"))

    assert deltas.cut(10).is_empty


def test_what_changed_and_changed_back_is_not_sent() -> None:
    deltas = synced(pod("p", "Running"))
    deltas.apply(pod("p", "Failed"))
    deltas.apply(pod("p", "Running"))

    assert deltas.cut(10).is_empty


def test_what_went_and_came_back_unchanged_is_kept() -> None:
    deltas = synced(pod("p"))
    deltas.apply(gone("pod", "p"))
    deltas.apply(pod("p"))

    assert deltas.cut(10).is_empty
    assert deltas.digest().pod.count == 1


def test_removing_what_never_was_is_no_news() -> None:
    deltas = synced()

    assert not deltas.apply(gone("pod", "p"))
    assert deltas.cut(10).is_empty


def test_places_precede_workloads_precede_pods_and_tombstones_come_last() -> None:
    deltas = synced(workload("old"), pod("old-pod"))
    changes: list[Change] = [gone("workload", "old"), pod("p"), gone("pod", "old-pod"), workload("w")]
    for change in (*changes, namespace("shop"), node("n")):
        deltas.apply(change)

    sent: list[Change] = []
    while deltas.pending:
        cut = deltas.cut(2)
        sent += [*cut.records, *cut.removed]

    assert sent == [
        node("n"),
        namespace("shop"),
        workload("w"),
        pod("p"),
        gone("pod", "old-pod"),
        gone("workload", "old"),
    ]


def test_a_sync_announces_everything_in_chunks_and_only_the_last_is_complete() -> None:
    deltas = filled(*(pod(f"p{number}") for number in range(5)))
    deltas.begin_sync("s1")

    cuts = [deltas.cut(2) for _ in range(3)]

    assert [len(cut.records) for cut in cuts] == [2, 2, 1]
    assert {cut.sync_id for cut in cuts} == {"s1"}
    assert [cut.sync_complete for cut in cuts] == [False, False, True]
    assert [cut.digest is None for cut in cuts] == [True, True, False]
    assert not deltas.is_syncing


def test_an_empty_cluster_is_announced_as_empty() -> None:
    deltas = Deltas()
    deltas.begin_sync("s1")

    cut = deltas.cut(10)

    assert cut.sync_complete
    assert not cut.is_empty


def test_a_change_during_a_sync_keeps_its_place_so_that_the_sweep_spares_it() -> None:
    deltas = filled(pod("a"), pod("b"), pod("c"))
    deltas.begin_sync("s1")
    deltas.cut(1)
    deltas.apply(pod("c", "Failed"))
    deltas.apply(pod("new"))

    rest = deltas.cut(2)

    assert rest.records == (pod("b"), pod("c", "Failed"))
    assert rest.sync_complete
    assert deltas.cut(2).records == (pod("new"),)


def test_a_refused_object_is_left_alone_until_it_changes() -> None:
    deltas = synced(pod("good"), pod("bad"))
    deltas.refuse(["bad"])

    assert deltas.digest().pod.count == 1
    assert deltas.cut(10).is_empty
    deltas.begin_sync("again")
    assert deltas.cut(10).records == (pod("good"),)
    deltas.apply(pod("bad", "Failed"))
    assert deltas.cut(10).records == (pod("bad", "Failed"),)


def test_the_digest_is_the_sum_of_what_was_told() -> None:
    deltas = synced(pod("a"), pod("b"), node("n"))
    deltas.apply(pod("a", "Failed"))
    deltas.apply(gone("pod", "b"))

    digest = deltas.cut(10).digest

    assert digest == wire.StateDigest(
        node=wire.KindDigest(count=1, checksum=node("n").hash % 2**64),
        namespace=wire.KindDigest(count=0, checksum=0),
        workload=wire.KindDigest(count=0, checksum=0),
        pod=wire.KindDigest(count=1, checksum=pod("a", "Failed").hash % 2**64),
    )


def test_batches_are_as_small_as_the_wire_demands() -> None:
    assert BATCH_OBJECTS <= wire.MAX_OBJECTS


# --- any sequence ----------------------------------------------------------------------------------------

UIDS = st.sampled_from(["u0", "u1", "u2"])
RECORDS: st.SearchStrategy[Change] = st.one_of(
    st.builds(node, UIDS, st.sampled_from(["6.1", "6.12"])),
    st.builds(namespace, UIDS, st.sampled_from(["", "red"])),
    st.builds(workload, UIDS, st.integers(0, 2)),
    st.builds(pod, UIDS, st.sampled_from(["Pending", "Running", "Failed"])),
    st.builds(gone, st.sampled_from(["node", "namespace", "workload", "pod"]), UIDS),
)
STEPS = st.one_of(RECORDS, st.sampled_from(["send", "send", "lose the answer", "crash", "lose everything", "sync"]))


class Conversation:
    """A controller and a service that exchange batches as values: every loss and crash is one method call."""

    def __init__(self) -> None:
        self.cluster: dict[tuple[str, str], wire.Message] = {}
        self.service = ModelService()
        self.batches = 0
        self.deltas = Deltas()
        self.deltas.begin_sync("s0")

    def change(self, change: Change) -> None:
        if isinstance(change, wire.Removed):
            self.cluster.pop((change.kind, change.uid), None)
        else:
            self.cluster[type(change).__name__.removesuffix("Record").lower(), change.uid] = change
        self.deltas.apply(change)

    def send(self, *, repeat: int = 1) -> bool:
        """Deliver one batch, perhaps twice; returns whether the service is content."""
        self.batches += 1
        batch = inventory_batch(self.deltas.cut(3), CLUSTER, f"b{self.batches}")
        for _ in range(repeat):
            acknowledged = self.service.commit(batch)
        self.deltas.refuse(rejection.uid for rejection in acknowledged.rejected)
        if acknowledged.resync and not acknowledged.rejected:
            self.deltas.begin_sync(f"s{self.batches}")
        return not acknowledged.resync and not acknowledged.rejected

    def crash(self) -> None:
        """The controller forgets everything and reads the cluster again."""
        self.deltas = Deltas()
        for record in self.cluster.values():
            assert not isinstance(record, wire.Removed)
            self.deltas.apply(record)  # type: ignore[arg-type]  # what `change` put there
        self.deltas.begin_sync(f"c{self.batches}")

    def act(self, steps: list[Change | str]) -> None:
        actions: dict[str, Callable[[], object]] = {
            "send": self.send,
            "lose the answer": lambda: self.send(repeat=2),
            "crash": self.crash,
            "lose everything": self.service.lose_everything,
            "sync": lambda: self.deltas.begin_sync(f"forced-{self.batches}"),
        }
        for step in steps:
            if isinstance(step, str):
                actions[step]()
            else:
                self.change(step)

    @property
    def held(self) -> dict[tuple[str, str], wire.Message]:
        return {(kind, uid): record for kind, held in self.service.held.items() for uid, record in held.items()}

    def settle(self) -> None:
        content = False
        for _ in range(200):
            if content and not self.deltas.pending and not self.deltas.is_syncing:
                return
            content = self.send()
        raise AssertionError("the two never agree")


@pytest.mark.req("R6")
@settings(max_examples=300)
@given(st.lists(STEPS, max_size=40))
def test_whatever_happens_the_service_ends_up_with_exactly_the_clusters_objects(steps: list[Change | str]) -> None:
    talk = Conversation()
    talk.act(steps)
    talk.settle()

    assert talk.held == talk.cluster


@pytest.mark.req("R6")
@settings(max_examples=200)
@given(st.lists(STEPS, max_size=40))
def test_a_service_that_refuses_some_objects_holds_all_the_others(steps: list[Change | str]) -> None:
    talk = Conversation()
    talk.service.objects_refused = lambda uid: uid == "u1"
    talk.act(steps)
    talk.settle()

    assert talk.held == {key: record for key, record in talk.cluster.items() if key[1] != "u1"}
