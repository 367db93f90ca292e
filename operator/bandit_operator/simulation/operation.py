"""The operator's decisions for many seeds at once, in a cluster in which nothing goes wrong.

The rule is :mod:`bandit_operator.core.allocation`, as for one resource; routes are accepted at once,
and arms serve as soon as they can. A rolled-back arm is tried again when :mod:`bandit_operator.core.retries`
says so. An arm that is onboarded in the shadow serves nobody before it is shown to be no worse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandit_operator.core import allocation, holds, retries, shadowing
from bandit_operator.core import memory as mem
from bandit_operator.core.allocation import Arms
from bandit_operator.core.assess import Assessment, assess, no_worse, outlook, rollback_evidence, surprise
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference.moments import TRIALS
from bandit_operator.core.inference.named_arrays import Flags, Floats
from bandit_operator.core.inference.shadow import ShadowTick
from bandit_operator.core.model import WEIGHT_TOTAL, PromotionAction
from bandit_operator.core.weights import to_weights


@dataclass(slots=True)
class Operation:
    """What changes from tick to tick, for S seeds of one experiment."""

    experiment: Experiment
    memory: mem.Memory
    weights: Floats
    """``[S, K]``, units of WEIGHT_TOTAL."""
    out: Flags
    """Arms that were rolled back ``[S, K]``."""
    out_for: Floats
    """Seconds since they were ``[S, K]``."""
    rollbacks: Floats
    """How often each was ``[S, K]``."""
    carried: Floats
    """Largest share that each has carried since it began to serve ``[S, K]``."""
    joining: Flags
    """Arms that are new or back, until they have enough trials ``[S, K]``."""
    shadowing: Flags
    """Arms that answer copies only, until the shadow has shown them to be no worse ``[S, K]``."""
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
    """Begin with equal weights, but for arms in the shadow; ``serves`` ``[K]`` tells which can serve."""
    shape = (seeds, len(experiment.arms))
    onboards = shadowing.onboards(experiment)
    return Operation(
        experiment=experiment,
        memory=mem.initial(experiment, (seeds,)),
        weights=np.broadcast_to(equal_weights(serves & ~onboards), shape).copy(),
        out=np.zeros(shape, dtype=bool),
        out_for=np.zeros(shape),
        rollbacks=np.zeros(shape),
        carried=np.zeros(shape),
        joining=np.zeros(shape, dtype=bool),
        shadowing=np.broadcast_to(serves & onboards, shape).copy(),
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
    values = (run.weights, run.out_for, run.rollbacks, run.carried)
    padded = (np.pad(one, ((0, 0), (0, added))) for one in values)
    run.weights, run.out_for, run.rollbacks, run.carried = padded
    run.out, run.joining, run.shadowing, run.was_serving = (
        np.pad(flags, ((0, 0), (0, added)))
        for flags in (run.out, run.joining, run.shadowing, run.was_serving)
    )


def decide(
    run: Operation, moments: Floats, serves: Flags, shadow: ShadowTick | None = None
) -> tuple[Flags, Assessment]:
    """Learn from the tick, take out losers and choose the next weights.

    Args:
        run: is brought up to date.
        moments: what was read in the tick ``[S, M, K]``, rows as in
            :mod:`bandit_operator.core.inference.moments`.
        serves: which arms can serve ``[K]``.
        shadow: what the shadow scored in the tick.

    Returns:
        The losers ``[S, K]``, at most one a seed, and what the verdicts and shares were made from.
    """
    experiment, guardrails = run.experiment, run.experiment.guardrails
    run.memory = mem.update_moments(experiment, run.memory, moments, experiment.interval, shadow=shadow)
    for arm in run.added:
        run.memory = mem.reset_arm(run.memory, arm)
    run.added = ()
    fallen = allocation.collapsed(surprise(run.memory), run.shares)[..., None]
    _retry(run, fallen)
    serves = np.broadcast_to(serves, run.out.shape)
    _begin(run, serves & ~run.was_serving & ~run.out)
    run.was_serving = serves
    run.joining &= run.memory.trials_with_shadow < guardrails.min_trials
    shown = run.shadowing & serves & no_worse(experiment, run.memory)
    run.shadowing, run.joining = run.shadowing & ~shown, run.joining | shown
    run.carried = np.where(run.out, 0.0, np.maximum(run.carried, run.shares))
    candidates = serves & ~run.out
    against = rollback_evidence(experiment, run.memory)
    pinned = allocation.named(experiment.names, experiment.pin)
    loser = allocation.loser(
        against.proven & (experiment.pin is None),
        against.log_e_value,
        candidates,
        run.memory.index(experiment.baseline),
    )
    _take_out(run, loser)
    eligible = candidates & ~loser & ~run.shadowing
    is_baseline = allocation.named(experiment.names, experiment.baseline)
    arms = Arms(
        eligible,
        joining=run.joining & eligible,
        unproven=run.memory.trials_with_shadow < guardrails.min_trials,
        carried=run.carried,
        probed=eligible & is_baseline & fallen,
        pinned=np.broadcast_to(pinned, eligible.shape),
        learns=experiment.strategy.learns,
    )
    assessment = assess(experiment, run.memory, eligible, arms.chosen, against)
    promotes = experiment.promotion.action is PromotionAction.PROMOTE
    allocated = allocation.allocate(
        guardrails,
        arms,
        current=run.shares,
        wanted=assessment.shares,
        winner=assessment.promoted & promotes,
        held=_held(moments[..., TRIALS, :], eligible, run.shares),
        outlook=outlook(run.memory),
    )
    weights = np.where(allocated.moves[:, None], to_weights(allocated.shares), run.weights)
    run.weights = weights.astype(np.float64)
    return loser, assessment


def _begin(run: Operation, begins: Flags) -> None:
    """Let arms ``[S, K]`` that can serve now, or again, join or go into the shadow."""
    onboards = shadowing.onboards(run.experiment)
    run.shadowing |= begins & onboards
    run.joining |= begins & ~onboards


def _retry(run: Operation, fallen: Flags) -> None:
    """Let arms that have been out for long enough join again, with evidence that starts again."""
    retry_after = run.experiment.rollback.retry_after
    run.out_for += run.experiment.interval
    due = run.out & retries.due(run.out_for, run.rollbacks, retry_after, fallen)
    for arm in np.flatnonzero(due.any(0)):
        run.memory = mem.reset_arm(run.memory, run.experiment.names[arm], due[:, arm], labels_come=True)
    run.out &= ~due
    _begin(run, due)


def _take_out(run: Operation, loser: Flags) -> None:
    run.rollbacks = np.where(loser, retries.after_verdict(run.rollbacks, run.carried), run.rollbacks)
    run.out |= loser
    run.shadowing &= ~loser
    run.out_for = np.where(loser, 0.0, run.out_for)
    run.carried = np.where(loser, 0.0, run.carried)


def _held(requests: Floats, eligible: Flags, current: Floats) -> Flags:
    """Seeds in which the weights are held: no rewards at all, or none of an arm with traffic."""
    total = np.where(eligible, requests, 0.0).sum(-1)
    silent = eligible & holds.silent(current, requests, total[:, None])
    return np.asarray((total <= 0) | silent.any(-1))
