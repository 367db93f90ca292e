"""Anytime-valid evidence that one arm is better than another, from what they earn tick by tick.

Two tests run side by side. E1 is sharp and exact for independent requests; E2 needs only that
the difference of two equal arms is as likely to fall to either side. A rollback needs both,
so it is false only if both fail. Arms are compared inside a tick only: whatever moves all
arms together, such as the time of day, cancels, also while the weights move.

**E1**, the growth-rate-optimal two-sample e-value (Turner, Ly & Grünwald, "Generic E-variables
for exact sequential k-sample tests", arXiv 2106.02693). With estimates θ̂ from past ticks only,
and θ₀ = (n_i θ̂_i + n_j θ̂_j)/(n_i + n_j), the evidence of one tick that i is better than j is

    ln e = y_i ln(θ̂_i/θ₀) + (n_i − y_i) ln((1−θ̂_i)/(1−θ₀)) + the same for j   if θ̂_i > θ̂_j, else 0,

divided by the over-dispersion φ̂ ≥ 1 seen so far, since requests of one tick may be alike.
For normal rewards it is ln e = (δ z − δ² h/2)/σ², with h, z as below and δ = θ̂_i − θ̂_j > 0.

**E2**, a bet on the sign: with h = n_i n_j/(n_i + n_j) and z = h (ȳ_i − ȳ_j), the factor
exp(λz/s)/cosh(λz/s) = 2/(1 + exp(−2λz/s)) has mean ≤ 1 for any z that is symmetric about 0 or
below, because given |z| the sign is a fair coin; it is never smaller than the better known
exp(λz/s − λ²z²/2s²) (Ramdas, Ruf, Larsson & Koolen, "Admissible anytime-valid sequential inference
must rely on nonnegative martingales", arXiv 2009.03167, section 4). The scale s is the past
size of z, and the products for several λ are averaged. Ticks are added up until both arms
expect five rewards (and five non-rewards), because a sum over rare events is not symmetric.

**Restarts.** The products restart at every tick t with a small weight π_t, so that an arm that
was good for months is still found out when it breaks: M_t = (M_{t−1} + π_t) e_t. Half of the
weight starts at once; the other half is spread over an unlimited life by

    π_t = ½ [(1 + t/5000)^−½ − (1 + (t+1)/5000)^−½],   Σ π_t = 1 exactly,

which costs ln(1/π_t): 10.6 at t = 3,000, 14.5 at t = 100,000. M_t plus the weight not yet used
is a non-negative supermartingale that starts at 1, so by Ville's inequality it ever reaches
1/α with probability at most α, however long the resource lives. A heavier tail such as
1/(t log² t) costs more than this up to a million ticks (a year at 30 s).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bandit_operator.core import moments as mo
from bandit_operator.core.model import RewardType
from bandit_operator.core.state import Arrays, Axes, Field, Flags, Floats

MEMORIES = np.array([1.0, 0.99, 0.95])
"""Discounts per tick of the running means that E1's estimates are mixed from."""
FORECAST_MEMORY = 0.98
"""Discount per tick of how well each of these means forecast its arm."""
BETS = np.array([0.1, 0.2, 0.4])
"""λ of E2, in units of one standard deviation of z."""
BLOCK = 5.0
"""Expected rewards, and non-rewards, of the poorer arm before E2 and φ̂ take a block in."""
RESTART_SCALE = 5_000.0
RESTART_POWER = 0.5


def fields(reward_type: RewardType) -> Mapping[str, Field]:
    """Return the arrays that the evidence carries from tick to tick."""
    memories = (MEMORIES.size,)
    squares = {"recent_squares": Field()} if mo.is_normal(reward_type) else {}
    return squares | {
        "age": Field(),  # ticks with data since the arm's last reset
        "growth": Field(Axes.PAIR, fill=-np.inf),  # ln M of E1: row better than column
        "recent_trials": Field(inner=memories),
        "recent_rewards": Field(inner=memories),
        "forecast": Field(inner=memories),  # log score of each memory
        "block_z": Field(),  # z of the open block, baseline better than arm
        "block_variance": Field(),  # its variance if requests are independent
        "block_expected": Field(),  # its expected rewards in the poorer arm
        "blocks": Field(),  # closed blocks
        "drift": Field(),  # running mean of z/√v over blocks
        "dispersion": Field(fill=1.0),  # running mean of z²/v
        "bet": Field(inner=(BETS.size,), fill=-np.inf),  # ln M of E2 for each λ
    }


