"""All that verdicts are made from, in parts that belong to one module each.

Two tests run side by side for every ordered pair of arms: E1 (:mod:`.likelihood`) is sharp, and
exact for independent requests; E2 (:mod:`.sign_bets`) needs only that the difference of two equal
arms is as likely to fall to either side. A verdict needs both, so it is false only if both fail.
Arms are compared inside a tick only: whatever moves all arms together, such as the time of day,
cancels, also while the weights move.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import numpy as np

from bandit_operator.core.inference import contrasts, forecast, likelihood, named_arrays, sign_bets
from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference.named_arrays import Arrays, Fields, Floats
from bandit_operator.core.model import RewardType


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Arrays with any leading axes, by the module that owns them."""

    contrasts: Arrays
    """How far each arm's mean is from the baseline's."""
    forecast: Arrays
    """What each arm is expected to earn next."""
    likelihood: Arrays
    """E1."""
    signs: Arrays
    """E2, and the over-dispersion that tempers E1."""

    def changed(self, change: Callable[[Arrays, Fields], Arrays], reward_type: RewardType) -> Evidence:
        """The evidence with ``change(arrays, fields)`` in place of each part."""
        described = fields_of(reward_type)
        return Evidence(**{name: change(getattr(self, name), described[name]) for name in described})

    def joined(self) -> dict[str, Floats]:
        """All arrays in one mapping; no name occurs in two parts."""
        return {name: array for part in _PARTS for name, array in getattr(self, part).items()}


_PARTS = tuple(part.name for part in fields(Evidence))


def fields_of(reward_type: RewardType) -> dict[str, Fields]:
    """The arrays of each part."""
    return {
        "contrasts": contrasts.fields(),
        "forecast": forecast.fields(reward_type),
        "likelihood": likelihood.fields(),
        "signs": sign_bets.fields(),
    }


def joined_fields(reward_type: RewardType) -> Fields:
    """The arrays of all parts in one mapping, as :meth:`Evidence.joined` has them."""
    return {name: field for part in fields_of(reward_type).values() for name, field in part.items()}


def divided(arrays: Arrays, reward_type: RewardType) -> Evidence:
    """Inverse of :meth:`Evidence.joined`."""
    described: Mapping[str, Fields] = fields_of(reward_type)
    return Evidence(**{part: {name: arrays[name] for name in described[part]} for part in described})


def initial(reward_type: RewardType, arms: int, leading: tuple[int, ...] = ()) -> Evidence:
    """Evidence about arms of which nothing has been seen."""
    described = fields_of(reward_type)
    return Evidence(**{part: named_arrays.initial(described[part], arms, leading) for part in described})


def update(
    evidence: Evidence, tick: Floats, past: Floats, reward_type: RewardType, baseline: int, *, late: bool
) -> Evidence:
    """Evidence after one more tick.

    Args:
        evidence: what was known before the tick.
        tick: linearised moments of the tick ``[..., M, K]``; an arm without trials adds nothing.
        past: linearised sums of all ticks before it ``[..., M, K]``.
        reward_type: what one reward is.
        baseline: index of the baseline.
        late: rewards come late, so trials are expected exposures that rewards may exceed.
    """
    expected = forecast.forecast(evidence.forecast, reward_type)
    trials, rewards = tick[..., mo.TRIALS, :], tick[..., mo.REWARDS, :]
    dispersion = sign_bets.over_dispersion(evidence.signs)
    normal = mo.is_normal(reward_type)
    return Evidence(
        contrasts=contrasts.update(evidence.contrasts, tick, past, reward_type, baseline),
        forecast=forecast.update(evidence.forecast, expected, tick, reward_type),
        likelihood=likelihood.update(
            evidence.likelihood, expected, dispersion, trials, rewards, normal=normal, late=late
        ),
        signs=sign_bets.update(evidence.signs, expected, trials, rewards, normal=normal),
    )


def log_e_values(evidence: Evidence) -> tuple[Floats, Floats]:
    """Ln of the e-values of E1 and E2 that the row's arm is better than the column's ``[..., K, K]``."""
    return likelihood.log_e_value(evidence.likelihood), sign_bets.log_e_value(evidence.signs)


def log_proof(evidence: Evidence) -> Floats:
    """Ln of the smaller of the two e-values, which verdicts rest on ``[..., K, K]``."""
    return np.minimum(*log_e_values(evidence))


def over_dispersion(evidence: Evidence) -> Floats:
    """φ̂ ≥ 1 of every pair ``[..., K, K]``, see :func:`.sign_bets.over_dispersion`."""
    return sign_bets.over_dispersion(evidence.signs)
