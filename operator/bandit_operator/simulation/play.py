"""Plays a world for many seeds at once, with the operator's own evidence, verdicts and guardrails.

The rules are those of ``core.decide`` for a cluster in which nothing goes wrong: routes are
accepted at once, and arms serve as soon as they can. A rolled-back arm stays out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bandit_operator.core import memory as mem
from bandit_operator.core import verdicts
from bandit_operator.core.evaluate import Assessment, assess
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.guards import EXPECTED_TRIALS_MISSED
from bandit_operator.core.model import WEIGHT_TOTAL, PromotionAction
from bandit_operator.core.state import Flags, Floats
from bandit_operator.core.strategies import Strategy
from bandit_operator.core.weights import changed_enough, guarded_shares, to_weights
from bandit_operator.simulation.rewards import Rewards
from bandit_operator.simulation.world import World

NEVER = -1
"""Stands for a tick that never came."""


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """What came of S seeds; ticks that never came are −1."""

    weights: Floats
    """Share of the traffic that each arm had at each tick, mean over the seeds ``[T, K]``."""
    regret: Floats
    """Rewards lost against always the best arm that could serve, summed up ``[S, T]``."""
    rolled_back_at: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    """``[S, K]``."""
    promoted_at: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    """First tick at which each arm was proven the best ``[S, K]``."""
    settled_at: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    """First tick without material difference ``[S]``."""
    final_shares: Floats
    """``[S, K]``."""
    suspected: Flags
    """Whether the delay profile was suspected at any tick ``[S]``."""


@dataclass(slots=True)
class _Run:
    """What changes from tick to tick."""

    experiment: Experiment
    world: World
    memory: mem.Memory
    weights: Floats
    """``[S, K]``, units of WEIGHT_TOTAL."""
    out: Flags
    joining: Flags
    was_serving: Flags


def play(
    world: World,
    strategy: Strategy,
    seeds: int,
    rng: np.random.Generator,
    watch: Callable[[int, Floats, Floats, Floats], None] | None = None,
) -> Played:
    """Play the world for ``seeds`` independent seeds.

    Args:
        world: what happens.
        strategy: what chooses the weights.
        seeds: how many, S.
        rng: source of all randomness.
        watch: called after each tick with its number, the weights under which it ran, its
            requests and its rewards (each ``[S, K]``).
    """
    experiment, arms = world.experiment(strategy), len(world.names)
    run = _start(experiment, world, seeds)
    rewards = Rewards(world, seeds, rng)
    never = np.full((seeds, arms), NEVER)
    rolled_back_at, promoted_at, settled_at = never.copy(), never.copy(), np.full(seeds, NEVER)
    suspected = np.zeros(seeds, dtype=bool)
    weights, regret = np.zeros((world.ticks, arms)), np.zeros((seeds, world.ticks))
    for tick in range(world.ticks):
        shares = run.weights / WEIGHT_TOTAL
        requests, earned = rewards.draw(shares)
        weights[tick] = shares.mean(0)
        regret[:, tick] = _lost(world, tick, requests)
        if watch is not None:
            watch(tick, run.weights, requests, earned)
        loser, found = _decide(run, tick, requests, earned)
        rolled_back_at[loser] = tick
        for at, now in ((promoted_at, found.promoted), (settled_at, found.no_material_difference)):
            at[(at == NEVER) & now] = tick
        suspected |= found.delay_profile_suspect
    return Played(
        weights,
        np.cumsum(regret, axis=1),
        rolled_back_at,
        promoted_at,
        settled_at,
        run.weights / WEIGHT_TOTAL,
        suspected,
    )


def starting_weights(world: World) -> Floats:
    """Weights with which a world begins ``[K]``: equal over the arms that can serve."""
    ready = _serves(world, 0).astype(np.float64)
    return to_weights(ready / ready.sum()).astype(np.float64)


def _start(experiment: Experiment, world: World, seeds: int) -> _Run:
    shape = (seeds, len(world.names))
    return _Run(
        experiment=experiment,
        world=world,
        memory=mem.initial(experiment, (seeds,)),
        weights=np.broadcast_to(starting_weights(world), shape).copy(),
        out=np.zeros(shape, dtype=bool),
        joining=np.zeros(shape, dtype=bool),
        was_serving=np.broadcast_to(_serves(world, 0), shape),
    )


def _serves(world: World, tick: int) -> Flags:
    if not world.serves_from:
        return np.ones(len(world.names), dtype=bool)
    return np.array([tick >= start for start in world.serves_from])


def _lost(world: World, tick: int, requests: Floats) -> Floats:
    rates = world.rates[tick]
    best = rates[_serves(world, tick)].max()
    return np.asarray((requests * (best - rates)).sum(-1))


def _decide(run: _Run, tick: int, requests: Floats, earned: Floats) -> tuple[Flags, Assessment]:
    """Learn from the tick, take out losers and choose the next weights; returns the losers."""
    experiment, baseline = run.experiment, run.memory.index(run.experiment.baseline)
    moments = np.stack([requests, earned], axis=-2)
    run.memory = mem.absorb_moments(experiment, run.memory, moments, experiment.interval)
    serves = np.broadcast_to(_serves(run.world, tick), run.out.shape)
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


def _losers(run: _Run, eligible: Flags, baseline: int) -> Flags:
    """The one arm a seed that is taken out in this tick, if there is one."""
    proof = verdicts.rollback_evidence(run.memory.evidence, baseline)
    lost = verdicts.rolled_back(run.memory.evidence, baseline, run.experiment.rollback.error_rate)
    lost = lost & eligible & (eligible.sum(-1, keepdims=True) >= 2)
    lost[..., baseline] = False
    worst = np.where(lost, proof, -np.inf).argmax(-1)
    return np.asarray(lost & (np.arange(lost.shape[-1]) == worst[..., None]))


def _move(run: _Run, requests: Floats, eligible: Flags, seasoned: Flags, found: Assessment) -> None:
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


def _target(run: _Run, eligible: Flags, seasoned: Flags, found: Assessment, current: Floats) -> Floats:
    target = found.shares
    if run.experiment.strategy.learns:
        warming = np.asarray((eligible & ~seasoned).any(-1))
        if warming.any():
            target = np.where(warming[:, None], _warm_up(run, eligible, seasoned, current), target)
    if run.experiment.promotion.action is PromotionAction.PROMOTE:
        winner = found.promoted & eligible
        target = np.where(winner.any(-1, keepdims=True), winner.astype(np.float64), target)
    return np.asarray(target)


def _warm_up(run: _Run, eligible: Flags, seasoned: Flags, current: Floats) -> Floats:
    """As in ``core.decide``: a small share for arms without enough trials, the rest to the others."""
    share = run.experiment.guardrails.new_arm_share
    known = eligible & seasoned
    fresh = eligible & ~seasoned
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
