"""What offline validation says of the arms, and what strategies make of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from bandit_operator.core.inference import normal
from bandit_operator.core.inference.named_arrays import Flags, Floats
from bandit_operator.core.inference.posterior import top_by_mean
from bandit_operator.core.model import RewardType, ValidationScale


def standard_error(score: float, samples: float) -> float:
    """Standard error of a score in [0, 1] that is the mean of this many values in [0, 1], at least 1.

    It is never 0: half a success and half a failure are added, so that ten hits of ten prove nothing.
    """
    share = (score * samples + 0.5) / (samples + 1.0)
    return math.sqrt(share * (1.0 - share) / samples)


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """The arms' offline scores."""

    scores: Floats
    """``[K]``, higher is better; NaN where the user gave none."""
    errors: Floats
    """Standard errors of the scores ``[K]``, in their units; 0 where none is known."""
    scale: ValidationScale = ValidationScale.REWARD

    @classmethod
    def none(cls, arms: int) -> Self:
        """Nothing is known of any arm."""
        return cls(np.full(arms, np.nan), np.zeros(arms))

    @property
    def known(self) -> Flags:
        """Arms that have a score ``[K]``."""
        return np.isfinite(self.scores)

    def comparable(self, reward_type: RewardType) -> bool:
        """Whether rewards may differ as scores do: two arms have one, and they speak of rewards.

        Of a ratio only the order can be told beforehand: differences of linearised rewards have
        another unit than differences of ratios.
        """
        unit = reward_type is not RewardType.RATIO or self.scale is ValidationScale.RANKING
        return bool(unit and self.known.sum() >= 2)

    def contrasts(self, scale: Floats, deviations: Floats) -> tuple[Floats, Floats]:
        """What the scores say of the differences between the arms' mean rewards, if they are right.

        Scores that are rewards differ as they do; each may be off by its standard error, and by what
        production differs from validation, the H-th deviation. A ranking says that the best-ranked
        arm is about where the largest of as many draws from N(0, deviation²) would be, and so on
        (Blom, "Statistical estimates and transformed beta-variables", 1958).

        Args:
            scale: variance of one reward ``[...]``, in units of the largest of one in [0, 1], ¼.
            deviations: standard deviations with which scores may be right about rewards in [0, 1] ``[H]``.

        Returns:
            Means and variances of the contrasts under each hypothesis ``[..., H, K]``; means are 0, and
            variances those of an exact score, where an arm has none.
        """
        spread = deviations[:, None] ** 2 * scale[..., None, None]
        if self.scale is ValidationScale.RANKING:
            mean = np.sqrt(spread) * self._normal_scores()
            return mean, np.broadcast_to(spread, mean.shape)
        known = self.known
        center = np.where(known, self.scores - self.scores[known].mean() if known.any() else 0.0, 0.0)
        variance = spread + self.errors**2
        return np.broadcast_to(center, variance.shape), variance

    def _normal_scores(self) -> Floats:
        """Expected order statistics of the arms' ranks ``[K]``, in the mean 0; 0 where there is no score.

        A rank is the expected number of arms below: scores that are closer than their errors nearly tie.
        """
        known = self.known
        number = int(known.sum())
        scores, variance = np.where(known, self.scores, 0.0), self.errors**2
        gap, error = scores[:, None] - scores, np.sqrt(variance[:, None] + variance)
        above = np.where(
            error > 0, normal.distribution(gap / np.where(error > 0, error, 1.0)), (1 + np.sign(gap)) / 2
        )
        rank = 0.5 + np.where(known, above, 0.0).sum(-1)  # an arm ties with itself
        score = normal.quantile(np.clip((rank - 0.375) / (number + 0.25), 1e-3, 1 - 1e-3))
        return np.asarray(np.where(known, score - score[known].mean(), 0.0))


def best_validated(scores: Floats, eligible: Flags, baseline: int) -> Floats:
    """All traffic to the eligible arm with the highest score ``[..., K]``.

    Arms without a score (NaN) are passed over; equal scores go to the arm that is listed
    first. Without any score the baseline gets everything, or failing it the first eligible arm.
    """
    known = eligible & ~np.isnan(scores)
    first_choice = np.zeros(eligible.shape, dtype=bool)
    first_choice[..., baseline] = True
    fallback = np.where((eligible & first_choice).any(-1, keepdims=True), first_choice, eligible)
    best = top_by_mean(np.nan_to_num(np.broadcast_to(scores, eligible.shape)), known)
    candidates = np.where(known.any(-1, keepdims=True), best, fallback & eligible)
    chosen = candidates & (np.cumsum(candidates, axis=-1) == 1)
    return np.asarray(chosen, dtype=np.float64)
