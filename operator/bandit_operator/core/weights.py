"""From what a strategy wants to what the route carries: floors, step limits, integers.

Everything broadcasts over leading axes ``[..., K]`` and treats arms alike, so permuting the
arms permutes the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bandit_operator.core.inference.named_arrays import Flags, Floats
from bandit_operator.core.model import WEIGHT_TOTAL, Guardrails
from bandit_operator.core.shares import normalised

_LAST_BITS = 1e-9
"""Sums that differ by less are equal: which bound yields must not hang on the order of adding up."""
_STAYS = 0.02
"""Weight of the present shares, beside the wanted ones, in who takes what others may not."""
LEAST_SHARE = 0.01
"""Most that every eligible arm keeps, where the user names no share."""
LEAST_SHARES = 0.02
"""What all arms but one keep together at most, where the user names none."""
_MOVE = 0.22
"""Change of a share, in parts of √(w(1 − w)), that is worth a write."""
_GAIN = 0.08
"""Expected gain of a tick, in parts of its standard deviation, that is worth a write."""
LARGEST_WEIGHT = 1_000_000
"""Largest weight that a backendRef may carry (Gateway API, BackendRef.weight)."""


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """What each arm's share may be, each ``[..., K]``."""

    eligible: Flags
    """May have traffic."""
    joining: Flags
    """Is new or back: has ``new_arm_share`` at the most."""
    unproven: Flags
    """Has too few trials to gain beyond ``new_arm_share``; what it has it may keep."""
    carried: Floats
    """Largest share that it has carried: up to there it may go at once."""
    probed: Flags
    """Is to have what it has carried, up to one half, and ``new_arm_share`` at the least: to bear witness."""


def guarded_shares(target: Floats, current: Floats, bounds: Bounds, guardrails: Guardrails) -> Floats:
    """Return the shares nearest to ``target`` that the guardrails allow from ``current``.

    Losing is free and gaining is bounded: an arm may go down to its least share at once, and up to what it
    has carried before; beyond that by ``max_step`` a tick, and beyond ``new_arm_share`` only with
    enough trials. What an arm may not take yet goes to the others in the target's proportions; where the
    target says next to nothing of these, as when it wants an arm that has just joined and no other, it
    stays where it is. An arm that is not eligible gets 0 at once and its share goes to the others in
    proportion to what they have; ``max_step`` counts from there. Where the bounds
    leave no choice, as when the only other arm has just gone, the step limit yields first, then
    the cap of joining arms; a floor that would not leave room for all arms becomes an equal share.

    Args:
        target: shares wanted ``[..., K]``, ≥ 0; what it has outside the eligible arms is ignored.
        current: shares now ``[..., K]``, ≥ 0; scaled to the eligible arms.
        bounds: what each arm may have.
        guardrails: by how much.

    Returns:
        Shares ``[..., K]`` that sum to 1; zeros where no arm is eligible.
    """
    target, current, eligible, joining, unproven, carried, probed = np.broadcast_arrays(
        target, current, bounds.eligible, bounds.joining, bounds.unproven, bounds.carried, bounds.probed
    )
    count = np.maximum(eligible.sum(-1, keepdims=True), 1)
    wanted = normalised(target, eligible)
    base = normalised(current, eligible)
    unknown = np.where(eligible, current, 0.0).sum(-1, keepdims=True) <= 0
    step = np.where(unknown, 1.0, guardrails.max_step)
    floor = least_share(guardrails, count)
    small = guardrails.new_arm_share
    cap = np.where(joining, small, 1.0)
    cap = np.where(_total(cap, eligible) < 1.0 - _LAST_BITS, 1.0, cap)
    witness = np.minimum(np.maximum(small, carried), 0.5)
    floor = np.minimum(np.where(probed, np.maximum(floor, witness), floor), cap)
    high = np.maximum(base + step, carried)
    high = np.where(unproven & ~unknown, np.minimum(high, np.maximum(base, small)), high)
    high = np.clip(high, floor, cap)
    high = np.where(_total(high, eligible) < 1.0 - _LAST_BITS, cap, high)
    spare = np.maximum(1.0 - _total(floor, eligible), 0.0)
    more, room = spare * wanted, high - floor
    refused = _total(np.minimum(more, room), eligible) < spare - _LAST_BITS
    more = np.where(refused, more + _STAYS * base, more)
    return normalised(floor + _filled(more, room, spare, eligible), eligible)


def least_share(guardrails: Guardrails, count: Floats) -> Floats:
    """The share that each of so many eligible arms keeps, at most an equal one.

    Where the user names none, all arms but one keep 2 % together: what is spent on knowing arms that are
    not wanted does not grow with their number.

    Args:
        guardrails: the bounds.
        count: how many arms are eligible, ≥ 1.
    """
    if guardrails.min_share is not None:
        return np.minimum(guardrails.min_share, 1.0 / count)
    least = min(LEAST_SHARE, guardrails.new_arm_share)
    return np.minimum(least, LEAST_SHARES / np.maximum(count - 1, 1))


def _total(shares: Floats, eligible: Flags) -> Floats:
    return np.asarray(shares.sum(-1, where=eligible, keepdims=True))


