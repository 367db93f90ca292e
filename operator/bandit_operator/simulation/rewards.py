"""Draws what the arms of a world earn, for many seeds at once."""

from __future__ import annotations

import numpy as np

from bandit_operator.core.inference import moments
from bandit_operator.core.inference.exposure import distribution
from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.simulation.world import World

Counts = np.ndarray[tuple[int, ...], np.dtype[np.int64]]

_LONGEST_DELAY = 6.0
"""Labels later than this many times the 95th percentile never come."""


class Rewards:
    """Requests and rewards of S seeds, tick by tick; keeps the labels that are still on their way."""

    def __init__(self, world: World, seeds: int, rng: np.random.Generator) -> None:
        self._world, self._rng = world, rng
        self._shares = arrival_shares(world)
        self._rows = moments.rows(world.reward_type)
        late = 1 if world.spread is None else self._rows
        self._coming = np.zeros((len(self._shares), seeds, late, len(world.names)))
        self.rates = np.broadcast_to(world.rates[0], (seeds, len(world.names)))
        """Mean reward of each arm in the tick that was drawn last ``[S, K]``."""
        self._tick = 0

    def draw(self, shares: Floats) -> tuple[Floats, Floats]:
        """Draw the next tick; then the clock ticks.

        Rewards between 0 and 1 are counted against their requests, and come later; of others nothing is
        known of a request before its label comes.

        Args:
            shares: of the traffic, of each arm ``[S, K]``.

        Returns:
            Requests that were served ``[S, K]``, and what is read in this tick ``[S, M, K]``, rows as in
            :mod:`bandit_operator.core.inference.moments`.
        """
        world, tick = self._world, self._tick
        rates = np.broadcast_to(world.rates[tick], shares.shape)
        counts = self._rng.multinomial(int(world.requests[tick]), _exact(shares))
        requests = counts.astype(np.float64)
        self.rates = self._dispersed(rates, requests)
        self._tick += 1
        if world.spread is not None:
            labels = self._by_arrival(counts).astype(np.float64)
            every = np.broadcast_to(self.rates, labels.shape)
            return requests, self._arrived(world.spread.sums(self._rng, every, labels, self._rows))
        rewards = self._rng.binomial(counts, self.rates)
        now = self._arrived(self._by_arrival(rewards)[..., None, :].astype(np.float64))
        return requests, np.concatenate([requests[:, None], now], axis=-2)

    def _by_arrival(self, labels: Counts) -> Counts:
        """Labels of requests of this tick, by the tick in which they come ``[D, S, K]``."""
        if self._world.delay is None:
            return labels[None]
        return np.moveaxis(self._rng.multinomial(labels, np.r_[self._shares, 0.0]), -1, 0)[:-1]

    def _arrived(self, parts: Floats) -> Floats:
        """What comes in this tick, of those ``[D, S, M, K]`` and of earlier ones ``[S, M, K]``."""
        self._coming += parts
        now: Floats = self._coming[0].copy()
        self._coming = np.roll(self._coming, -1, axis=0)
        self._coming[-1] = 0.0
        return now

    def _dispersed(self, rates: Floats, requests: Floats) -> Floats:
        """Rates that vary from tick to tick, so that the variance is the design effect's multiple."""
        effect = self._world.design_effect
        if effect == 1.0:
            return rates
        if self._world.spread is not None:
            reach = np.sqrt(effect - 1.0) * self._world.spread.of_mean(requests)
            return np.asarray(rates + reach * self._rng.standard_normal(rates.shape))
        correlation = np.clip((effect - 1.0) / np.maximum(requests - 1.0, effect), 1e-9, 0.5)
        strength = 1.0 / correlation - 1.0
        inside = np.clip(rates, 1e-9, 1 - 1e-9)
        return self._rng.beta(inside * strength, (1 - inside) * strength)


def _exact(shares: Floats) -> Floats:
    """Shares that sum to 1 at most, as the generator insists on."""
    return np.asarray(shares / np.maximum(shares.sum(-1, keepdims=True), 1e-12) * (1 - 1e-12))


def arrival_shares(world: World) -> Floats:
    """Share of a tick's labels that comes in the same tick, the next one, …; the last share is never."""
    if world.delay is None:
        return np.ones(1)
    ticks = int(np.ceil(_LONGEST_DELAY * max(world.delay.p95, world.interval) / world.interval)) + 1
    # Requests are spread evenly over their tick: F is averaged over their ages.
    parts = (np.arange(64) + 0.5) / 64
    ages = (np.arange(ticks)[:, None] + parts) * world.interval
    come = distribution(ages, world.delay).mean(-1)
    return np.diff(np.r_[0.0, come / max(come[-1], 1e-12)])
