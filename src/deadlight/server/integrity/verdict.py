"""What comparing a running image with its registry means. Pure: no clock, no network, no database.

The rules are docs/user/integrity.md; the exact words are contracts (`deadlight.model.integrity`).
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import assert_never

from deadlight.model.integrity import IntegrityStatus, ViolationType
from deadlight.server.integrity.mutability import Mutability


@dataclass(frozen=True, slots=True)
class Present:
    """The registry has it: every digest a kubelet may report for it (index, its manifests, their configs)."""

    digest: str
    digests: AbstractSet[str]


@dataclass(frozen=True, slots=True)
class Missing:
    """The registry answered that it does not have it."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The registry could not be asked. That says nothing about the image."""

    reason: str


@dataclass(frozen=True, slots=True)
class Untrusted:
    """Nobody trusts where it comes from, so that it is not asked."""


Answer = Present | Missing | Unavailable | Untrusted


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was concluded. `stale_reason` says why it could not be confirmed lately."""

    status: IntegrityStatus
    violation: ViolationType | None = None
    expected_digest: str = ""
    reason: str = ""
    mutability: Mutability | None = None
    stale_reason: str = ""


UNTRUSTED = Verdict(IntegrityStatus.UNTRUSTED_REGISTRY, reason="nobody here trusts the registry it comes from")
"""A registry that is not trusted is not asked, so there is nothing to compare with. A risk, never a violation."""

NO_DIGEST = "the node does not say which image it runs"


def judge(
    running_digest: str, answer: Answer, mutability: Mutability, *, previous: Verdict | None = None
) -> Verdict | None:
    """The verdict on an image that runs as `running_digest`, by the table in docs/user/integrity.md.

    What could not be compared leaves `previous` as it was, marked stale; None where there is none yet.
    """
    match answer:
        case Untrusted():
            return UNTRUSTED
        case Unavailable():
            return _stale(previous, answer.reason)
        case Missing():
            return Verdict(
                IntegrityStatus.INVALID_IMAGE_SOURCE,
                ViolationType.MISSING_SOURCE,
                reason="the registry does not have what the image was deployed from",
            )
        case Present():
            return _compare(running_digest, answer, mutability) if running_digest else _stale(previous, NO_DIGEST)
        case _:
            assert_never(answer)


def _stale(previous: Verdict | None, reason: str) -> Verdict | None:
    return replace(previous, stale_reason=reason) if previous else None


def _compare(running_digest: str, source: Present, mutability: Mutability) -> Verdict:
    if running_digest in source.digests:
        return Verdict(IntegrityStatus.NO_ISSUES, expected_digest=source.digest, mutability=mutability)
    violation = ViolationType.POST_DEPLOYMENT_TAG_UPDATE if mutability.mutable else ViolationType.DIGEST_MISMATCH
    return Verdict(
        IntegrityStatus.INVALID_IMAGE_INTEGRITY,
        violation,
        expected_digest=source.digest,
        reason=f"the registry has another image under this name; {mutability.detail}",
        mutability=mutability,
    )
