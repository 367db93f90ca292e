"""How much single rewards vary that are not between 0 and 1, and the sums that so many of them have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.core.model import Observed, RewardType


@dataclass(frozen=True, slots=True)
class Spread:
    """Normal rewards, or ratios of normal rewards to normal denominators.

    One request of an arm with mean m has the denominator x and the reward y = m·x + e. Where rewards are no
    ratios x is 1.
    """

    deviations: tuple[float, ...]
    """Standard deviation of e for each arm, above 0, in the unit of the reward."""
    denominator: float = 1.0
    """Mean of x, above 0."""
    denominator_deviation: float = 0.0
    """Standard deviation of x, at least 0."""

    def of_mean(self, requests: Floats) -> Floats:
        """Standard deviation of an arm's mean (or ratio) over so many requests ``[..., K]``."""
        return np.asarray(self.deviations / (self.denominator * np.sqrt(np.maximum(requests, 1.0))))

    def sums(self, rng: np.random.Generator, means: Floats, requests: Floats, rows: int) -> Floats:
        """Draw the sums of so many requests.

        Sums of normal values have a known distribution, so none is drawn alone: means are normal, and the
        sums of squares about them Wishart by its Bartlett decomposition (Anderson, "An Introduction to
        Multivariate Statistical Analysis", 2003, section 7.2).

        Args:
            rng: source of all randomness.
            means: of each arm ``[..., K]``.
            requests: whole numbers of at least 0, of the shape of ``means``.
            rows: how many sums, 3 or 6.

        Returns:
            ``[..., rows, K]``, rows as in :mod:`bandit_operator.core.inference.moments`.
        """
        n, e_size, x_size = requests, np.array(self.deviations), self.denominator_deviation
        each = np.sqrt(np.maximum(n, 1.0))
        x_mean = self.denominator + x_size * rng.standard_normal(n.shape) / each
        e_mean = e_size * rng.standard_normal(n.shape) / each
        first, second = (np.sqrt(2.0 * rng.standard_gamma(np.maximum(n - k, 0.0) / 2.0)) for k in (1.0, 2.0))
        across = np.where(n > 1.0, rng.standard_normal(n.shape), 0.0)
        x_about, both = (x_size * first) ** 2, x_size * e_size * first * across
        e_about = e_size**2 * (across**2 + second**2)
        y_mean = means * x_mean + e_mean
        y_squares = means**2 * x_about + 2.0 * means * both + e_about + n * y_mean**2
        x_squares, products = x_about + n * x_mean**2, means * x_about + both + n * x_mean * y_mean
        everything = (n, n * y_mean, y_squares, n * x_mean, x_squares, products)
        return np.stack(everything[:rows], axis=-2)


def measured(
    windows: Sequence[Mapping[str, Observed]], names: Sequence[str], reward_type: RewardType
) -> Spread | None:
    """How much the rewards of some windows varied, about the mean of their own window.

    Args:
        windows: what the arms earned in each, by arm.
        names: arms to tell it of; one of which too little is known varies as all of them together.
        reward_type: Gaussian or Ratio.

    Returns:
        None where no arm has two requests in a window, or nothing varies.
    """
    sums = np.stack([mo.from_readings(window, names, reward_type) for window in windows])
    totals = sums.sum(0)
    own = totals[mo.REWARDS]
    if reward_type is RewardType.RATIO:
        own = np.divide(
            own, totals[mo.DENOMINATORS], where=totals[mo.DENOMINATORS] > 0, out=np.zeros(len(names))
        )
    by_arm = np.moveaxis(mo.linearise(sums, reward_type, own), 0, -1)
    varied = mo.pooled_variance(np.moveaxis(by_arm, 0, 1))
    together = float(mo.pooled_variance(by_arm.reshape(len(by_arm), -1)))
    if together <= 0.0:
        return None
    deviations = tuple(np.sqrt(np.where(varied > 0.0, varied, together)).tolist())
    if reward_type is not RewardType.RATIO:
        return Spread(deviations)
    trials, _, _, denominators, squares, _ = totals.sum(-1)
    mean = float(denominators / trials)
    return Spread(deviations, mean, float(np.sqrt(max(squares / trials - mean**2, 0.0))))
