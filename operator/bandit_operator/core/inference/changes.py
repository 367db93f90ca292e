"""What changed lately: one arm, all arms together, or who is best.

For people, not for decisions: verdicts have their own tests. An arm's mean over the last few
ticks (discount 0.8), and over the last twenty (0.95), is compared with that of the time before
them (0.99, less those twenty), in standard deviations that allow for the over-dispersion seen.
What the other arms did at the same time is subtracted first: a campaign or a weekend moves all
arms, a fault moves one. Nobody is blamed beyond the data: all arms moved where each of them did,
and the others did not where the same move would have shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from bandit_operator.core.inference.evidence import Evidence, over_dispersion
from bandit_operator.core.inference.forecast import DISCOUNTS, Span, forecast
from bandit_operator.core.inference.named_arrays import Flags, Floats, same_arm
from bandit_operator.core.model import RewardType

DEVIATIONS = 6.0
"""Standard deviations from which on a change is told: rarer than once in a million ticks by chance."""
LEAST_TRIALS = 50.0
"""An arm with fewer recent trials, or fewer before, is not spoken of."""
CLEAR = 3.0
"""Standard deviations from which on an arm of which it is asked whether it moved, too, did."""


class ChangeKind(StrEnum):
    """What changed."""

    ARM_DROPPED = "ArmDropped"
    """One arm earns less than before, compared with what the others do."""
    ARM_IMPROVED = "ArmImproved"
    """One arm earns more than before, compared with what the others do."""
    ALL_MOVED = "AllMoved"
    """All arms moved, each beyond doubt, and the same way: more likely the world than a model."""
    NEW_CHAMPION = "NewChampion"
    """Another arm is best now than in the time before."""


@dataclass(frozen=True, slots=True)
class Change:
    """The most telling change; ``arm`` is None where all moved."""

    kind: ChangeKind
    arm: str | None
    before: float
    """Mean reward before: of the arm, or of all arms."""
    after: float
    """Mean reward lately."""
    too: tuple[str, ...] = ()
    """Arms that moved the same way at the same time."""
    alone: bool = False
    """Whether it is known that no other arm moved."""

    def __str__(self) -> str:
        moved = f"from {self.before:.4g} to {self.after:.4g}"
        match self.kind:
            case ChangeKind.ALL_MOVED:
                return f"all arms moved together, {moved}: look at what they share before any model"
            case ChangeKind.NEW_CHAMPION:
                return f"{self.arm} is the best arm now, {moved}"
        dropped = self.kind is ChangeKind.ARM_DROPPED
        verb = "fell" if dropped else "rose"
        if self.alone:
            word = "broke" if dropped else "improved"
            return f"{self.arm} {word}: its mean reward {verb} {moved}, the others' did not"
        if self.too:
            return f"{self.arm}: its mean reward {verb} {moved}; that of {', '.join(self.too)} {verb}, too"
        return f"{self.arm}: its mean reward {verb} {moved}; the others have too few trials to tell theirs"


@dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """Means before and lately with their errors, and moves in standard deviations."""

    before: Floats
    after: Floats
    """``[..., K]``; NaN where there are too few trials."""
    common: Floats
    """Move that all arms share ``[...]``, in standard deviations; 0 while unknown."""
    own: Floats
    """Move of each arm less that of the others ``[..., K]``, in standard deviations; 0 while unknown."""
    lead: Floats
    """Lead over every other arm lately ``[..., K]``, in standard deviations of the closest one."""
    error: Floats
    """Standard deviation of each arm's move ``[..., K]``; infinite where there are too few trials."""


def _shifts(evidence: Evidence, reward_type: RewardType, eligible: Flags, recent: list[Span]) -> list[Shift]:
    """A shift for each of the spans, which are an axis before that of the arms meanwhile."""
    trials, rewards = evidence.forecast["recent_trials"], evidence.forecast["recent_rewards"]
    longer, twenty = Span.HUNDRED_TICKS, Span.TWENTY_TICKS
    n_after, n_before = (
        trials[..., recent, :],
        (trials[..., longer, :] - trials[..., twenty, :])[..., None, :],
    )
    known = eligible[..., None, :] & (n_after >= LEAST_TRIALS) & (n_before >= LEAST_TRIALS)
    n_after, n_before = np.where(known, n_after, 1.0), np.where(known, n_before, 1.0)
    after = rewards[..., recent, :] / n_after
    before = (rewards[..., longer, :] - rewards[..., twenty, :])[..., None, :] / n_before
    # A discounted mean of n·(1 − γ)⁻¹ trials varies like a plain one of (1 + γ) as many.
    expected = forecast(evidence.forecast, reward_type)
    spread = (expected.variance * _dispersion(evidence))[..., None, :]
    error_after = spread / (n_after * (1 + DISCOUNTS[recent])[:, None])
    error_before = spread / (n_before * (1 + DISCOUNTS[longer]))
    move, error = np.where(known, after - before, 0.0), np.where(known, error_after + error_before, np.inf)
    precision = np.where(known & (error > 0), 1.0 / np.where(error > 0, error, 1.0), 0.0)
    total = precision.sum(-1, keepdims=True)
    others = total - precision
    some = np.where(others > 0, others, 1.0)
    moved = precision * move
    all_moved = moved.sum(-1, keepdims=True)
    mean_others = (all_moved - moved) / some
    usable = known & (others > 0) & (precision > 0)
    deviation = np.sqrt(np.where(usable, error + 1.0 / some, 1.0))
    own = np.where(usable, (move - mean_others) / deviation, 0.0)
    common = all_moved[..., 0] / np.sqrt(np.maximum(total[..., 0], 1e-300))
    lead = _lead(np.where(known, after, -np.inf), error_after)
    nothing = np.where(known, 0.0, np.nan)
    before, after, error = before + nothing, after + nothing, np.sqrt(error)
    return [
        Shift(
            before[..., at, :],
            after[..., at, :],
            common[..., at],
            own[..., at, :],
            lead[..., at, :],
            error[..., at, :],
        )
        for at in range(len(recent))
    ]


