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


Answer = Present | Missing | Unavailable


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


def judge(
    running_digest: str, answer: Answer, mutability: Mutability, *, previous: Verdict | None = None
) -> Verdict | None:
    """The verdict on an image of a trusted registry that runs as `running_digest`.

    A registry that could not be asked leaves `previous` as it was, marked stale; None where there is none yet.
    """
    if isinstance(answer, Unavailable):
        return replace(previous, stale_reason=answer.reason) if previous else None
    if isinstance(answer, Missing):
        return Verdict(
            IntegrityStatus.INVALID_IMAGE_SOURCE,
            ViolationType.MISSING_SOURCE,
            reason="the registry does not have what the image was deployed from",
        )
    if isinstance(answer, Present):
        return _compare(running_digest, answer, mutability)
    assert_never(answer)


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
