"""Fits the delay of labels, as a BanditDeployment's ``spec.reward.delay`` states it, to the delay histogram.

The operator takes delays for Weibull-distributed and knows them by their median and 95th percentile
(docs/adr/0012-late-labels-by-exposure.md). The histogram says only in which bucket each delay was, so the
Weibull distribution is the one under which these counts are most likely: with F the distribution function,
b₀ = 0 < b₁ < … < b_m = ∞ the ends of the buckets and n_i the counts, Σ n_i ln(F(b_i) − F(b_{i−1})) is largest
(maximum likelihood for interval-censored data).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from prometheus_client.parser import text_string_to_metric_families
from scipy.optimize import minimize

HISTOGRAM = "model_reward_delay_seconds"
FEWEST = 20  # labels, below which a 95th percentile means nothing
LONGEST = 90 * 86400.0  # seconds, what the API takes
_LN2, _LN20 = math.log(2), math.log(20)

Bucket = tuple[float, float]
"""Upper end in seconds, and the cumulative count up to it; the last end is infinite."""


class Delay(NamedTuple):
    """Times in seconds by which half and 95 % of the labels have come, and how many labels say so."""

    median: float
    p95: float
    labels: int


def read_histograms(text: str) -> dict[str, list[Bucket]]:
    """Return the delay histogram of each route, all arms together, from metrics in Prometheus text format.

    Raises:
        ValueError: The text is no such format, or its histogram is not the collector's.
    """
    routes: dict[str, dict[float, float]] = {}
    for family in text_string_to_metric_families(text):
        if family.name != HISTOGRAM:
            continue
        for sample in family.samples:
            if sample.name == f"{HISTOGRAM}_bucket":
                if missing := {"route", "le"} - sample.labels.keys():
                    raise ValueError(f"a series of {HISTOGRAM} has no label {min(missing)}")
                ends = routes.setdefault(sample.labels["route"], {})
                end = float(sample.labels["le"])
                ends[end] = ends.get(end, 0.0) + sample.value
    return {route: sorted(ends.items()) for route, ends in sorted(routes.items())}


def fit(histogram: Sequence[Bucket]) -> Delay:
    """Return the most likely Weibull distribution's median and 95th percentile.

    Args:
        histogram: Cumulative buckets by rising ends, the infinite one last.

    Raises:
        ValueError: There are too few labels to fit.
    """
    ends, cumulative = (np.array(values, dtype=float) for values in zip(*histogram, strict=True))
    total = int(cumulative[-1])
    if total < FEWEST:
        raise ValueError(f"{total} labels, at least {FEWEST} are needed; come again when more have come")
    counts = np.diff(cumulative, prepend=0.0)
    filled = counts > 0
    counts = counts[filled]
    low, high = np.concatenate([[0.0], ends[:-1]])[filled], ends[filled]

    def loss(parameters: np.ndarray) -> float:
        scale, shape = np.exp(parameters)
        with np.errstate(over="ignore", under="ignore"):
            shares = np.exp(-((low / scale) ** shape)) - np.exp(-((high / scale) ** shape))
        return -float(counts @ np.log(np.maximum(shares, 1e-300)))

    first = ends[int(np.searchsorted(cumulative, total / 2))]
    start = np.array([math.log(min(first, LONGEST)), 0.0])
    # Beyond a shape of 20 a distribution is a point within a bucket, and no data distinguish two such.
    bounds = [(math.log(1e-3), math.log(1e9)), (math.log(0.05), math.log(20.0))]
    minimum = minimize(loss, start, method="Nelder-Mead", bounds=bounds, options={"maxiter": 2000})
    scale, shape = np.exp(minimum.x)
    return Delay(float(scale * _LN2 ** (1 / shape)), float(scale * _LN20 ** (1 / shape)), total)


def duration(seconds: float) -> str:
    """Return a time as the API writes it, to about three digits: 850ms, 42s, 130m or 96h."""
    if seconds < 10:
        return f"{max(round(seconds * 1000), 1)}ms"
    for unit, size, limit in (("s", 1.0, 600.0), ("m", 60.0, 36_000.0)):
        if seconds < limit:
            return f"{round(seconds / size)}{unit}"
    return f"{round(min(seconds, LONGEST) / 3600)}h"
