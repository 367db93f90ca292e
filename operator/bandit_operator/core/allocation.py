"""The decision rule, on arrays: who is taken out, and how the traffic is shared among the rest.

Everything has the shape ``[..., K]`` with any leading axes, so that a simulation of a thousand
seeds plays the very rule by which one resource is decided. Shares are fractions of the arms'
traffic in [0, 1].
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from bandit_operator.core.batch import Work, rows_of, stacked
from bandit_operator.core.inference.named_arrays import Flags, Floats
from bandit_operator.core.model import Guardrails
from bandit_operator.core.shares import normalised
from bandit_operator.core.weights import Bounds, Outlook, guarded_shares, least_share, worth_writing

COLLAPSE = 8.0
"""Standard deviations below its forecast at which the arm that carries the traffic has fallen far."""


@dataclass(frozen=True, slots=True, eq=False)
class Arms:
    """What each arm may do now, each ``[..., K]``."""

    eligible: Flags
    """May carry traffic."""
    joining: Flags
    """Is new or back, so that its share is capped."""
    unproven: Flags
    """Has fewer trials than it takes to gain more than ``new_arm_share``."""
    carried: Floats
    """Largest share that it has carried since it began to serve."""
    probed: Flags
    """Is to bear witness with more traffic, because the arm that carries most of it has fallen far."""
    pinned: Flags
    """Is to have all of the traffic, by the user's wish, while it is eligible."""
    learns: bool
    """Whether the strategy learns from rewards: one that does not has no share for an arm that joins."""
    shared: bool = True
    """Whether the arms have any of the rule's weight between them, or are to have some."""
    kept: Floats | None = None
    """Shares at which weights are held, where these are not the present ones ``[..., K]``."""

    @property
    def chosen(self) -> Flags:
        """Arms whose shares the strategy chooses.

        All eligible ones in a row where each of them is joining; their shares are not used.
        """
        if self.learns:
            return self.eligible
        known = self.eligible & ~self.joining
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


def named(names: Sequence[str], arm: str | None) -> Flags:
    """Which of the arms is called so ``[K]``; none where ``arm`` is None."""
    return np.array([name == arm for name in names])


def collapsed(surprise: Floats, current: Floats) -> Flags:
    """Rows in which the arm that carries most of the traffic earned far less than was forecast ``[...]``.

    Args:
        surprise: standard deviations by which each arm's newest tick lay above its forecast ``[..., K]``.
        current: shares now ``[..., K]``.
    """
    return np.asarray(((current > 0.5) & (surprise < -COLLAPSE)).any(-1))


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
    guardrails: Guardrails,
    arms: Arms,
    current: Floats,
    wanted: Floats,
    winner: Flags,
    held: Flags,
    outlook: Outlook,
) -> Allocation:
    """Share the traffic out: by the strategy, inside the guardrails.

    A row in which no arm is eligible does not move: taking weight from one would help nobody. An arm
    that is pinned gets everything at once, whatever the guards say. Where no eligible arm has traffic, as
    when the one that had all of it is taken out of the spec, what the strategy wants decides at once.

    Args:
        guardrails: the bounds.
        arms: what each may do.
        current: shares now ``[..., K]``.
        wanted: what the strategy wants for ``arms.chosen`` ``[..., K]``.
        winner: an arm that is promoted, and so gets all but the others' floors ``[..., K]``.
        held: rows whose weights stay, but for arms that are taken out ``[...]``.
        outlook: what the next tick may bring.
    """
    eligible = arms.eligible
    target = wanted if arms.learns else _beside_joining(guardrails, arms, current, wanted)
    winner = winner & eligible
    target = np.where(winner.any(-1, keepdims=True), winner, target)
    bounds = Bounds(eligible, arms.joining, arms.unproven, arms.carried, arms.probed)
    proposed = guarded_shares(target, current, bounds, guardrails)
    present = _capped(guardrails, arms, normalised(current, eligible))
    goes_back = np.zeros(present.shape[:-1], dtype=bool)
    if arms.kept is not None:
        kept = _capped(guardrails, arms, normalised(arms.kept, eligible))
        goes_back = held & (np.where(eligible, arms.kept, 0.0) > 0).any(-1)
        least = np.where((kept > 0) != (current > 0), 0.0, guardrails.min_change + 1e-9)
        goes_back &= (np.abs(kept - current) > least).any(-1)
        present = np.where(goes_back[..., None], kept, present)
    taken_out = ~eligible & (current > 0)
    idle = arms.shared & ~(eligible & (current > 0)).any(-1)
    begins = idle & ~taken_out.any(-1)
    proposed = np.where((held & ~begins & ~(idle & arms.pinned.any(-1)))[..., None], present, proposed)
    pinned = arms.pinned & eligible
    proposed = np.where(pinned.any(-1, keepdims=True), pinned, proposed)
    # An arm that is something else since a moment ago may not keep the share of what it was.
    above = arms.joining & eligible & (current > present + 1e-9)
    moves = taken_out.any(-1) | above.any(-1) | begins | goes_back
    moves |= ~held & worth_writing(current, proposed, outlook, guardrails)
    # As where the user has raised it: what an arm is promised need not be worth a write.
    starves = current < least_share(guardrails, np.maximum(eligible.sum(-1, keepdims=True), 1))
    moves |= ~held & (eligible & starves & (proposed - current > guardrails.min_change + 1e-9)).any(-1)
    moves |= pinned.any(-1) & (pinned != (current > 0)).any(-1)
    return Allocation(proposed, moves & eligible.any(-1), taken_out)


