"""What rows of a list are gathered from places or processes, as columns: how bad each is, and which a filter means."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deadlight.model.risk import Risk
from deadlight.model.vulnerability import Severity
from deadlight.server.assessment.live_columns import RISK_BITS, SEVERITIES, rank
from deadlight.server.assessment.live_vectors import Ints, Mask


@dataclass(frozen=True)
class Gathered:
    """Rows as columns: every array that it has is one of them."""

    badges: Ints
    severities: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.badges)

    @cached_property
    def ranks(self) -> Ints:
        """How bad each is: by its badges, then by its Critical, High and Medium vulnerabilities."""
        return rank(self.badges, self.severities)

    def chosen(self, mask: Mask) -> Self:
        """Those that a mask chooses."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: value[mask] for name, value in values.items() if isinstance(value, np.ndarray)})

    def having(self, risks: Sequence[Risk], severities: Sequence[Severity]) -> Mask:
        """Those with one of these risks, and with vulnerabilities of one of these severities, where any are given."""
        wanted = np.ones(len(self), dtype=bool)
        if risks:
            wanted &= self.badges & sum(RISK_BITS[risk] for risk in set(risks)) > 0
        if severities:
            wanted &= self.severities[:, [SEVERITIES.index(item) for item in severities]].max(axis=1) > 0
        return wanted
