"""Plays a world for many seeds at once, with the operator's own evidence, verdicts and guardrails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bandit_operator.core.inference.named_arrays import Flags, Floats
from bandit_operator.core.inference.shadow import ShadowTick
from bandit_operator.core.strategies import Strategy
from bandit_operator.simulation import operation
from bandit_operator.simulation.rewards import Rewards
from bandit_operator.simulation.shadow import Scorer
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
    """First tick at which each arm was rolled back ``[S, K]``; it may have come back since."""
    promoted_at: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    """First tick at which each arm was proven the best ``[S, K]``."""
    settled_at: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    """First tick without material difference ``[S]``."""
    final_shares: Floats
    """``[S, K]``."""
    worse: Floats
    """Requests that arms answered while they earned less than the baseline ``[S]``."""
    suspected: Flags
    """Whether the delay profile was suspected at any tick ``[S]``."""


def play(
    world: World,
    strategy: Strategy,
    seeds: int,
    rng: np.random.Generator,
    watch: Callable[[int, Floats, Floats, ShadowTick | None], None] | None = None,
    glance: tuple[int, Callable[[Played], None]] | None = None,
) -> Played:
    """Play the world for ``seeds`` independent seeds.

    Args:
        world: what happens.
        strategy: what chooses the weights.
        seeds: how many, S.
        rng: source of all randomness.
        watch: called after each tick with its number, the weights under which it ran ``[S, K]``, what
            was read ``[S, M, K]``, rows as in :mod:`bandit_operator.core.inference.moments`, and what the
            shadow scored, None where there is none.
        glance: a number of ticks, at least 1, and what is called once with what came of them.
    """
    experiment, arms = world.experiment(strategy), len(world.names)
    run = operation.start(experiment, seeds, _serves(world, 0))
    rewards = Rewards(world, seeds, rng)
    scorer = None if world.shadow is None else Scorer(world, seeds, rng)
    never = np.full((seeds, arms), NEVER)
    rolled_back_at, promoted_at, settled_at = never.copy(), never.copy(), np.full(seeds, NEVER)
    suspected, worse = np.zeros(seeds, dtype=bool), np.zeros(seeds)
    weights, regret = np.zeros((world.ticks, arms)), np.zeros((seeds, world.ticks))

    def played(ticks: int) -> Played:
        return Played(
            weights[:ticks],
            np.cumsum(regret[:, :ticks], axis=1),
            rolled_back_at.copy(),
            promoted_at.copy(),
            settled_at.copy(),
            run.shares.copy(),
            worse.copy(),
            suspected.copy(),
        )

    for tick in range(world.ticks):
        shares = run.shares
        requests, seen = rewards.draw(shares)
        weights[tick] = shares.mean(0)
        regret[:, tick] = _lost(world, tick, requests)
        worse += requests[:, world.rates[tick] < world.rates[tick, world.names.index(world.baseline)]].sum(-1)
        scored = None if scorer is None else scorer.score(rewards.rates)
        if watch is not None:
            watch(tick, run.weights, seen, scored)
        loser, findings = operation.decide(run, seen, _serves(world, tick), scored)
        rolled_back_at[loser & (rolled_back_at == NEVER)] = tick
        for at, now in ((promoted_at, findings.promoted), (settled_at, findings.no_material_difference)):
            at[(at == NEVER) & now] = tick
        suspected |= findings.delay_profile_suspect
        if glance is not None and tick + 1 == glance[0]:
            glance[1](played(tick + 1))
    return played(world.ticks)


def _serves(world: World, tick: int) -> Flags:
    if not world.serves_from:
        return np.ones(len(world.names), dtype=bool)
    return np.array([tick >= start for start in world.serves_from])


def _lost(world: World, tick: int, requests: Floats) -> Floats:
    rates = world.rates[tick]
    best = rates[_serves(world, tick)].max()
    return np.asarray((requests * world.size * (best - rates)).sum(-1))
