"""What a path costs more than another, by rounds in which both were measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import t

Rounds = Sequence[float] | npt.NDArray[np.float64]
"""A figure of each round."""
PERCENTILES = {"p50": 50.0, "p99": 99.0, "p99.9": 99.9}


def order(names: Sequence[str], round_number: int) -> list[str]:
    """Return names in the order of a round: each round begins with another one."""
    first = round_number % len(names)
    return [*names[first:], *names[:first]]


def difference(after: Rounds, before: Rounds) -> tuple[float, list[float]]:
    """Return the mean of ``after − before`` over rounds, and its 95 % confidence interval.

    By Student's t over the rounds' differences, so that a machine that drifts from round to round does
    not count as a difference.

    Raises:
        ValueError: Fewer than two rounds, or not as many of both.
    """
    differences = np.subtract(after, before, dtype=float)
    if len(after) != len(before) or len(differences) < 2:
        raise ValueError(f"{len(after)} and {len(before)} rounds cannot be paired; take two or more of each")
    reach = t.ppf(0.975, len(differences) - 1) * differences.std(ddof=1) / len(differences) ** 0.5
    mean = float(differences.mean())
    return mean, [mean - float(reach), mean + float(reach)]
