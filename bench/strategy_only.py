"""A strategy without the rest of the operator: no guardrails but a floor, no verdicts."""

from __future__ import annotations

import numpy as np

from bandit_operator.core.inference import named_arrays as st
from bandit_operator.core.inference.named_arrays import Flags, Floats
from bandit_operator.core.model import RewardType
from bandit_operator.core.strategies import Situation, Strategy, Tick, Validation

KIND = RewardType.BERNOULLI


class StrategyOnly:
    """The operator's strategy, fed with the counts of S seeds."""

    def __init__(
        self, strategy: Strategy, arms: int, seeds: int, validation: Validation | None = None
    ) -> None:
        self.strategy = strategy
        self.validation = Validation.none(arms) if validation is None else validation
        self.totals = np.zeros((seeds, 2, arms))
        self.state = st.initial(strategy.fields(KIND), arms, (seeds,))

    def learn(self, trials: Floats, rewards: Floats) -> None:
        """Take in one tick ``[S, K]``."""
        moments = np.stack([trials, rewards], axis=-2)
        seeds = len(moments)
        tick = Tick(moments, 30.0, KIND, 0, np.zeros((seeds, 1)), self.validation)
        self.state = self.strategy.update(self.state, tick)
        self.totals = self.totals + moments

    def shares(self, labels: float, eligible: Flags | None = None) -> Floats:
        """Shares ``[S, K]`` for a tick in which ``labels`` are expected."""
        seeds, _, arms = self.totals.shape
        mask = np.ones((seeds, arms), dtype=bool) if eligible is None else eligible
        names = tuple(f"arm{k}" for k in range(arms))
        return self.strategy.shares(
            self.state,
            Situation(names, KIND, 0, self.totals, mask, np.full(seeds, labels), self.validation),
        )


def floored(shares: Floats, floor: float) -> Floats:
    """Shares of which every arm keeps at least ``floor``."""
    raised = floor + (1.0 - shares.shape[-1] * floor) * shares
    return np.asarray(raised / raised.sum(-1, keepdims=True) * (1 - 1e-12))
