"""What an arm is expected to earn next, from past ticks only.

Four running means over different spans are mixed by how well each has forecast the arm so
far, so that the forecast is sharp while nothing changes and follows soon when it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference.named_arrays import Arrays, Field, Flags, Floats
from bandit_operator.core.model import RewardType


class Span(IntEnum):
    """How far back a running mean looks; the value is its place in the arrays."""

    ALL = 0
    HUNDRED_TICKS = 1
    TWENTY_TICKS = 2
    FIVE_TICKS = 3


DISCOUNTS = np.array([1.0, 0.99, 0.95, 0.8])
"""Discount per tick of the running mean of each :class:`Span`: 1 − 1/ticks."""
SCORE_DISCOUNT = 0.98
"""Discount per tick of how well each of these means forecast its arm."""


def fields(reward_type: RewardType) -> Mapping[str, Field]:
    """Return the arrays that forecasts are made from."""
    spans = (len(Span),)
    squares = {"recent_squares": Field()} if mo.is_normal(reward_type) else {}
    return squares | {
        "recent_trials": Field(inner=spans),
        "recent_rewards": Field(inner=spans),
        "forecast": Field(inner=spans),  # log score of each span
        "surprise": Field(),  # deviations of the newest tick above its forecast; 0 where there was none
    }


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
    known = arrays["recent_trials"][..., Span.ALL, :] > 0
    if mo.is_normal(reward_type):
        variance = np.broadcast_to(_variance(arrays)[..., None], mean.shape)
        return Forecast(mean, variance, known & (variance > 0))
    return Forecast(mean, mean * (1.0 - mean), known)


def update(arrays: Arrays, expected: Forecast, tick: Floats, reward_type: RewardType) -> dict[str, Floats]:
    """Return running means after the tick, and how well each of them had forecast it."""
    trials, rewards = tick[..., mo.TRIALS, :], tick[..., mo.REWARDS, :]
    has_data = (trials > 0)[..., None, :]
    candidates = _candidates(arrays, reward_type)
    n, y = trials[..., None, :], rewards[..., None, :]
    if mo.is_normal(reward_type):
        spread = np.maximum(expected.variance, 1e-300)[..., None, :]
        score = (y * candidates - 0.5 * n * candidates**2) / spread
        score = np.where(expected.known[..., None, :], score, 0.0)
    else:
        score = y * np.log(candidates) + np.maximum(n - y, 0.0) * np.log1p(-candidates)
    score = SCORE_DISCOUNT * arrays["forecast"] + score
    score = score - score.max(-2, keepdims=True)
    discount = np.where(has_data, DISCOUNTS[:, None], 1.0)
    result = {
        "recent_trials": discount * arrays["recent_trials"] + n,
        "recent_rewards": discount * arrays["recent_rewards"] + y,
        "forecast": np.where(has_data, score, arrays["forecast"]),
    }
    variance = np.where(expected.known & (trials > 0), trials * expected.variance, 0.0)
    deviation = np.sqrt(np.where(variance > 0, variance, 1.0))
    result["surprise"] = np.where(variance > 0, (rewards - trials * expected.mean) / deviation, 0.0)
    if mo.is_normal(reward_type):
        result["recent_squares"] = arrays["recent_squares"] + tick[..., mo.SQUARES, :]
    return result


def _candidates(arrays: Arrays, reward_type: RewardType) -> Floats:
    trials, rewards = arrays["recent_trials"], arrays["recent_rewards"]
    if mo.is_normal(reward_type):
        return np.asarray(rewards / np.maximum(trials, 1e-9))
    return np.clip((rewards + 0.5) / (trials + 1.0), 1e-9, 1.0 - 1e-9)


def _variance(arrays: Arrays) -> Floats:
    longest = [arrays["recent_trials"][..., Span.ALL, :], arrays["recent_rewards"][..., Span.ALL, :]]
    return mo.pooled_variance(np.stack([*longest, arrays["recent_squares"]], axis=-2))
