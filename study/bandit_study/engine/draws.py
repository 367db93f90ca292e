"""The chance in a study: the same draws for every strategy, so that differences are paired."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import numpy.typing as npt

from bandit_operator.core.inference.exposure import distribution
from bandit_operator.core.model import Delay
from bandit_study.data.table import Floats
from bandit_study.engine.settings import DELAY_LONGEST, DELAY_MEDIAN, DELAY_P95
from bandit_study.engine.stream import Stream


@dataclasses.dataclass(frozen=True)
class Draws:
    """What S seeds decide for N requests."""

    rows: npt.NDArray[np.int32]
    """Shape (S, N), which row of the stream each request is; one of its own chunk."""
    route: npt.NDArray[np.float32]
    """Shape (S, N), uniform in [0, 1): with the weights it says which arm serves."""
    delay: npt.NDArray[np.int8]
    """Shape (S, N), chunks after which the label comes."""
    sample: npt.NDArray[np.float32]
    """Shape (S, N), uniform in [0, 1): a shadow scores the requests for which it is below its share."""

    @property
    def seeds(self) -> int:
        """Number S of seeds."""
        return len(self.rows)


def draw(stream: Stream, seeds: int) -> Draws:
    """Return the draws of seeds 0 to S − 1 for a stream; a seed's do not depend on how many there are."""
    name = int.from_bytes(hashlib.sha256(stream.name.removesuffix("+skew").encode()).digest()[:4], "big")
    starts = np.repeat(stream.edges[:-1], stream.sizes)
    sizes = np.repeat(stream.sizes, stream.sizes)
    shares = _delay_shares()
    rows, route, delay, sample = [], [], [], []
    for seed in range(seeds):
        rng = np.random.default_rng([name, seed])
        rows.append((starts + np.floor(rng.random(len(starts)) * sizes)).astype(np.int32))
        route.append(rng.random(len(starts), dtype=np.float32))
        # Above the last bound there is nothing: the shares sum to 1.
        delay.append(np.searchsorted(np.cumsum(shares)[:-1], rng.random(len(starts))).astype(np.int8))
        sample.append(np.random.default_rng([name, seed, 1]).random(len(starts), dtype=np.float32))
    return Draws(np.stack(rows), np.stack(route), np.stack(delay), np.stack(sample))


def _delay_shares() -> Floats:
    """Share of labels that come within the chunk of their request, one chunk later, and so on."""
    ages = np.arange(1, DELAY_LONGEST + 2, dtype=float)
    come = distribution(ages, Delay(DELAY_MEDIAN, DELAY_P95))
    return np.diff(np.r_[0.0, come / come[-1]])
