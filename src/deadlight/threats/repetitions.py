"""What was told of lately, so that the same thing over and over is told once and then counted."""

from deadlight.threats.activity import Activity
from deadlight.threats.engine import Match

MAX_SUBJECTS = 512
"""Pairs of container and rule that are remembered. Beyond, the one that was quiet for longest is told anew."""

MAX_KEYS = 16
"""Different things of one container and rule that are told within a cool-down; any others are told as one."""

_SECOND = 1_000_000_000


class Repetitions:
    """Decides whether a match is news. Memory is bounded by `MAX_SUBJECTS` times `MAX_KEYS`, whatever containers do."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], dict[int | None, int]] = {}
        self.repeated = 0
        """Matches that were no news."""

    def is_news(self, match: Match, activity: Activity) -> bool:
        """Whether to tell: the same was not told within the rule's cool-down, by the clock of `Activity.at`."""
        subject = (activity.container_id, match.rule.id)
        told = self._told.pop(subject, {})
        self._told[subject] = told
        if len(self._told) > MAX_SUBJECTS:
            del self._told[next(iter(self._told))]
        key = _key(told, hash(match.key), activity.at - match.rule.again_after * _SECOND)
        if key in told:
            self.repeated += 1
            return False
        told[key] = activity.at
        return True


def _key(told: dict[int | None, int], key: int, forgotten_before: int) -> int | None:
    """Under what a match is remembered, once what was told too long ago is forgotten; None stands for many."""
    for known in [known for known, at in told.items() if at <= forgotten_before]:
        del told[known]
    return key if key in told or len(told) < MAX_KEYS else None
