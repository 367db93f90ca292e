"""What cannot be true of a shadow is not learned: an arm or a pair with such numbers has no data."""

from __future__ import annotations

from dataclasses import replace

from bandit_operator.core import reasons
from bandit_operator.core.model import Implausible, Observed, Outcome, Paired, RewardType, Shadowed
from bandit_operator.core.plausibility import LARGEST, ROUNDING, impossible


def checked_shadow(reward_type: RewardType, shadow: Shadowed) -> Shadowed:
    """The shadow with ``Implausible`` in place of numbers that cannot be.

    The requests of a pair are not compared with those of its arms: an arm is counted when its own answer is
    judged, a pair when the second one is, which may be a window later.
    """
    bounded = reward_type.bounded
    arms = {name: _arm(outcome, bounded=bounded) for name, outcome in shadow.arms.items()}
    pairs = {
        names: (_fault(names, pair, bounded=bounded) or pair) if isinstance(pair, Paired) else pair
        for names, pair in shadow.pairs.items()
    }
    return replace(shadow, arms=arms, pairs=pairs)


def _arm(outcome: Outcome, *, bounded: bool) -> Outcome:
    if not isinstance(outcome, Observed):
        return outcome
    sums = [outcome.trials, outcome.rewards, 0.0 if outcome.squares is None else outcome.squares]
    if not all(abs(one) <= LARGEST for one in sums) or outcome.trials < 0:
        return impossible(f"{outcome.trials:g} trials, {outcome.rewards:g} rewards")
    if bounded and not 0 <= outcome.rewards <= outcome.trials * (1 + ROUNDING) + ROUNDING:
        return Implausible(
            reasons.REWARDS_ABOVE_TRIALS,
            f"{outcome.rewards:g} rewards of {outcome.trials:g} trials in the shadow; are the two selectors"
            f" swapped?",
        )
    return outcome


def _fault(names: tuple[str, str], pair: Paired, *, bounded: bool) -> Implausible | None:
    n, total, squares = pair.trials, pair.difference, pair.squares
    about = (
        f"{' and '.join(names)} on {n:g} requests: Σ of differences {total:g}, of their squares {squares:g}"
    )
    if not all(abs(one) <= LARGEST for one in (n, total, squares)) or n < 0 or squares < 0:
        return impossible(f"{about}; no counter grows by that")
    slack = 1 + ROUNDING
    if total * total > n * squares * slack + ROUNDING:
        return impossible(f"{about}; no differences have such sums")
    if bounded and squares > n * slack + ROUNDING:
        return Implausible(
            reasons.REWARDS_ABOVE_TRIALS, f"{about}; rewards in [0, 1] differ by 1 at the most"
        )
    return None
