"""The decision rule, on arrays: who is taken out, and how the traffic is shared among the rest.

Everything has the shape ``[..., K]`` with any leading axes, so that a simulation of a thousand
seeds plays the very rule by which one resource is decided. Shares are fractions of the arms'
traffic in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandit_operator.core.inference.named_arrays import Flags, Floats
from bandit_operator.core.model import Guardrails
from bandit_operator.core.weights import changed_enough, guarded_shares, scaled


@dataclass(frozen=True, slots=True, eq=False)
class Arms:
    """What each arm may do now, each ``[..., K]``."""

    eligible: Flags
    """May carry traffic."""
    joining: Flags
    """Is new or back, so that its share is capped."""
    warming_up: Flags
    """Has too few trials for a strategy to choose its share yet."""

    @property
    def chosen(self) -> Flags:
        """Arms whose shares the strategy chooses: the eligible ones that are past their warm-up.

        All eligible ones in a row where every one of them is warming up; their shares are not used.
        """
        known = self.eligible & ~self.warming_up
        return np.where(known.any(-1, keepdims=True), known, self.eligible)


@dataclass(frozen=True, slots=True, eq=False)
class Allocation:
    """How the traffic is to be shared."""

    shares: Floats
    """``[..., K]``, summing to 1."""
    moves: Flags
    """Whether the weights are to change ``[...]``."""
    taken_out: Flags
    """Arms that carry traffic and no longer may ``[..., K]``."""


def warming_up(
    trials: Floats, eligible: Flags, joining: Flags, guardrails: Guardrails, *, learns: bool
) -> Flags:
    """Arms whose shares a strategy may not choose yet ``[..., K]``.

    One that learns from rewards needs enough of every arm. One that does not may begin with any split,
    but has none for an arm that comes later: what that may not have yet stays where it is.

    Args:
        trials: trials of each arm since its reset ``[..., K]``.
        eligible: arms that may carry traffic ``[..., K]``.
        joining: arms that are new or back ``[..., K]``.
        guardrails: ``min_trials``.
        learns: whether the strategy learns from rewards.
    """
    return eligible & ((trials < guardrails.min_trials) if learns else joining)


def loser(proven: Flags, log_e_value: Floats, eligible: Flags, baseline: int) -> Flags:
    """The arm to take out now ``[..., K]``: at most one a row, never the baseline, never the last.

    Args:
        proven: arms that are proven worse than the baseline ``[..., K]``.
        log_e_value: ln of the evidence for that ``[..., K]``; the surest goes first.
        eligible: arms that may carry traffic ``[..., K]``.
        baseline: index of the baseline.
    """
    candidates = proven & eligible & (eligible.sum(-1, keepdims=True) >= 2)
    candidates[..., baseline] = False
    surest = np.where(candidates, log_e_value, -np.inf).argmax(-1)
    return np.asarray(candidates & (np.arange(candidates.shape[-1]) == surest[..., None]))


def allocate(
    guardrails: Guardrails, arms: Arms, current: Floats, wanted: Floats, winner: Flags, held: Flags
) -> Allocation:
    """Share the traffic out: by the strategy, inside the guardrails.

    A row in which no arm is eligible does not move: taking weight from one would help nobody.

    Args:
        guardrails: the bounds.
        arms: what each may do.
        current: shares now ``[..., K]``.
        wanted: what the strategy wants for ``arms.chosen`` ``[..., K]``.
        winner: an arm that is promoted, and so gets all but the others' floors ``[..., K]``.
        held: rows whose weights stay, but for arms that are taken out ``[...]``.
    """
    eligible = arms.eligible
    target = _warmed(guardrails, arms, current, wanted)
    winner = winner & eligible
    target = np.where(winner.any(-1, keepdims=True), winner, target)
    proposed = guarded_shares(target, current, eligible, arms.joining, guardrails)
    proposed = np.where(held[..., None], scaled(current, eligible), proposed)
    taken_out = ~eligible & (current > 0)
    moves = taken_out.any(-1) | (~held & changed_enough(current, proposed, guardrails.min_change))
    return Allocation(proposed, moves & eligible.any(-1), taken_out)


def _warmed(guardrails: Guardrails, arms: Arms, current: Floats, wanted: Floats) -> Floats:
    """Give arms that warm up a small share, and let the strategy split the rest.

    Where there are no others, the user's own split stands, except that nobody is left without
    the traffic that it takes to be judged.
    """
    fresh, eligible = arms.warming_up, arms.eligible
    if not fresh.any():
        return wanted
    count = fresh.sum(-1, keepdims=True)
    small = np.minimum(guardrails.new_arm_share, 0.5 / np.maximum(count, 1))
    beside = np.where(fresh, small, (1.0 - small * count) * wanted)
    least = np.minimum(guardrails.new_arm_share, 1 / np.maximum(eligible.sum(-1, keepdims=True), 1))
    lifted = np.where(eligible, np.maximum(scaled(current, eligible), least), 0.0)
    lifted = lifted / np.maximum(lifted.sum(-1, keepdims=True), 1e-12)
    warmed = np.where((eligible & ~fresh).any(-1, keepdims=True), beside, lifted)
    return np.asarray(np.where(count > 0, warmed, wanted))
