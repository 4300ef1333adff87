"""Who is responsible according to labels and annotations of a workload and its namespace. Pure."""

import re
from collections.abc import Mapping

from deadlight.model.attribution import MAX_VALUE_LENGTH, Attribution, Party
from deadlight.server.owners.rules import Owner

_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}", re.ASCII)

_KEYS: Mapping[str, tuple[str, ...]] = {
    "team": ("deadlight.io/team", "team", "app.kubernetes.io/part-of"),
    "person": ("deadlight.io/owner", "a8r.io/owner", "owner", "openshift.io/requester"),
    "slack": ("deadlight.io/slack", "a8r.io/chat"),
    "on_call": ("deadlight.io/on-call", "a8r.io/support"),
}
"""Which keys say what, ours first, then conventions; a8r.io is the Annotations for Kubernetes convention."""

_ENOUGH = (*_KEYS["team"], *_KEYS["person"])


def find_said_owner(values: Mapping[str, str], place: str) -> Owner | None:
    """The owner that labels and annotations name (`place` says whose they are); None where they name nobody."""
    naming = next((key for key in _ENOUGH if values.get(key, "").strip()), None)
    if naming is None:
        return None
    said = {name: _first(values, keys) for name, keys in _KEYS.items()}
    on_call = said["on_call"] if said["on_call"].startswith(("https://", "http://")) else ""
    email = find_email(said["person"])
    return Owner(said["team"], said["person"], email, said["slack"], on_call, f"{place}: {naming}")


def owner_by_build(build_owner: Attribution) -> Owner | None:
    """Whoever built it is responsible where nobody else is known to be; None for a machine."""
    people = [item for item in (build_owner, *build_owner.others) if item.party is Party.PERSON]
    if not people:
        return None
    first = people[0]
    return Owner(person=first.value, email=find_email(first.value), source=f"Build Owner: {first.source}")


def find_email(text: str) -> str:
    """The first e-mail address in a text such as `Ada <ada@example.com>`; empty where there is none."""
    found = _ADDRESS.search(text)
    return found.group() if found else ""


def _first(values: Mapping[str, str], keys: tuple[str, ...]) -> str:
    return next((text[:MAX_VALUE_LENGTH] for key in keys if (text := values.get(key, "").strip())), "")