def _dispersion(evidence: Evidence) -> Floats:
    """Over-dispersion ``[..., 1]``, of the pair with least: an arm that changes adds to its own pairs."""
    seen = evidence.bets["blocks"] > 0
    least = np.where(seen, over_dispersion(evidence), np.inf).min((-1, -2))
    return np.asarray(np.where(np.isfinite(least), least, 1.0)[..., None])


def _lead(after: Floats, error: Floats) -> Floats:
    arms = after.shape[-1]
    with np.errstate(invalid="ignore"):  # two arms without data differ by nothing
        gap = after[..., :, None] - after[..., None, :]
    deviation = np.sqrt(np.maximum(error[..., :, None] + error[..., None, :], 1e-300))
    scaled = np.where(same_arm(arms), np.inf, gap / deviation)
    scaled = np.where(np.isfinite(after)[..., None, :], scaled, np.inf)
    lead = np.asarray(scaled.min(-1))
    return np.where(np.isfinite(after) & np.isfinite(lead), lead, 0.0)


def recent_shifts(evidence: Evidence, reward_type: RewardType, eligible: Flags) -> list[Shift]:
    """The last five ticks, then the last twenty, against the time before; for eligible arms ``[..., K]``."""
    return _shifts(evidence, reward_type, eligible, [Span.FIVE_TICKS, Span.TWENTY_TICKS])


def latest(shifts: Sequence[Shift], names: tuple[str, ...], eligible: Flags) -> Change | None:
    """The most telling change of the eligible arms ``[K]``, or None; for shifts without leading axes.

    Who is best matters most, then what all did, then what an arm did by itself.
    """
    for describe in (_new_champion, _all_arms, _one_arm):
        for shifted in shifts:
            change = describe(names, shifted, eligible)
            if change is not None:
                return change
    return None


def _new_champion(names: tuple[str, ...], shifted: Shift, _: Flags) -> Change | None:
    known = ~np.isnan(shifted.after) & ~np.isnan(shifted.before)
    if known.sum() < 2:
        return None
    now = int(np.where(known, shifted.after, -np.inf).argmax())
    then = int(np.where(known, shifted.before, -np.inf).argmax())
    # The lead must be beyond doubt, and so must be that something moved to bring it about.
    moved = max(abs(shifted.own[now]), abs(shifted.own[then]))
    if now == then or shifted.lead[now] < DEVIATIONS / 2 or moved < DEVIATIONS / 2:
        return None
    return _change(ChangeKind.NEW_CHAMPION, names, shifted, now)


def _one_arm(names: tuple[str, ...], shifted: Shift, eligible: Flags) -> Change | None:
    beyond = np.abs(shifted.own) >= DEVIATIONS
    if not beyond.any():
        return None
    # Of two arms either may have moved; the one whose own mean did is named.
    arm = int((np.nan_to_num(np.abs(shifted.after - shifted.before)) * beyond).argmax())
    move = shifted.after - shifted.before
    kind = ChangeKind.ARM_DROPPED if move[arm] < 0 else ChangeKind.ARM_IMPROVED
    others = [other for other in np.flatnonzero(eligible) if other != arm]
    with_it = np.nan_to_num(move * np.sign(move[arm])) >= CLEAR * shifted.error
    too = tuple(names[other] for other in others if with_it[other])
    alone = not too and all(_would_have_shown(shifted, arm, int(other)) for other in others)
    return replace(_change(kind, names, shifted, arm), too=too, alone=alone)


def _would_have_shown(shifted: Shift, arm: int, other: int) -> bool:
    """Whether another arm's own move differs beyond doubt from the arm's, as a part of the mean."""
    move = shifted.after - shifted.before
    same = move[arm]
    if shifted.before[arm] * shifted.before[other] > 0:
        same *= min(1.0, shifted.before[other] / shifted.before[arm])
    return bool(abs(move[other] - same) >= CLEAR * shifted.error[other])  # NaN is not


def _all_arms(names: tuple[str, ...], shifted: Shift, eligible: Flags) -> Change | None:  # noqa: ARG001 - as its siblings
    known = ~np.isnan(shifted.after)
    if known.sum() < 2 or (eligible & ~known).any() or abs(shifted.common) < DEVIATIONS:
        return None
    move = (shifted.after - shifted.before)[known] * np.sign(shifted.common)
    if (move < CLEAR * shifted.error[known]).any():
        return None
    before, after = float(shifted.before[known].mean()), float(shifted.after[known].mean())
    return Change(ChangeKind.ALL_MOVED, None, before, after)


def _change(kind: ChangeKind, names: tuple[str, ...], shifted: Shift, arm: int) -> Change:
    return Change(kind, names[arm], float(shifted.before[arm]), float(shifted.after[arm]))
