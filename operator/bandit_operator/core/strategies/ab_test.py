"""A/B test: a fixed split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bandit_operator.core.inference.named_arrays import Arrays, Floats
from bandit_operator.core.shares import equal_shares, normalised
from bandit_operator.core.strategies.base import Situation, Stateless, setting


@dataclass(frozen=True, slots=True)
class ABTest(Stateless):
    """Split the traffic by fixed shares and let the verdicts decide.

    Choose it when a fixed exposure is wanted, for instance because a report needs unweighted
    means. It pays for every tick that a worse arm keeps its share: regret grows linearly.
    The decision is made by the sequential e-values, so looking at it often does no harm.
    Cost: O(K).
    """

    type: ClassVar[str] = "ABTest"
    learns: ClassVar[bool] = False

    split: Mapping[str, float] = setting(
        {},
        "Share of the traffic for each arm; arms left out divide what remains. Empty means an equal split.",
        "share-map",
        minimum=0.0,
        maximum=1.0,
    )

    def shares(self, state: Arrays, situation: Situation) -> Floats:  # noqa: ARG002 - part of the protocol
        """Return the given shares, scaled to the eligible arms."""
        if not self.split:
            return equal_shares(situation.eligible)
        given = [self.split.get(name) for name in situation.names]
        left_out = sum(share is None for share in given)
        rest = max(0.0, 1.0 - sum(share for share in given if share is not None)) / max(left_out, 1)
        target = np.array([rest if share is None else share for share in given])
        return normalised(target, situation.eligible)
