"""Labels that come late: how many of an arm's requests could have been rewarded by now.

A request served a moment ago has no reward yet, and that says nothing of its arm. So trials are
not requests served but expected exposures: with F the distribution of the delay, requests
n_s of age a_s count Σ n_s F(a_s), and in one window each adds what F rose by. Rewards divided by
exposures then estimate the mean without bias at any age of an arm.

F is the Weibull distribution with the given median and 95th percentile, 1 − F(a) = 2^−(a/median)^k,
which is the exponential one at p95 = 4.32 · median. It is carried as a sum of ten exponentials,
1 − F(a) ≈ Σ c_m e^{−r_m a} with Σ c_m = 1 (least squares, coefficients of either sign; error below 0.01
for p95 ≥ 2 · median and below 0.06 for every profile), so that ten numbers an arm replace the
list of all requests still waiting, for windows of any length.

**A wrong profile** makes no verdict: evidence that one arm is better takes the most exposures of it,
and the fewest of the other, that a delay half as long to twice as long as told would give, for each
arm by itself. While traffic is steady these are the same; while it moves, the evidence is weaker.
It also shows where an arm's traffic rises or falls: if labels come later than assumed, an arm with
more fresh requests than usual earns less than its exposure promises, and more when it is cut back.
With x = (n − n̄)/(n + n̄) for the requests n of a window and their running mean n̄ over three times the
95th percentile, the slope of rewards over x is tested, after what all arms have in common is
taken out; while that contradicts the profile, there are no verdicts. Where the traffic of all arms
is steady, no profile can be told from another, and none matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from bandit_operator.core.inference.named_arrays import Arrays, Field, Flags, Floats
from bandit_operator.core.model import Delay

_TERMS = 10
SCALES = np.array([0.5, 0.5**0.5, 1.0, 2.0**0.5, 2.0])
"""By what the delay may be longer than told; verdicts allow for each of these."""
_TOLD = 2
_NARROWEST, _WIDEST = 1.5, 100.0
"""p95/median outside these is taken as if it were there."""
SUSPECT_DEVIATIONS = 5.0
"""Standard deviations of the slope from which on a profile is suspected."""
SUSPECT_REWARDS = 100.0
"""Fewer rewards of an arm say nothing about a profile."""


WAITING = frozenset({"pending", "usual"})
"""Arrays of requests that wait for their labels, whatever has been learned."""


@dataclass(frozen=True, slots=True, eq=False)
class Exposures:
    """Expected exposures of a window, each ``[..., K]``, ≥ 0."""

    told: Floats
    """By the profile as it was given."""
    least: Floats
    """The fewest, if the delay may be half as long or twice as long as told."""
    most: Floats


def fields() -> Mapping[str, Field]:
    """Return the arrays of requests that wait for their labels, and of the profile's test."""
    sums = ("exposed", "exposed_fresh", "exposed_fresh_squares", "arrived", "arrived_fresh")
    return {"pending": Field(inner=(SCALES.size, _TERMS)), "usual": Field()} | {
        name: Field() for name in sums
    }


def distribution(age: Floats, delay: Delay) -> Floats:
    """F: the share of labels that have come after ``age`` seconds."""
    median, shape = _parameters(delay)
    return np.asarray(-np.expm1(-np.log(2.0) * (np.maximum(age, 0.0) / median) ** shape))


def _parameters(delay: Delay) -> tuple[float, float]:
    """Median in seconds, and the exponent k."""
    median = max(delay.median, delay.p95 / _WIDEST, 1e-6)
    ratio = max(delay.p95 / median, _NARROWEST)
    return median, float(np.log(np.log(20.0) / np.log(2.0)) / np.log(ratio))


@cache
def exponentials(delay: Delay) -> tuple[Floats, Floats]:
    """Rates r and coefficients c ``[10]`` of 1 − F(a) ≈ Σ c e^{−r a}; rates in 1/second."""
    median, shape = _parameters(delay)
    slowest, fastest = (0.5, 20.0) if shape > 1 else (0.15 ** (1 / shape), 100.0 ** (1 / shape))
    rates = np.geomspace(slowest, fastest, _TERMS)
    # In medians, and beyond the last label until every term has died out.
    ages = np.geomspace(1e-4 ** (1 / shape), 20.0 / min(slowest, 1.0), 600)
    target = np.exp2(-(ages**shape))
    together = 1e3  # weight of the row that makes the coefficients sum to 1
    system = np.vstack([np.exp(-np.outer(ages, rates)), np.full(_TERMS, together), 1e-4 * np.eye(_TERMS)])
    coefficients = np.linalg.lstsq(system, np.r_[target, together, np.zeros(_TERMS)], rcond=None)[0]
    return rates / median, coefficients / coefficients.sum()