CONTRAST_WITH_BASELINE = (
    "block_z",
    "block_variance",
    "block_expected",
    "blocks",
    "drift",
    "dispersion",
    "bet",
)
"""Fields that are about an arm and the baseline, and end when another baseline is named."""


def restart_weight(age: Floats) -> Floats:
    """π_t for the pair's t-th tick, counted from 0."""
    return unused_weight(age) - unused_weight(age + 1.0)


def unused_weight(age: Floats) -> Floats:
    """Σ of π over the ticks that are still to come after ``age`` ticks; 1 at age 0."""
    rest = 0.5 * (1.0 + np.maximum(age, 0.0) / RESTART_SCALE) ** -RESTART_POWER
    return np.where(age <= 0, 1.0, rest)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the past says of each arm, before the tick is looked at."""

    mean: Floats
    """θ̂ ``[..., K]``."""
    variance: Floats
    """Variance of one reward: θ̂(1 − θ̂), or σ̂² common to all arms ``[..., K]``."""
    known: Flags
    """Whether there is any past ``[..., K]``."""


def forecast(arrays: Arrays, reward_type: RewardType) -> Forecast:
    """Mix the running means of each arm by how well they forecast it so far."""
    candidates = _candidates(arrays, reward_type)
    score = arrays["forecast"]
    share = np.exp(score - score.max(-2, keepdims=True))
    mean = (share * candidates).sum(-2) / share.sum(-2)
    known = arrays["recent_trials"][..., 0, :] > 0
    if mo.is_normal(reward_type):
        variance = np.broadcast_to(_variance(arrays)[..., None], mean.shape)
        return Forecast(mean, variance, known & (variance > 0))
    return Forecast(mean, mean * (1.0 - mean), known)


def _candidates(arrays: Arrays, reward_type: RewardType) -> Floats:
    trials, rewards = arrays["recent_trials"], arrays["recent_rewards"]
    if mo.is_normal(reward_type):
        return rewards / np.maximum(trials, 1e-9)
    return np.clip((rewards + 0.5) / (trials + 1.0), 1e-9, 1.0 - 1e-9)


def _variance(arrays: Arrays) -> Floats:
    return mo.pooled_variance(
        np.stack(
            [
                arrays["recent_trials"][..., 0, :],
                arrays["recent_rewards"][..., 0, :],
                arrays["recent_squares"],
            ],
            axis=-2,
        )
    )


def absorb(
    arrays: Arrays, tick: Floats, reward_type: RewardType, baseline: int, late: bool
) -> dict[str, Floats]:
    """Evidence after one more tick.

    Args:
        arrays: as :func:`fields` describes, with any leading axes.
        tick: linearised moments of the tick ``[..., M, K]``; an arm without trials adds nothing.
        reward_type: what one reward is.
        baseline: index of the baseline.
        late: rewards come late, so trials are expected exposures that rewards may exceed.
    """
    seen = forecast(arrays, reward_type)
    trials, rewards = tick[..., mo.TRIALS, :], tick[..., mo.REWARDS, :]
    has_data = trials > 0
    result = dict(arrays)
    result |= _close_blocks(arrays, seen, trials, rewards, baseline, mo.is_normal(reward_type))
    dispersion = over_dispersion(arrays)
    growth = _growth(seen, trials, rewards, reward_type, late)
    growth = growth / np.maximum(dispersion[..., :, None], dispersion[..., None, :])
    both = has_data[..., :, None] & has_data[..., None, :]
    age = np.minimum(arrays["age"][..., :, None], arrays["age"][..., None, :])
    started = np.logaddexp(arrays["growth"], np.log(restart_weight(age)))
    result["growth"] = np.where(both, started + growth, arrays["growth"])
    result["age"] = arrays["age"] + has_data
    return result | _remember(arrays, seen, tick, reward_type)


def over_dispersion(arrays: Arrays) -> Floats:
    """φ̂ ≥ 1 ``[..., K]``: variance of an arm's contrast, relative to that of independent requests."""
    return np.maximum(1.0, arrays["dispersion"] - arrays["drift"] ** 2)


def _growth(seen: Forecast, trials: Floats, rewards: Floats, reward_type: RewardType, late: bool) -> Floats:
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


