"""What two arms have earned beside each other, in the ticks in which both have trials.

Arms are compared inside a tick wherever both have a trial in it, so that whatever moves all arms
together cancels. At little traffic one of them often has none; then ticks are added up until both
have, at most :data:`LONGEST` of them, since the world may move in between. What each arm was
expected to earn is kept from before the first tick that is added up: a bet that knew rewards of
its own would win by looking.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bandit_operator.core.inference.forecast import Forecast
from bandit_operator.core.inference.named_arrays import Arrays, Axes, Field, Flags, Floats, others

LONGEST = 300.0
"""Ticks that are added up at the most."""


def fields() -> Mapping[str, Field]:
    """Return the arrays of every pair: what the row's arm has earned since the pair was last compared."""
    return {
        "open_trials": Field(Axes.PAIR),
        "open_rewards": Field(Axes.PAIR),
        "open_mean": Field(Axes.PAIR),  # forecast from before the first of these ticks
        "open_ticks": Field(Axes.SYMMETRIC),
        "compared": Field(Axes.SYMMETRIC),  # comparisons so far
    }


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """One comparison of every pair, row i against column j, each ``[..., K, K]``."""

    ready: Flags
    """Whether both have trials, and forecasts from before them."""
    trials: Floats
    """n_i; n_j is its transpose, as for the others."""
    rewards: Floats
    """Sum of the rewards of i."""
    mean: Floats
    """What i was expected to earn."""
    variance: Floats
    """Variance of one reward of i, as expected."""
    spread: Floats
    """Variance of one reward of either, as expected: that of the difference z is so many times the weight."""
    most: Floats
    """n_i at the most: where labels come late and the profile may be wrong, more than ``trials``."""
    least: Floats
    """n_i at the least."""
    number: Floats
    """Comparisons before this one."""

    @property
    def weight(self) -> Floats:
        """The weight h = n_i n_j/(n_i + n_j) of the difference of the two means."""
        other = swapped(self.trials)
        return self.trials * other / np.maximum(self.trials + other, 1e-12)


def swapped(array: Floats) -> Floats:
    """The array with the two arms of every pair exchanged."""
    return np.asarray(array.swapaxes(-1, -2))


def update(
    arrays: Arrays,
    expected: Forecast,
    trials: Floats,
    rewards: Floats,
    bounds: tuple[Floats, Floats] | None,
    *,
    normal: bool,
) -> tuple[dict[str, Floats], Pairs]:
    """Add a tick, and return what can be compared now.

    Args:
        arrays: as :func:`fields` describes.
        expected: forecasts from before the tick.
        trials: trials of the tick ``[..., K]``.
        rewards: rewards of the tick ``[..., K]``.
        bounds: the fewest and the most trials that it may have been ``[..., K]``, where labels
            come late; None where they are known. With bounds no ticks are added up.
        normal: whether means are compared by the normal formulas.

    Returns:
        The arrays after the tick, and the comparisons.
    """
    arms = trials.shape[-1]
    known = expected.known[..., :, None] & expected.known[..., None, :] & others(arms)
    now, earned, mean, variance = (
        _by_row(array, arms) for array in (trials, rewards, expected.mean, expected.variance)
    )
    together = (now > 0) & (swapped(now) > 0)
    if bounds is not None:
        least, most = (_by_row(array, arms) for array in bounds)
        ready = known & together
        number = arrays["compared"]
        spread = variance if normal else _spread(now, mean)
        pairs = Pairs(ready, now, earned, mean, variance, spread, most, least, number)
        return {**arrays, "compared": number + ready}, pairs
    opens = (arrays["open_ticks"] <= 0) | (arrays["open_ticks"] >= LONGEST)
    fresh = together | opens
    summed = np.where(fresh, 0.0, arrays["open_trials"]) + now
    gained = np.where(fresh, 0.0, arrays["open_rewards"]) + earned
    mean = np.where(fresh, mean, arrays["open_mean"])
    some = (summed > 0) | (swapped(summed) > 0)
    ready = known & (summed > 0) & (swapped(summed) > 0)
    waits = known & some & ~ready
    ticks = np.where(fresh, 0.0, arrays["open_ticks"]) + 1.0
    after = {
        "open_trials": np.where(waits, summed, 0.0),
        "open_rewards": np.where(waits, gained, 0.0),
        "open_mean": np.where(waits, mean, 0.0),
        "open_ticks": np.where(waits, ticks, 0.0),
        "compared": arrays["compared"] + ready,
    }
    spread = variance if normal else _spread(summed, mean)
    return after, Pairs(ready, summed, gained, mean, variance, spread, summed, summed, arrays["compared"])


def _by_row(array: Floats, arms: int) -> Floats:
    """What each arm has ``[..., K]`` for all pairs whose row it is ``[..., K, K]``."""
    return np.repeat(array[..., None], arms, axis=-1)


def _spread(trials: Floats, mean: Floats) -> Floats:
    """p(1 − p) of the mean of both arms ``[..., K, K]``."""
    other = swapped(trials)
    pooled = (trials * mean + other * swapped(mean)) / np.maximum(trials + other, 1e-12)
    return pooled * (1.0 - pooled)