@dataclass(frozen=True, slots=True, eq=False)
class Allocate(Work[Allocation]):
    """One resource's traffic, to be shared out by :func:`allocate`; without leading axes."""

    guardrails: Guardrails
    arms: Arms
    current: Floats
    wanted: Floats
    winner: Flags
    held: Flags
    outlook: Outlook

    def alike(self) -> Hashable:
        """The bounds, and what is one for all rows."""
        return self.guardrails, self.arms.learns, self.arms.shared, self.current.shape

    @classmethod
    def together(cls, works: Sequence[Self]) -> list[Allocation]:
        """How each resource's traffic is to be shared."""
        arms = works[0].arms
        if len(works) > 1:
            flags = {
                name: np.stack([getattr(one.arms, name) for one in works])
                for name in ("eligible", "joining", "unproven", "carried", "probed", "pinned")
            }
            kept = [one.current if one.arms.kept is None else one.arms.kept for one in works]
            arms = Arms(**flags, learns=arms.learns, shared=arms.shared, kept=np.stack(kept))
        allocated = allocate(
            works[0].guardrails,
            arms,
            current=stacked([one.current for one in works]),
            wanted=stacked([one.wanted for one in works]),
            winner=stacked([one.winner for one in works]),
            held=stacked([one.held for one in works]),
            outlook=stacked([one.outlook for one in works]),
        )
        return rows_of(allocated, len(works))


def _capped(guardrails: Guardrails, arms: Arms, present: Floats) -> Floats:
    """The present shares with those of joining arms cut to their cap, where others can take the rest."""
    others = np.where(arms.eligible & ~arms.joining, present, 0.0)
    free = others.sum(-1, keepdims=True) > 0
    cut = np.where(arms.joining & free, np.minimum(present, guardrails.new_arm_share), present)
    rest = 1.0 - np.where(arms.joining & arms.eligible, cut, 0.0).sum(-1, keepdims=True)
    total = np.where(free, others.sum(-1, keepdims=True), 1.0)
    return np.asarray(np.where(free & ~arms.joining, others * rest / total, cut))


def _beside_joining(guardrails: Guardrails, arms: Arms, current: Floats, wanted: Floats) -> Floats:
    """Give arms that join a small share, and let the strategy split the rest.

    Where there are no others, the user's own split stands, except that nobody is left without
    the traffic that it takes to be judged.
    """
    fresh, eligible = arms.joining & arms.eligible, arms.eligible
    if not fresh.any():
        return wanted
    count = fresh.sum(-1, keepdims=True)
    small = np.minimum(guardrails.new_arm_share, 0.5 / np.maximum(count, 1))
    beside = np.where(fresh, small, (1.0 - small * count) * wanted)
    least = np.minimum(guardrails.new_arm_share, 1 / np.maximum(eligible.sum(-1, keepdims=True), 1))
    lifted = np.where(eligible, np.maximum(normalised(current, eligible), least), 0.0)
    lifted = lifted / np.maximum(lifted.sum(-1, keepdims=True), 1e-12)
    alone = np.where((eligible & ~fresh).any(-1, keepdims=True), beside, lifted)
    return np.asarray(np.where(count > 0, alone, wanted))
