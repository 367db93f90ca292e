"""What cannot be true of a shadow is not learned: an arm or a pair with such numbers has no data."""

from __future__ import annotations

from dataclasses import replace

from bandit_operator.core import reasons
from bandit_operator.core.model import ArmReading, Implausible, Observed, Paired, RewardType, Shadowed
from bandit_operator.core.plausibility import LARGEST, ROUNDING, impossible


def checked_shadow(reward_type: RewardType, shadow: Shadowed) -> Shadowed:
    """The shadow with ``Implausible`` in place of numbers that cannot be.

    The requests of a pair are not compared with those of its arms: an arm is counted when its own answer is
    judged, a pair when the second one is, which may be a window later.
    """
    bounded = reward_type.bounded
    arms = {name: _arm(reading, bounded=bounded) for name, reading in shadow.arms.items()}
    pairs = {
        names: (_fault(names, pair, bounded=bounded) or pair) if isinstance(pair, Paired) else pair
        for names, pair in shadow.pairs.items()
    }
    return replace(shadow, arms=arms, pairs=pairs)


def _arm(reading: ArmReading, *, bounded: bool) -> ArmReading:
    if not isinstance(reading, Observed):
        return reading
    sums = [reading.trials, reading.rewards, 0.0 if reading.squares is None else reading.squares]
    if not all(abs(one) <= LARGEST for one in sums) or reading.trials < 0:
        return impossible(f"{reading.trials:g} trials, {reading.rewards:g} rewards")
    if bounded and not 0 <= reading.rewards <= reading.trials * (1 + ROUNDING) + ROUNDING:
        return Implausible(
            reasons.REWARDS_ABOVE_TRIALS,
            f"{reading.rewards:g} rewards of {reading.trials:g} trials in the shadow; are the two selectors"
            f" swapped?",
        )
    return reading


def _fault(names: tuple[str, str], pair: Paired, *, bounded: bool) -> Implausible | None:
    n, total, squares = pair.trials, pair.difference, pair.squares
    about = (
        f"{' and '.join(names)} on {n:g} requests: Σ of differences {total:g}, of their squares {squares:g}"
    )
    if not all(abs(one) <= LARGEST for one in (n, total, squares)) or n < 0 or squares < 0:
        return impossible(f"{about}; a counter cannot grow by that")
    slack = 1 + ROUNDING
    if total * total > n * squares * slack + ROUNDING:
        return impossible(f"{about}; no differences have such sums")
    if bounded and squares > n * slack + ROUNDING:
        return Implausible(
            reasons.REWARDS_ABOVE_TRIALS, f"{about}; rewards in [0, 1] differ by 1 at the most"
        )
    return None
