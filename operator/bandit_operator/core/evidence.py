"""Anytime-valid evidence that one arm is better than another, from what they earn tick by tick.

Two tests run side by side for every ordered pair of arms. E1 is sharp, and exact for
independent requests; E2 (:mod:`bandit_operator.core.sign_bets`) needs only that the difference
of two equal arms is as likely to fall to either side. A verdict needs both, so it is false
only if both fail. Arms are compared inside a tick only: whatever moves all arms together,
such as the time of day, cancels, also while the weights move.

**E1**, the growth-rate-optimal two-sample e-value (Turner, Ly & Grünwald, "Generic E-variables
for exact sequential k-sample tests", arXiv 2106.02693). With estimates θ̂ from past ticks only,
and θ₀ = (n_i θ̂_i + n_j θ̂_j)/(n_i + n_j), the evidence of one tick that i is better than j is

    ln e = y_i ln(θ̂_i/θ₀) + (n_i − y_i) ln((1−θ̂_i)/(1−θ₀)) + the same for j   if θ̂_i > θ̂_j, else 0,

divided by the over-dispersion φ̂ ≥ 1 seen so far, since requests of one tick may be alike.
For normal rewards it is ln e = (δ z − δ² h/2)/σ², with h, z as in E2 and δ = θ̂_i − θ̂_j > 0. Both
tests restart at every tick with a small weight (:mod:`bandit_operator.core.restarts`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bandit_operator.core import forecast as fc
from bandit_operator.core import moments as mo
from bandit_operator.core import sign_bets
from bandit_operator.core.model import RewardType
from bandit_operator.core.restarts import restart_weight, unused_weight
from bandit_operator.core.state import Arrays, Axes, Field, Floats


def fields(reward_type: RewardType) -> Mapping[str, Field]:
    """Return the arrays that the evidence carries from tick to tick."""
    return {
        "age": Field(),  # ticks with data since the arm's last reset
        "growth": Field(Axes.PAIR, fill=-np.inf),  # ln M of E1: row better than column
        **fc.fields(reward_type),
        **sign_bets.fields(),
    }


def absorb(arrays: Arrays, tick: Floats, reward_type: RewardType, *, late: bool) -> dict[str, Floats]:
    """Evidence after one more tick.

    Args:
        arrays: as :func:`fields` describes, with any leading axes.
        tick: linearised moments of the tick ``[..., M, K]``; an arm without trials adds nothing.
        reward_type: what one reward is.
        late: rewards come late, so trials are expected exposures that rewards may exceed.
    """
    seen = fc.forecast(arrays, reward_type)
    trials, rewards = tick[..., mo.TRIALS, :], tick[..., mo.REWARDS, :]
    has_data = trials > 0
    growth = _growth(seen, trials, rewards, reward_type, late) / sign_bets.over_dispersion(arrays)
    both = has_data[..., :, None] & has_data[..., None, :]
    started = np.logaddexp(arrays["growth"], np.log(restart_weight(_pair_age(arrays))))
    return {
        **arrays,
        **sign_bets.absorb(arrays, seen, trials, rewards, normal=mo.is_normal(reward_type)),
        **fc.remember(arrays, seen, tick, reward_type),
        "growth": np.where(both, started + growth, arrays["growth"]),
        "age": arrays["age"] + has_data,
    }


def _pair_age(arrays: Arrays) -> Floats:
    age = arrays["age"]
    return np.minimum(age[..., :, None], age[..., None, :])


def _growth(
    seen: fc.Forecast, trials: Floats, rewards: Floats, reward_type: RewardType, late: bool
) -> Floats:
    """Ln e of E1 for every ordered pair ``[..., K, K]``, before tempering."""
    mean_i, mean_j = seen.mean[..., :, None], seen.mean[..., None, :]
    n_i, n_j = trials[..., :, None], trials[..., None, :]
    y_i, y_j = rewards[..., :, None], rewards[..., None, :]
    count = np.maximum(n_i + n_j, 1e-12)
    bet = (mean_i > mean_j) & (seen.known[..., :, None] & seen.known[..., None, :])
    if mo.is_normal(reward_type):
        delta = mean_i - mean_j
        z = (n_j * y_i - n_i * y_j) / count
        value = (delta * z - 0.5 * delta**2 * n_i * n_j / count) / np.where(
            bet, seen.variance[..., None], 1.0
        )
        return np.where(bet, value, 0.0)
    null = np.where(bet, (n_i * mean_i + n_j * mean_j) / count, 0.5)
    null = np.clip(null, 1e-9, 1.0 - 1e-9)
    value = y_i * np.log(mean_i / null) + y_j * np.log(mean_j / null)
    if not late:
        # Late rewards are counted against expected exposure, where this Poisson form is exact
        # and the failures' terms, which need whole trials, are absent.
        value = value + (n_i - y_i) * np.log((1 - mean_i) / (1 - null))
        value = value + (n_j - y_j) * np.log((1 - mean_j) / (1 - null))
    return np.where(bet, value, 0.0)


def better(arrays: Arrays) -> tuple[Floats, Floats]:
    """Ln of the e-values of E1 and E2 that the row's arm is better than the column's ``[..., K, K]``."""
    first = np.logaddexp(arrays["growth"], np.log(unused_weight(_pair_age(arrays))))
    return first, sign_bets.log_e_value(arrays, unused_weight(arrays["blocks"]))


def proof(arrays: Arrays) -> Floats:
    """Ln of the smaller of the two e-values, which verdicts rest on ``[..., K, K]``."""
    return np.minimum(*better(arrays))
