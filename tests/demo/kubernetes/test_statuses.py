"""The stand-in refuses in the words of a real server, as recorded."""

import json
from typing import Any

import pytest
from tests.contracts.kubernetes_wire import recorded

from deadlight.demo.kubernetes import statuses
from deadlight.demo.kubernetes.manifests import bookmark
from deadlight.demo.kubernetes.resources import PODS
from deadlight.demo.kubernetes.statuses import StatusError

POD = "w-5f6cf779bf-2dz2j"
UID = "7b93195a-6b75-4979-a830-1cda02a2ee94"


@pytest.mark.parametrize(
    ("recording", "refusal"),
    [
        ("anonymous-403.json", statuses.forbidden("system:anonymous", "list", PODS, "s")),
        ("bad-token-401.json", statuses.unauthorized()),
        ("create-exists-409.json", statuses.already_exists(PODS, POD)),
        ("delete-precondition-409.json", statuses.wrong_uid(PODS, POD, "0", UID)),
        ("patch-conflict-409.json", statuses.conflict(PODS, POD)),
        ("list-future-rv-504.json", statuses.too_large_version(99999999, 367)),
    ],
)
def test_a_refusal_is_the_recorded_one(recording: str, refusal: StatusError) -> None:
    assert refusal.body == json.loads(recorded(recording))


def test_an_expired_continue_is_the_recorded_one_with_a_token_to_go_on() -> None:
    body = recorded("list-continue-410.json").decode().rpartition("}")[0] + "}"
    real: dict[str, Any] = json.loads(body)

    refusal = statuses.expired_continue(real["metadata"]["continue"])

    assert refusal.body == real
    assert refusal.code == 410


def test_an_expired_watch_is_the_recorded_one() -> None:
    line = recorded("watch-410.json").splitlines()[0]

    assert {"type": "ERROR", "object": statuses.expired_watch(300, 463).body} == json.loads(line)


@pytest.mark.parametrize(("recording", "end"), [("watch-bookmark.json", False), ("watchlist-bookmark.json", True)])
def test_a_bookmark_is_the_recorded_one(recording: str, end: bool) -> None:
    assert {"type": "BOOKMARK", "object": bookmark(PODS, 370, initial_end=end)} == json.loads(recorded(recording))
