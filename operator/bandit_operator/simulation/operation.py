"""The operator's decisions for many seeds at once, in a cluster in which nothing goes wrong.

The rules are those of ``core.decide``: routes are accepted at once, and arms serve as soon as they
can. A rolled-back arm stays out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandit_operator.core import memory as mem
from bandit_operator.core.evaluate import Assessment, assess
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.guards import EXPECTED_TRIALS_MISSED
from bandit_operator.core.inference import verdicts
from bandit_operator.core.inference.named_arrays import Flags, Floats
from bandit_operator.core.model import WEIGHT_TOTAL, PromotionAction
from bandit_operator.core.weights import changed_enough, guarded_shares, to_weights


@dataclass(slots=True)
class Operation:
    """What changes from tick to tick, for S seeds of one experiment."""

    experiment: Experiment
    memory: mem.Memory
    weights: Floats
    """``[S, K]``, units of WEIGHT_TOTAL."""
    out: Flags
    """Arms that were rolled back ``[S, K]``."""
    joining: Flags
    """Arms that are new or back, until they have enough trials ``[S, K]``."""
    was_serving: Flags
    """Arms that could serve at the tick before ``[S, K]``."""
    added: tuple[str, ...] = ()
    """Arms that have been added since the last decision: their evidence starts after it."""

    @property
    def shares(self) -> Floats:
        """Share of the traffic that each arm has now ``[S, K]``."""
        return self.weights / WEIGHT_TOTAL


def equal_weights(serves: Flags) -> Floats:
    """Weights to begin with ``[K]``: equal over the arms that can serve."""
    ready = serves.astype(np.float64)
    return to_weights(ready / ready.sum()).astype(np.float64)


def start(experiment: Experiment, seeds: int, serves: Flags) -> Operation:
    """Begin with equal weights; ``serves`` ``[K]`` tells which arms can serve."""
    shape = (seeds, len(experiment.arms))
    return Operation(
        experiment=experiment,
        memory=mem.initial(experiment, (seeds,)),
        weights=np.broadcast_to(equal_weights(serves), shape).copy(),
        out=np.zeros(shape, dtype=bool),
        joining=np.zeros(shape, dtype=bool),
        was_serving=np.broadcast_to(serves, shape),
    )


def change(run: Operation, experiment: Experiment) -> None:
    """Go on with a changed experiment: other validation scores, or more arms after those that are there.

    Raises:
        ValueError: the arms that are there are not the first ones of the changed experiment.
    """
    before = run.experiment.names
    if experiment.names[: len(before)] != before:
        raise ValueError(f"the arms {', '.join(before)} must stay, and stay first")
    added = len(experiment.names) - len(before)
    run.memory, _ = mem.adapt(run.memory, experiment)
    run.experiment = experiment
    run.added = experiment.names[len(before) :]
    run.weights = np.pad(run.weights, ((0, 0), (0, added)))
    run.out, run.joining, run.was_serving = (
        np.pad(flags, ((0, 0), (0, added))) for flags in (run.out, run.joining, run.was_serving)
    )


def decide(run: Operation, requests: Floats, earned: Floats, serves: Flags) -> tuple[Flags, Assessment]:
    """Learn from the tick, take out losers and choose the next weights.

    Args:
        run: is brought up to date.
        requests: trials of the tick ``[S, K]``.
        earned: their rewards ``[S, K]``.
        serves: which arms can serve ``[K]``.

    Returns:
        The losers ``[S, K]``, at most one a seed, and what the verdicts and shares were made from.
    """
    experiment, baseline = run.experiment, run.memory.index(run.experiment.baseline)
    moments = np.stack([requests, earned], axis=-2)
    run.memory = mem.update_moments(experiment, run.memory, moments, experiment.interval)
    for arm in run.added:
        run.memory = mem.reset_arm(run.memory, arm)
    run.added = ()
    serves = np.broadcast_to(serves, run.out.shape)
    run.joining |= serves & ~run.was_serving & ~run.out
    run.was_serving = serves
    seasoned = run.memory.trials >= experiment.guardrails.min_trials
    run.joining &= ~seasoned
    eligible = serves & ~run.out
    loser = _losers(run, eligible, baseline)
    run.out |= loser
    eligible &= ~loser
    found = assess(experiment, run.memory, eligible)
    _move(run, requests, eligible, seasoned, found)
    return loser, found


def _losers(run: Operation, eligible: Flags, baseline: int) -> Flags:
    """The one arm a seed that is taken out in this tick, if there is one."""
    proof = verdicts.rollback_evidence(run.memory.evidence, baseline)
    lost = verdicts.rolled_back(run.memory.evidence, baseline, run.experiment.rollback.error_rate)
    lost = lost & eligible & (eligible.sum(-1, keepdims=True) >= 2)
    lost[..., baseline] = False
    worst = np.where(lost, proof, -np.inf).argmax(-1)
    return np.asarray(lost & (np.arange(lost.shape[-1]) == worst[..., None]))


def _move(run: Operation, requests: Floats, eligible: Flags, seasoned: Flags, found: Assessment) -> None:
    guardrails = run.experiment.guardrails
    current = run.weights / WEIGHT_TOTAL
    held = _held(requests, eligible, current)
    present = _scaled(current, eligible)
    target = _target(run, eligible, seasoned, found, current)
    proposed = guarded_shares(target, current, eligible, run.joining, guardrails)
    proposed = np.where(held[:, None], present, proposed)
    barred = (~eligible & (current > 0)).any(-1)
    moves = barred | (~held & changed_enough(current, proposed, guardrails.min_change))
    run.weights = np.where(moves[:, None], to_weights(proposed), run.weights).astype(np.float64)


def _held(requests: Floats, eligible: Flags, current: Floats) -> Flags:
    """Seeds in which a guard holds the weights: no rewards at all, or none of an arm with traffic."""
    total = np.where(eligible, requests, 0.0).sum(-1)
    silent = eligible & (requests <= 0) & (current * total[:, None] >= EXPECTED_TRIALS_MISSED)
    return np.asarray((total <= 0) | silent.any(-1))


def _target(run: Operation, eligible: Flags, seasoned: Flags, found: Assessment, current: Floats) -> Floats:
    target = found.shares
    fresh = eligible & (~seasoned if run.experiment.strategy.learns else run.joining)
    warming = fresh.any(-1, keepdims=True)
    if warming.any():
        target = np.where(warming, _warm_up(run, eligible, fresh, current), target)
    if run.experiment.promotion.action is PromotionAction.PROMOTE:
        winner = found.promoted & eligible
        target = np.where(winner.any(-1, keepdims=True), winner.astype(np.float64), target)
    return np.asarray(target)


def _warm_up(run: Operation, eligible: Flags, fresh: Flags, current: Floats) -> Floats:
    """As in ``core.decide``: a small share for fresh arms, the rest to the others."""
    share = run.experiment.guardrails.new_arm_share
    known = eligible & ~fresh
    small = np.minimum(share, 0.5 / np.maximum(fresh.sum(-1, keepdims=True), 1))
    rest = 1.0 - small * fresh.sum(-1, keepdims=True)
    split = assess(run.experiment, run.memory, known).shares if known.any() else np.zeros(known.shape)
    beside = np.where(fresh, small, rest * split)
    least = np.minimum(share, 1 / np.maximum(eligible.sum(-1, keepdims=True), 1))
    lifted = np.where(eligible, np.maximum(_scaled(current, eligible), least), 0.0)
    lifted = lifted / np.maximum(lifted.sum(-1, keepdims=True), 1e-12)
    return np.asarray(np.where(known.any(-1, keepdims=True), beside, lifted))


def _scaled(current: Floats, eligible: Flags) -> Floats:
    inside = np.where(eligible, current, 0.0)
    left = inside.sum(-1, keepdims=True)
    equal = eligible / np.maximum(eligible.sum(-1, keepdims=True), 1)
    return np.asarray(np.where(left > 0, inside / np.where(left > 0, left, 1.0), equal))
