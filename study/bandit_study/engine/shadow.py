"""Scores a sample of the requests with every arm that is there, and brings their labels when they are due."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bandit_operator.core.inference.paired import PairTick
from bandit_operator.core.inference.shadow import ShadowTick
from bandit_study.data.table import Floats
from bandit_study.engine.draws import Draws
from bandit_study.engine.settings import DELAY_LONGEST
from bandit_study.engine.stream import Stream


class Shadow:
    """The shadow of S seeds, chunk by chunk; it sees a request's label with all arms' answers at once."""

    def __init__(self, stream: Stream, draws: Draws, share: float) -> None:
        """Begin.

        Args:
            stream: What happens.
            draws: The chance in it.
            share: Share of the requests that are scored.
        """
        self._stream, self._draws, self._share = stream, draws, share
        self._chunk = 0
        self.scored = 0
        """Requests scored so far, over all seeds."""
        arms = len(stream.names)
        shape = (draws.seeds, DELAY_LONGEST + 1)
        self._sums = {
            "moments": np.zeros((*shape, 2, arms)),
            **{name: np.zeros((*shape, arms, arms)) for name in ("trials", "difference", "squares")},
        }

    def score(self) -> ShadowTick:
        """Score the next chunk's sample, and return what labels have come by its end."""
        stream, draws = self._stream, self._draws
        here = slice(int(stream.edges[self._chunk]), int(stream.edges[self._chunk + 1]))
        there = slice(stream.serving(self._chunk))
        self._chunk += 1
        sampled = draws.sample[:, here] < self._share
        for seed in range(draws.seeds):
            chosen = np.flatnonzero(sampled[seed])
            self.scored += len(chosen)
            rewards = stream.rewards[draws.rows[seed, here][chosen], there]
            self._send(seed, rewards, draws.delay[seed, here][chosen], there)
        now = {name: values[:, 0].copy() for name, values in self._sums.items()}
        for coming in self._sums.values():
            coming[:, :-1] = coming[:, 1:]
            coming[:, -1] = 0.0
        pairs = PairTick(*(now[name][:, there, there] for name in ("trials", "difference", "squares")))
        return ShadowTick(now["moments"][:, :, there], pairs)

    def _send(self, seed: int, rewards: Floats, delay: npt.NDArray[np.int8], there: slice) -> None:
        """Put the labels on their way."""
        for due in np.unique(delay):
            earned = rewards[delay == due]
            count, total = len(earned), earned.sum(0)
            product = earned.T @ earned
            own = np.diag(product)
            self._sums["moments"][seed, due, 0, there] += count
            self._sums["moments"][seed, due, 1, there] += total
            between = ~np.eye(len(total), dtype=bool)
            self._sums["trials"][seed, due, there, there] += count * between
            self._sums["difference"][seed, due, there, there] += total[:, None] - total
            self._sums["squares"][seed, due, there, there] += own[:, None] + own - 2.0 * product
