"""Where weights go back to that are held for long: the shares that the strategy gave last.

An arm that could not serve for a moment has lost its traffic. Where weights follow the evidence it comes by
its share again in steps. Where they stay as they are, as once ``spec.maxDuration`` is over or while there
are no rewards, they are to stay as before that moment, or the leader would be out for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from bandit_operator.core import reasons
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.core.model import SERVING_STATES, ArmStanding, ArmState

_LONG: Final = (reasons.SOURCE_FAULTS - {reasons.CLOCK_SET}) | {reasons.MAX_DURATION_REACHED}
"""Holds that may last, and that have nothing to do with the route or with an arm."""
_OF_REWARDS: Final = reasons.IMPLAUSIBLE | {reasons.NO_DATA, reasons.NO_REWARDS}
"""Holds that an arm which has just come back may be the cause of, and that last where rewards are wrong."""
PATIENCE_INTERVALS = 5.0
"""So long after the last arm came back a hold for its rewards is no longer taken to be about that."""


def noted(
    experiment: Experiment, standings: Mapping[str, ArmStanding], shares: Mapping[str, float], *, held: bool
) -> dict[str, ArmStanding]:
    """Remember the shares that the strategy has just given.

    An arm that cannot serve now is still to have what it had. What a pin gives is not the strategy's.

    Args:
        experiment: the settings.
        standings: how the arms stand.
        shares: of the arms' traffic, by arm.
        held: whether the strategy had no say.
    """
    if held or experiment.pin is not None or not any(shares.values()):
        return dict(standings)
    away = {
        arm: one.last_share
        for arm, one in standings.items()
        if one.state is ArmState.UNAVAILABLE and one.last_share is not None
    }
    rest = max(0.0, 1.0 - sum(away.values()))
    now = {arm: away.get(arm, round(rest * shares.get(arm, 0.0), 6)) for arm in standings}
    return {
        arm: one if one.last_share == now[arm] else replace(one, last_share=now[arm])
        for arm, one in standings.items()
    }


def forgotten(standings: Mapping[str, ArmStanding]) -> dict[str, ArmStanding]:
    """The standings without what the strategy gave: somebody else sets the weights from here on."""
    return {
        arm: one if one.last_share is None else replace(one, last_share=None)
        for arm, one in standings.items()
    }


def between(
    standings: Mapping[str, ArmStanding], arm: str, least: float, most: float
) -> dict[str, ArmStanding]:
    """The standings where what an arm is to go back to lies between these; the others have the rest."""
    given = {name: one.last_share for name, one in standings.items() if one.last_share is not None}
    others = sum(share for name, share in given.items() if name != arm)
    now = min(max(given.get(arm, 0.0), least), most)
    if now == given.get(arm, 0.0) or others <= 0:
        return dict(standings)
    times = (1.0 - now) / others
    shares = {name: round(times * share, 6) for name, share in given.items()} | {arm: now}
    return {
        name: replace(one, last_share=shares[name]) if name in shares else one
        for name, one in standings.items()
    }


def held_shares(
    experiment: Experiment,
    standings: Mapping[str, ArmStanding],
    current: Floats,
    reason: str | None,
    now: float,
) -> Floats:
    """The shares ``[K]`` that weights are held at: those that were given last, or the present ones.

    Args:
        experiment: the settings.
        standings: how the arms stand.
        current: shares now ``[K]``.
        reason: why the weights are held, or None where they are not.
        now: seconds since the Unix epoch.
    """
    newest = max((one.since for one in standings.values() if one.state in SERVING_STATES), default=now)
    lasts = reason in _OF_REWARDS and now - newest > PATIENCE_INTERVALS * experiment.interval
    if not (reason in _LONG or lasts) or experiment.pin is not None:
        return current
    given = [standings[arm].last_share for arm in experiment.names]
    present = current.tolist()
    return np.array([share if one is None else one for one, share in zip(given, present, strict=True)])
