"""Scores a sample of a world's requests with every arm, for many seeds at once."""

from __future__ import annotations

import numpy as np

from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.core.inference.paired import PairTick
from bandit_operator.core.inference.shadow import ShadowTick
from bandit_operator.simulation.rewards import arrival_shares
from bandit_operator.simulation.schedule import WorldError
from bandit_operator.simulation.world import World

MOST_SCORED = 5_000.0
"""Requests of a tick that a simulation scores at the most."""
_MOST_BYTES = 1e9


class Scorer:
    """The shadow of S seeds, tick by tick; keeps the labels that are still on their way.

    So many requests are alike to all arms: what one arm with a better rate is right on, the worse one is
    right on as well, or not, by that request's own difficulty, which moves rewards without bounds as far from
    every arm's mean. On the others each has its own luck.
    """

    def __init__(self, world: World, seeds: int, rng: np.random.Generator) -> None:
        """Begin.

        Args:
            world: what happens; it has a shadow.
            seeds: how many, S.
            rng: source of all randomness.

        Raises:
            WorldError: more is to be scored than a simulation can hold.
        """
        assert world.shadow is not None  # its only caller has seen to it
        self._world, self._share, self._alike = world, world.shadow.share, world.shadow.alike
        self._rng, self._tick = rng, 0
        most = float(world.requests.max()) * self._share
        if most > MOST_SCORED:
            fix = f"a simulation scores {MOST_SCORED:,.0f} a tick at the most; lower it"
            raise WorldError(world.name, "shadow.share", f"{most:,.0f} requests a tick", fix)
        arms = len(world.names)
        self._pairs = np.triu_indices(arms, 1)
        self._bounds = np.cumsum(arrival_shares(world))
        self._normal = world.spread is not None
        shape = (len(self._bounds), seeds, 1 + arms * (1 + self._normal) + len(self._pairs[0]))
        if 8.0 * np.prod(shape) > _MOST_BYTES:
            fix = "with so many arms they take too much memory; play fewer arms, or a longer interval"
            raise WorldError(world.name, "delay", "labels so late", fix)
        self._coming = np.zeros(shape)

    def score(self, rates: Floats) -> ShadowTick:
        """Score the next tick's sample, and return what labels come in it.

        Args:
            rates: mean reward of each arm in this tick ``[S, K]``.
        """
        seeds, arms = rates.shape
        rng, first = self._rng, self._pairs
        count = rng.binomial(int(self._world.requests[self._tick]), self._share)
        earned = self._earned(rates, count)
        apart = (earned[..., first[0]] - earned[..., first[1]]) ** 2
        own = [earned, earned**2] if self._normal else [earned]
        sums = np.concatenate([np.ones((seeds, count, 1)), *own, apart], axis=-1)
        slots = len(self._bounds)
        due = np.searchsorted(self._bounds, rng.random((seeds, count)) * self._bounds[-1])
        place = (self._tick + np.minimum(due, slots - 1)) % slots
        np.add.at(self._coming, (place, np.arange(seeds)[:, None]), sums)
        now = self._coming[self._tick % slots].copy()
        self._coming[self._tick % slots] = 0.0
        self._tick += 1
        return self._as_tick(now, arms)

    def _earned(self, rates: Floats, count: int) -> Floats:
        """Reward of each arm on each of the scored requests ``[S, count, K]``."""
        shape, rng, spread = (len(rates), count, rates.shape[1]), self._rng, self._world.spread
        luck = rng.random(shape) if spread is None else rng.standard_normal(shape)
        alike = rng.random((*shape[:2], 1)) < self._alike
        luck = np.where(alike, luck[..., :1], luck)
        if spread is None:
            return (luck < rates[:, None, :]).astype(np.float64)
        return np.asarray(rates[:, None, :] + spread.deviations * luck)

    def _as_tick(self, now: Floats, arms: int) -> ShadowTick:
        trials, own, apart = now[:, 0], now[:, 1 : -len(self._pairs[0])], now[:, -len(self._pairs[0]) :]
        rewards = own[:, :arms]
        between = ~np.eye(arms, dtype=bool)
        squares = np.zeros((len(now), arms, arms))
        squares[:, self._pairs[0], self._pairs[1]] = apart
        pairs = PairTick(
            trials=trials[:, None, None] * between,
            difference=rewards[:, :, None] - rewards[:, None, :],
            squares=squares + squares.swapaxes(-1, -2),
        )
        sums = [np.broadcast_to(trials[:, None], rewards.shape), rewards]
        return ShadowTick(np.stack([*sums, own[:, arms:]] if self._normal else sums, -2), pairs)