def waiting(arrays: Arrays, delay: Delay) -> Floats:
    """Requests of each arm whose labels are still to come ``[..., K]``, by the profile."""
    _, coefficients = exponentials(delay)
    return np.asarray((coefficients[:, None] * arrays["pending"][..., _TOLD, :, :]).sum(-2))


def update(
    arrays: Arrays,
    trials: Floats,
    rewards: Floats,
    observed: Flags,
    mean: Floats,
    seconds: float,
    delay: Delay,
) -> tuple[dict[str, Floats], Exposures]:
    """Turn the requests of a window into the exposures that fall into it.

    Args:
        arrays: as :func:`fields` describes.
        trials: requests served in the window ``[..., K]``.
        rewards: rewards that came in the window ``[..., K]``, for requests of any age.
        observed: arms with data ``[..., K]``; what others had waiting is given up, because
            whether it was rewarded in this window will never be known.
        mean: forecast mean reward of each arm ``[..., K]``.
        seconds: length of the window.
        delay: the profile.

    Returns:
        The arrays after the window, and the exposures of the window.
    """
    rates, coefficients = exponentials(delay)
    passed = rates / SCALES[:, None] * seconds
    decay, fresh = np.exp(-passed)[..., None], (-np.expm1(-passed) / passed)[..., None]
    pending = decay * arrays["pending"] + fresh * np.where(observed, trials, 0.0)[..., None, None, :]
    left = (coefficients[:, None] * (pending - arrays["pending"])).sum(-2)
    possible = np.maximum(trials[..., None, :] - left, 0.0)
    possible = np.where(observed[..., None, :], possible, 0.0)
    exposure = possible[..., _TOLD, :]
    usual = arrays["usual"]
    settled = -np.expm1(-seconds / (3.0 * max(delay.p95, 1e-6)))
    total = trials + usual
    freshness = np.where(total > 0, (trials - usual) / np.where(total > 0, total, 1.0), 0.0)
    result = {"pending": pending, "usual": usual + np.where(observed, settled * (trials - usual), 0.0)}
    exposures = Exposures(exposure, possible.min(-2), possible.max(-2))
    return result | _profile_sums(arrays, freshness, rewards, exposure, mean), exposures


def _profile_sums(
    arrays: Arrays, x: Floats, rewards: Floats, exposure: Floats, mean: Floats
) -> dict[str, Floats]:
    expected = (exposure * mean).sum(-1, keepdims=True)
    common = np.where(
        expected > 0, rewards.sum(-1, keepdims=True) / np.where(expected > 0, expected, 1.0), 1.0
    )
    level = np.where(common > 0, common, 1.0)
    counted = np.where(exposure > 0, rewards / level, 0.0)
    added = {
        "exposed": exposure,
        "exposed_fresh": exposure * x,
        "exposed_fresh_squares": exposure * x * x,
        "arrived": counted,
        "arrived_fresh": counted * x,
    }
    return {name: arrays[name] + value for name, value in added.items()}


def profile_deviation(arrays: Arrays) -> Floats:
    """Return the slope of rewards over freshness in standard deviations ``[..., K]``; 0 while unknown.

    Negative where labels come later than the profile says, positive where they come sooner.
    """
    exposed = arrays["exposed"]
    known = (exposed > 0) & (arrays["arrived"] >= SUSPECT_REWARDS)
    safe = np.where(known, exposed, 1.0)
    slope = arrays["arrived_fresh"] - arrays["exposed_fresh"] * arrays["arrived"] / safe
    spread = arrays["exposed_fresh_squares"] - arrays["exposed_fresh"] ** 2 / safe
    variance = np.maximum(spread, 0.0) * arrays["arrived"] / safe
    usable = known & (variance > 1.0)
    return np.where(usable, slope / np.sqrt(np.where(usable, variance, 1.0)), 0.0)


def profile_suspect(arrays: Arrays, dispersion: Floats) -> Flags:
    """Whether the rewards of any arm contradict the profile ``[...]``.

    Args:
        arrays: as :func:`fields` describes.
        dispersion: over-dispersion φ̂ ≥ 1 of each arm's rewards ``[..., K]``.
    """
    return np.asarray((np.abs(profile_deviation(arrays)) > SUSPECT_DEVIATIONS * np.sqrt(dispersion)).any(-1))