def _close_blocks(
    arrays: Arrays, seen: Forecast, trials: Floats, rewards: Floats, baseline: int, normal: bool
) -> dict[str, Floats]:
    """Add the tick to every arm's open block, and where one is full let E2 and φ̂ take it in."""
    here = slice(baseline, baseline + 1)
    n_b, y_b = trials[..., here], rewards[..., here]
    count = np.maximum(trials + n_b, 1e-12)
    usable = (trials > 0) & (n_b > 0) & seen.known & seen.known[..., here]
    usable[..., baseline] = False
    harmonic = trials * n_b / count
    pooled = (trials * seen.mean + n_b * seen.mean[..., here]) / count
    variance = harmonic * (seen.variance if normal else pooled * (1.0 - pooled))
    rarer = 1.0 if normal else np.minimum(pooled, 1.0 - pooled)
    z = arrays["block_z"] + np.where(usable, (trials * y_b - n_b * rewards) / count, 0.0)
    v = arrays["block_variance"] + np.where(usable, variance, 0.0)
    expected = arrays["block_expected"] + np.where(usable, np.minimum(trials, n_b) * rarer, 0.0)
    full = usable & (expected >= BLOCK) & (v > 0)
    root = np.sqrt(np.where(full, v, 1.0))
    scaled = np.where(full, z / root, 0.0)
    blocks = arrays["blocks"]
    size = np.sqrt(arrays["dispersion"])
    bet = BETS[:, None] * (scaled / size)[..., None, :]
    started = np.logaddexp(arrays["bet"], np.log(restart_weight(blocks))[..., None, :])
    gain = np.maximum(1.0 / (blocks + 21.0), 0.01)
    return {
        "block_z": np.where(full, 0.0, z),
        "block_variance": np.where(full, 0.0, v),
        "block_expected": np.where(full, 0.0, expected),
        "blocks": blocks + full,
        "drift": np.where(full, arrays["drift"] + gain * (scaled - arrays["drift"]), arrays["drift"]),
        "dispersion": np.where(
            full,
            arrays["dispersion"] + gain * (np.minimum(scaled**2, 50.0) - arrays["dispersion"]),
            arrays["dispersion"],
        ),
        "bet": np.where(full[..., None, :], started + _ln_coin(bet), arrays["bet"]),
    }


def _ln_coin(x: Floats) -> Floats:
    """ln(eˣ/cosh x) = ln 2 − ln(1 + e^−2x)."""
    return np.asarray(np.log(2.0) - np.logaddexp(0.0, -2.0 * x))


def _remember(arrays: Arrays, seen: Forecast, tick: Floats, reward_type: RewardType) -> dict[str, Floats]:
    """Return running means after the tick, and how well each of them had forecast it."""
    trials, rewards = tick[..., mo.TRIALS, :], tick[..., mo.REWARDS, :]
    has_data = (trials > 0)[..., None, :]
    candidates = _candidates(arrays, reward_type)
    n, y = trials[..., None, :], rewards[..., None, :]
    if mo.is_normal(reward_type):
        spread = np.maximum(seen.variance, 1e-300)[..., None, :]
        score = (y * candidates - 0.5 * n * candidates**2) / spread
        score = np.where(seen.known[..., None, :], score, 0.0)
    else:
        score = y * np.log(candidates) + np.maximum(n - y, 0.0) * np.log1p(-candidates)
    score = FORECAST_MEMORY * arrays["forecast"] + score
    score = score - score.max(-2, keepdims=True)
    discount = np.where(has_data, MEMORIES[:, None], 1.0)
    result = {
        "recent_trials": discount * arrays["recent_trials"] + n,
        "recent_rewards": discount * arrays["recent_rewards"] + y,
        "forecast": np.where(has_data, score, arrays["forecast"]),
    }
    if mo.is_normal(reward_type):
        result["recent_squares"] = arrays["recent_squares"] + tick[..., mo.SQUARES, :]
    return result


def better(arrays: Arrays) -> Floats:
    """Ln of the e-value of E1 that the row's arm is better than the column's ``[..., K, K]``."""
    age = np.minimum(arrays["age"][..., :, None], arrays["age"][..., None, :])
    return np.logaddexp(arrays["growth"], np.log(unused_weight(age)))


def worse_than_baseline(arrays: Arrays, baseline: int) -> tuple[Floats, Floats]:
    """Ln of the e-values of E1 and of E2 that the baseline is better than each arm ``[..., K]``."""
    bet = np.logaddexp.reduce(arrays["bet"], axis=-2) - np.log(BETS.size)
    return better(arrays)[..., baseline, :], np.logaddexp(bet, np.log(unused_weight(arrays["blocks"])))
