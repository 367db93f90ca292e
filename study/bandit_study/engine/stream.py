"""A production stream with what every arm would have answered and earned: known to the study alone."""

from __future__ import annotations

import dataclasses
from functools import cached_property

import numpy as np
import numpy.typing as npt

from bandit_study.data.table import Floats, Task
from bandit_study.engine.rewards import Reward
from bandit_study.engine.settings import AROUND

Ints = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Stream:
    """N requests in T chunks, answered by each of K arms."""

    name: str
    """Name of the set."""
    task: Task
    """What is predicted."""
    reward: Reward
    """How answers are rewarded."""
    names: tuple[str, ...]
    """The arms; the baseline arm is the first."""
    scores: npt.NDArray[np.float32]
    """Shape (N, K), what each arm answers."""
    target: Floats
    """Shape (N,), what turns out to be true."""
    rewards: Floats
    """Shape (N, K), between 0 and 1."""
    edges: Ints
    """Shape (T + 1,), first request of each chunk, and N."""
    joins: Ints
    """Shape (K,), chunk from which on each arm can serve; 0 for the first ones."""
    validation: tuple[tuple[int, tuple[float, ...]], ...]
    """Chunk from which on they hold, and the validation scores of the arms that are there then."""

    @property
    def chunks(self) -> int:
        """Number T of chunks."""
        return len(self.edges) - 1

    @property
    def sizes(self) -> Ints:
        """Requests of each chunk, shape (T,)."""
        return np.diff(self.edges)

    @property
    def chunk_of(self) -> Ints:
        """Chunk of each request, shape (N,)."""
        return np.repeat(np.arange(self.chunks), self.sizes)

    @property
    def first_arms(self) -> int:
        """How many arms are there from the beginning; they come first."""
        return int((self.joins == 0).sum())

    def serving(self, chunk: int) -> int:
        """How many arms can serve in a chunk; they come first."""
        return int((self.joins <= chunk).sum())

    @cached_property
    def sums(self) -> Floats:
        """Rewards of all requests of the chunks before each, shape (T + 1, K), served by whichever arm."""
        total = np.vstack([np.zeros(len(self.names)), np.cumsum(self.rewards, axis=0)])
        return np.asarray(total[self.edges])

    def mean(self, first: int, end: int) -> Floats:
        """Mean reward of every arm over the requests of chunks first to end − 1, shape (K,)."""
        count = self.edges[end] - self.edges[first]
        return np.asarray((self.sums[end] - self.sums[first]) / max(count, 1))

    @cached_property
    def means(self) -> Floats:
        """Mean reward of every arm in each chunk, shape (T, K); NaN before it joins."""
        means = np.diff(self.sums, axis=0) / self.sizes[:, None]
        return np.where(self._joined, means, np.nan)

    @cached_property
    def means_around(self) -> Floats:
        """Mean reward over each chunk and the ten before and after it, shape (T, K); NaN before it joins."""
        at = np.arange(self.chunks)
        low, high = np.maximum(at - AROUND, 0), np.minimum(at + AROUND + 1, self.chunks)
        means = (self.sums[high] - self.sums[low]) / (self.edges[high] - self.edges[low])[:, None]
        return np.where(self._joined, means, np.nan)

    @property
    def _joined(self) -> npt.NDArray[np.bool_]:
        return np.asarray(np.arange(self.chunks)[:, None] >= self.joins)

    @cached_property
    def best_single(self) -> int:
        """The first arm with the highest mean reward over the whole stream, which hindsight knows."""
        return int(self.mean(0, self.chunks)[: self.first_arms].argmax())
