"""Top-two Thompson sampling: traffic that decides soonest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bandit_operator.core.inference.named_arrays import Arrays, Floats
from bandit_operator.core.shares import normalised
from bandit_operator.core.strategies.base import Situation, best_of, setting
from bandit_operator.core.strategies.counting import Counting


@dataclass(frozen=True, slots=True)
class TopTwo(Counting):
    """Split traffic between the likely best arm and its likely challenger.

    Russo, "Simple Bayesian algorithms for best-arm identification" (2016, arXiv 1602.08448),
    section 3.3, in expectation over its draws: w_k = p_k [β + (1 − β) Σ_{j≠k} p_j/(1 − p_j)]
    with p = P(best). Choose it to name a winner soon: it needs a sixth of the time that
    Thompson needs, and pays with more regret once the winner is clear. Cost: as Thompson.
    """

    type: ClassVar[str] = "TopTwo"
    learns: ClassVar[bool] = True

    beta: float = setting(
        0.5,
        "Share of the traffic for the arm that looks best; the rest goes to its challengers.",
        exclusive_minimum=0.0,
        maximum=1.0,
    )

    def shares(self, state: Arrays, situation: Situation) -> Floats:
        """Shares by the formula above."""
        best = best_of(self, state, situation)
        arms = best.shape[-1]
        # 1 − p_j is summed from the other arms, because the subtraction loses them as p_j nears 1.
        rest = best @ (1.0 - np.eye(arms))
        odds = np.where(rest > 1e-290, best / np.maximum(rest, 1e-290), 0.0)
        challenger = best * (odds @ (1.0 - np.eye(arms)))
        return normalised(self.beta * best + (1 - self.beta) * challenger, situation.eligible)
