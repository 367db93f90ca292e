"""All that verdicts are made from, in parts that belong to one module each.

Three tests run side by side for every ordered pair of arms. E1 (:mod:`.likelihood`) is sharp, and
exact for independent requests. E2 (:mod:`.mean_bets`) trusts no two requests of one tick to be
independent, but must have learned the variance of ticks. E3 (:mod:`.tick_means`) trusts nothing and is
quick only where the difference is large. The evidence is .9 of the smaller of E1 and E2, so that it
misleads only where both do, and .1 of E3. Where an arm has just broken (:mod:`.breaks`), E1 by itself is
enough beyond :data:`DRASTIC` times the bar. Arms are compared inside a tick wherever both have
trials in it (:mod:`.pairs`): whatever moves all arms together, such as the time of day, cancels, also
while the weights move.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandit_operator.core.inference import (
    breaks,
    contrasts,
    forecast,
    likelihood,
    mean_bets,
    pairs,
    tick_means,
)
from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference.named_arrays import Arrays, Fields, Floats
from bandit_operator.core.inference.parts import Parts
from bandit_operator.core.model import RewardType

TICKS_SHARE = 0.1
"""Weight of E3 in the evidence."""
DRASTIC = 1_000.0
"""How far beyond the bar E1 must be to decide by itself that an arm has broken."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence(Parts):
    """Arrays with any leading axes, by the module that owns them."""

    contrasts: Arrays
    """How far each arm's mean is from the baseline's."""
    forecast: Arrays
    """What each arm is expected to earn next."""
    likelihood: Arrays
    """E1."""
    bets: Arrays
    """E2, and the over-dispersion that tempers E1."""
    ticks: Arrays
    """E3."""
    breaks: Arrays
    """Ticks that lie beyond all before them."""
    pairs: Arrays
    """What is added up until both arms of a pair have trials."""

    @classmethod
    def fields_of(cls, reward_type: RewardType) -> dict[str, Fields]:
        """The arrays of each part."""
        return {
            "contrasts": contrasts.fields(),
            "forecast": forecast.fields(reward_type),
            "likelihood": likelihood.fields(),
            "bets": mean_bets.fields(),
            "ticks": tick_means.fields(),
            "breaks": breaks.fields(),
            "pairs": pairs.fields(),
        }


def update(
    evidence: Evidence,
    tick: Floats,
    past: Floats,
    reward_type: RewardType,
    baseline: int,
    late: tuple[Floats, Floats] | None = None,
) -> Evidence:
    """Evidence after one more tick.

    Args:
        evidence: what was known before the tick.
        tick: linearised moments of the tick ``[..., M, K]``; an arm without trials adds nothing.
        past: linearised sums of all ticks before it ``[..., M, K]``.
        reward_type: what one reward is.
        baseline: index of the baseline.
        late: where rewards come late, so that trials are expected exposures which rewards may exceed: the
            fewest and the most that these exposures may have been ``[..., K]``; else None.
    """
    expected = forecast.forecast(evidence.forecast, reward_type)
    trials, rewards = tick[..., mo.TRIALS, :], tick[..., mo.REWARDS, :]
    normal = mo.is_normal(reward_type)
    waiting, compared = pairs.update(evidence.pairs, expected, trials, rewards, late, normal=normal)
    whole = not normal and late is None  # a tick's rewards are those of its trials, each in [0, 1]
    return Evidence(
        contrasts=contrasts.update(evidence.contrasts, tick, past, reward_type, baseline),
        forecast=forecast.update(evidence.forecast, expected, tick, reward_type),
        likelihood=likelihood.update(
            evidence.likelihood,
            compared,
            mean_bets.over_dispersion(evidence.bets),
            normal=normal,
            late=late is not None,
        ),
        bets=mean_bets.update(evidence.bets, compared, normal=normal),
        ticks=tick_means.update(evidence.ticks, compared) if whole else evidence.ticks,
        breaks=breaks.update(evidence.breaks, compared),
        pairs=waiting,
    )


def log_e_values(evidence: Evidence) -> tuple[Floats, Floats, Floats]:
    """Ln of the e-values of E1, E2 and E3 that the row's arm is better than the column's ``[..., K, K]``."""
    compared = evidence.pairs["compared"]
    return (
        likelihood.log_e_value(evidence.likelihood, compared),
        mean_bets.log_e_value(evidence.bets),
        tick_means.log_e_value(evidence.ticks, compared),
    )


def log_proof(evidence: Evidence) -> Floats:
    """Ln of the e-value which verdicts rest on ``[..., K, K]``."""
    likely, bet, ticks = log_e_values(evidence)
    mixed = mixed_log(likely, bet, ticks)
    drastic = np.where(breaks.broken(evidence.breaks), likely - np.log(DRASTIC), -np.inf)
    return np.asarray(np.maximum(mixed, drastic))


def mixed_log(likely: Floats, bet: Floats, ticks: Floats) -> Floats:
    """Ln of .9 of the smaller of the e-values of E1 and E2, and .1 of that of E3, given their logarithms."""
    return np.asarray(
        np.logaddexp(np.log1p(-TICKS_SHARE) + np.minimum(likely, bet), np.log(TICKS_SHARE) + ticks)
    )


def over_dispersion(evidence: Evidence) -> Floats:
    """φ̂ ≥ 1 of every pair ``[..., K, K]``, see :func:`.mean_bets.over_dispersion`."""
    return mean_bets.over_dispersion(evidence.bets)
