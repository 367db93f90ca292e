"""Serves requests by weights, and brings their labels when they are due: all that production would show."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bandit_study.data.table import Floats
from bandit_study.engine.draws import Draws
from bandit_study.engine.settings import DELAY_LONGEST
from bandit_study.engine.stream import Stream

Arms = npt.NDArray[np.uint8]


class Traffic:
    """The traffic of S seeds, chunk by chunk."""

    def __init__(self, stream: Stream, draws: Draws) -> None:
        self.served: Arms = np.zeros(draws.rows.shape, dtype=np.uint8)
        """Shape (S, N), the arm that served each request so far."""
        self._stream, self._draws = stream, draws
        self._chunk = 0
        shape = (draws.seeds, DELAY_LONGEST + 1, len(stream.names))
        self._trials, self._rewards = np.zeros(shape), np.zeros(shape)

    def serve(self, shares: Floats) -> tuple[Floats, Floats]:
        """Serve the next chunk and return the labels that have come by its end.

        Args:
            shares: Shape (S, K'), share of the traffic of each of the first K' arms; rows sum to 1.

        Returns:
            Trials and rewards, each of shape (S, K'), of the requests whose labels came in this chunk.
        """
        stream, draws = self._stream, self._draws
        here = slice(int(stream.edges[self._chunk]), int(stream.edges[self._chunk + 1]))
        self._chunk += 1
        arms = choose(shares, draws.route[:, here])
        self.served[:, here] = arms
        self._send(arms, stream.rewards[draws.rows[:, here], arms], draws.delay[:, here])
        now = self._trials[:, 0].copy(), self._rewards[:, 0].copy()
        for coming in (self._trials, self._rewards):
            coming[:, :-1] = coming[:, 1:]
            coming[:, -1] = 0.0
        there = shares.shape[1]
        return now[0][:, :there], now[1][:, :there]

    def _send(self, arms: Arms, rewards: Floats, delay: npt.NDArray[np.int8]) -> None:
        """Put the labels on their way."""
        seeds, slots, count = self._trials.shape
        place = (np.arange(seeds)[:, None] * slots + delay) * count + arms
        size = self._trials.size
        self._trials += np.bincount(place.ravel(), minlength=size).reshape(self._trials.shape)
        self._rewards += np.bincount(place.ravel(), rewards.ravel(), size).reshape(self._trials.shape)


def choose(shares: Floats, route: npt.NDArray[np.float32]) -> Arms:
    """Return the one arm that serves each request, shape (S, n), for shares (S, K) and uniforms (S, n)."""
    bounds = np.cumsum(shares, axis=1)[:, :-1, None]
    arms = (route[:, None, :] >= bounds).sum(axis=1)
    # Rounding may leave the last bound below 1: never an arm without a share.
    last = shares.shape[1] - 1 - (shares[:, ::-1] > 0).argmax(axis=1)
    return np.asarray(np.minimum(arms, last[:, None]), dtype=np.uint8)
