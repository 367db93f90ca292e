"""Arms whose numbers could not be, and for how long they must be possible before they are learned again.

Numbers that cannot be, such as more rewards than trials, show that a counter counts something else, in all of
its windows. Were each window judged by itself, those would be learned in which chance makes it look right:
where a success counts a hundred, the windows without a success, so that an arm like the others would be found
worse. One window that cannot be is therefore held against those after it, and longer each time that an arm
was believed again too soon.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bandit_operator.core import reasons
from bandit_operator.core.inference.named_arrays import Arrays, Field, Fields, Floats
from bandit_operator.core.model import (
    ArmReading,
    Implausible,
    Observed,
    Paired,
    PairReading,
    Shadowed,
    Window,
)

FIRST = 4.0
"""Windows with trials that must be possible, one after the other, before an arm is learned from again."""
GROWTH = 4.0
"""So many times as long each time that it was learned from again and then could not be."""
MOST = 256.0
"""Windows at the longest."""
_DOUBTED = frozenset({reasons.IMPOSSIBLE_NUMBER, reasons.REWARDS_ABOVE_TRIALS})
_LEFT = 1
"""Row of what is left."""


def fields() -> Fields:
    """Of each arm, for what it served and for what it answered in the shadow ``[2, K]``.

    Row 0: how many plausible windows the arm must show before it is learned from again (0: never doubted).
    Row 1: how many are still missing; 0 or below once it is learned from again. At −row 0 both become 0.
    """
    return {"served": Field(inner=(2,)), "shadow": Field(inner=(2,))}


def counted(doubt: Arrays, names: Sequence[str], window: Window) -> Arrays:
    """The doubts after a window in which what cannot be is ``Implausible``."""
    shadow = Shadowed({}, {}) if window.shadow is None else window.shadow
    broken = {arm for pair, one in shadow.pairs.items() if _is_impossible(one) for arm in pair}
    return {
        "served": _after(doubt["served"], names, window.arms, ()),
        "shadow": _after(doubt["shadow"], names, shadow.arms, broken),
    }


def held(doubt: Arrays, names: Sequence[str], window: Window) -> Window:
    """The window with ``Implausible`` in place of what is possible and not believed yet."""
    if not any(one.any() for one in doubt.values()):
        return window
    arms = {arm: _held(doubt["served"], names, arm, reading) for arm, reading in window.arms.items()}
    shadow = window.shadow
    if shadow is not None:
        scored = {arm: _held(doubt["shadow"], names, arm, reading) for arm, reading in shadow.arms.items()}
        pairs = {pair: _held_pair(doubt["shadow"], names, pair, one) for pair, one in shadow.pairs.items()}
        shadow = Shadowed(scored, pairs)
    return replace(window, arms=arms, shadow=shadow)


def _after(
    doubt: Floats, names: Sequence[str], readings: Mapping[str, ArmReading], broken: Collection[str]
) -> Floats:
    if not (doubt.any() or broken or any(map(_is_impossible, readings.values()))):
        return doubt
    after = doubt.copy()
    for index, arm in enumerate(names):
        reading = readings.get(arm)
        to_stand, left = doubt[:, index]
        if _is_impossible(reading) or arm in broken:
            if to_stand == 0:
                to_stand = FIRST
            elif left <= 0:
                to_stand = min(MOST, GROWTH * to_stand)
            after[:, index] = to_stand, to_stand
        elif to_stand > 0 and isinstance(reading, Observed) and reading.trials > 0:
            stood = left - 1 <= -to_stand
            after[:, index] = (0.0, 0.0) if stood else (to_stand, left - 1)
    return after


def _is_impossible(reading: ArmReading | PairReading | None) -> bool:
    return isinstance(reading, Implausible) and reading.reason in _DOUBTED


def _held(doubt: Floats, names: Sequence[str], arm: str, reading: ArmReading) -> ArmReading:
    if arm not in names or not isinstance(reading, Observed) or reading.trials <= 0:
        return reading
    left = float(doubt[_LEFT, names.index(arm)])
    if left <= 0:
        return reading
    return _not_yet(f"{reading.rewards:g} rewards of {reading.trials:g} trials", left)


def _held_pair(
    doubt: Floats, names: Sequence[str], pair: tuple[str, str], reading: PairReading
) -> PairReading:
    left = max((float(doubt[_LEFT, names.index(arm)]) for arm in pair if arm in names), default=0.0)
    if left <= 0 or not isinstance(reading, Paired):
        return reading
    return _not_yet(f"{' and '.join(pair)} on {reading.trials:g} requests", left)


def _not_yet(numbers: str, left: float) -> Implausible:
    return Implausible(
        reasons.IMPOSSIBLE_NUMBER,
        f"{numbers} can be, but what was counted just before could not; learned again after {left:g}"
        f" {'more window' if left == 1 else 'more windows'} that can be",
    )
