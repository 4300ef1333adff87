"""A detection in words: what was done about it on the node, and what to do next. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from deadlight.model.detection import BINARY_INTEGRITY, Response

_DONE = {
    Response.REPORTED: "Nothing was stopped: the sensor only reported it.",
    Response.WOULD_BLOCK: "Nothing was stopped: blocking is in audit here. Enforced, it would have been stopped.",
    Response.KILLED: "The process was killed as its program started; what it did before that moment is done.",
    Response.DENIED: "The kernel refused the program: it never ran.",
}

_FIRST = {
    Response.REPORTED: "Find out whether somebody did this on purpose; the owner of the workload is the one to ask.",
    Response.WOULD_BLOCK: "Find out whether this is meant to run; if so, ship it in the image before you enforce.",
    Response.KILLED: "Find out how the program got there: whoever started it may still be in the container.",
    Response.DENIED: "Find out how the program got there: whoever started it may still be in the container.",
}

_CONTAIN = (
    "If nobody did: keep the container for evidence, cut its network off with a NetworkPolicy, and replace the pod "
    "from an image that is verified."
)
_CREDENTIALS = "Renew the secrets and service account tokens that the container could read."
_EXPECTED = "If it is expected: add an exception with a reason and an end, so that the next one of these is news again."
_BINARY = "Compare the running file with the image's: somebody changed it after it was built, or the image is not it."


class Technique(NamedTuple):
    """A technique of MITRE ATT&CK and its page."""

    id: str
    link: str


def what_was_done(response: Response) -> str:
    """What the sensor did about it, honestly."""
    return _DONE[response]


def next_steps(rule: str, response: Response, recommendation: str = "") -> list[str]:
    """What to do, in order; `recommendation` is the rule's own and comes first."""
    first = recommendation or (_BINARY if rule == BINARY_INTEGRITY else "")
    return [step for step in (first, _FIRST[response], _CONTAIN, _CREDENTIALS, _EXPECTED) if step]


def techniques(mitre: Sequence[str]) -> list[Technique]:
    """Techniques with the addresses of their pages; what is not named like one has none."""
    return [Technique(id_, _link(id_)) for id_ in mitre]


def _link(technique: str) -> str:
    number, _, sub = technique.partition(".")
    if not (number[:1] == "T" and number[1:].isascii() and number[1:].isdigit() and (not sub or sub.isdigit())):
        return ""
    return f"https://attack.mitre.org/techniques/{number}/" + (f"{sub}/" if sub else "")