def _filled(more: Floats, room: Floats, total: Floats, eligible: Flags) -> Floats:
    """min(s · more, room) with the s at which it sums to ``total``, or ``room`` where that is less.

    The sum grows with s in straight lines between the points at which an arm is full; the two points
    around ``total`` give s.
    """
    more = np.maximum(more, 1e-9)
    points = np.where(eligible, room / more, 0.0)
    filled = np.minimum(points[..., None] * more[..., None, :], room[..., None, :])
    sums = filled.sum(-1, where=eligible[..., None, :])
    below = sums < total
    left, left_sum = (np.where(below, one, 0.0).max(-1, keepdims=True) for one in (points, sums))
    right, right_sum = (np.where(below, np.inf, one).min(-1, keepdims=True) for one in (points, sums))
    between = ~below.all(-1, keepdims=True) & (right_sum > left_sum)
    slope = np.where(between, right - left, 0.0) / np.where(between, right_sum - left_sum, 1.0)
    return np.asarray(np.minimum(more * (left + (total - left_sum) * slope), room))


def to_weights(shares: Floats, total: int = WEIGHT_TOTAL) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Integer weights that sum to ``total`` exactly, by the method of largest remainders.

    Equal remainders are served in the order of the arms. A share of exactly 0 gets 0.

    Args:
        shares: ``[..., K]``, ≥ 0, summing to 1 (or all 0, which gives zeros).
        total: what the weights sum to.
    """
    exact = np.round(shares * total, 6)  # 0.01 must not become 99.9999999
    whole = np.floor(exact)
    remainder = np.where(shares > 0, exact - whole, -1.0)
    missing = np.where(shares.sum(-1, keepdims=True) > 0, total - whole.sum(-1, keepdims=True), 0)
    rank = np.argsort(np.argsort(-remainder, axis=-1, kind="stable"), axis=-1, kind="stable")
    return np.asarray(whole + (rank < missing), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Unit:
    """In what whole numbers the arms' shares are written."""

    total: int
    """What the arms' weights are to add up to; 0 where other backends have all of the rule's weight."""
    factor: int = 1
    """By what the weights of the other backends are multiplied when the arms' add up to ``total``."""
    divisor: int = 1
    """By what they are divided then, so that no arm needs more than :data:`LARGEST_WEIGHT`."""

    def of_others(self, weights: Mapping[int, int], beside: int) -> dict[int, int]:
        """What the weights of the other backends become; what has some keeps some.

        They keep their proportions, and their shares as far as :data:`LARGEST_WEIGHT` allows.

        Args:
            weights: what each has.
            beside: what the arms' weights add up to: not to ``total`` where they are kept, in the unit
                that they were decided in.
        """
        if beside == 0:
            return dict(weights)
        times, parts = self.factor * beside, self.divisor * max(self.total, 1)
        largest = max(weights.values(), default=0)
        if largest * times > LARGEST_WEIGHT * parts:
            times, parts = LARGEST_WEIGHT, largest
        return {at: -(-weight * times // parts) for at, weight in weights.items()}


def unit_of(arms: int, other_weights: Sequence[int], leaving: Sequence[int] = ()) -> Unit:
    """The unit in which guardrails can be written in whole numbers.

    Where the arms have the rule to themselves they add up to :data:`WEIGHT_TOTAL`. Where other
    backends share it, these must keep their share: the arms' sum stays, or grows by a whole factor by
    which the others grow, too, or is divided as they are where it is more than a backend may carry.

    Args:
        arms: what the arms' weights add up to beside the others' present ones.
        other_weights: weights of the other backends of the rule; empty where there are none.
        leaving: weights of backends that are to lose theirs, and keep them while nothing else can serve;
            they have no part in the unit, but must remain numbers that the Gateway API takes.
    """
    if not other_weights or (arms == 0 and not any(other_weights)):
        return Unit(WEIGHT_TOTAL)
    if arms > LARGEST_WEIGHT:  # one arm alone may come to have all of it
        divisor = -(-arms // LARGEST_WEIGHT)
        return Unit(arms // divisor, divisor=divisor)
    if arms == 0 or arms >= WEIGHT_TOTAL:
        return Unit(arms)
    factor = min(-(-WEIGHT_TOTAL // arms), LARGEST_WEIGHT // max(*other_weights, *leaving, 1))
    return Unit(arms * max(1, factor), max(1, factor))


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What the next tick may bring, in rewards."""

    earns: Floats
    """What each arm is expected to earn with all of the traffic ``[..., K]``; 0 where nothing is known."""
    deviation: Floats
    """Standard deviation of what all arms earn together ``[...]``."""


def worth_writing(current: Floats, proposed: Floats, outlook: Outlook, guardrails: Guardrails) -> Flags:
    """Whether to write the proposed shares ``[...]``.

    Each write makes a gateway take up a new configuration, so it must be worth one: a share changes by
    more than a part of √(w(1 − w)), which is small at both ends, or the tick is expected to earn
    more by a part of its own standard deviation. Less than ``min_change`` is never written. An arm
    that must lose its last traffic, or is to get its first, is never too small a change, unless arms
    may be left without any, as with a shadow.
    """
    min_change = guardrails.min_change
    moved = np.abs(proposed - current)
    spread = np.maximum(current * (1.0 - current), proposed * (1.0 - proposed))
    large = (moved > np.maximum(min_change, _MOVE * np.sqrt(np.maximum(spread, 0.0))) + 1e-9).any(-1)
    gain = np.abs(((proposed - current) * outlook.earns).sum(-1))
    earned = (gain > _GAIN * outlook.deviation) & (moved > min_change + 1e-9).any(-1)
    begins_or_ends = (proposed > 0) != (current > 0)
    if guardrails.min_share == 0:
        begins_or_ends &= moved > min_change + 1e-9
    return np.asarray(large | earned | begins_or_ends.any(-1))
