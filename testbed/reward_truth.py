"""What reward counters have really grown by, as Prometheus' own samples say."""

from __future__ import annotations

import itertools

from cluster.client import Cluster

PAST = 300
"""Seconds before the start in which the sample lies from which a counter grows."""


def truth(cluster: Cluster, name: str, metric: str, start: float, end: float) -> dict[str, float]:
    """What Prometheus has seen the counters of each arm grow by in (start, end], from all its samples.

    Args:
        cluster: Where.
        name: Label ``route`` of the counters.
        metric: Their name.
        start: Seconds since 1970.
        end: Seconds since 1970.
    """
    grown: dict[str, float] = {}
    span = round(end - start) + PAST
    for labels, samples in cluster.range_vector(f'{metric}{{route="{name}"}}[{span}s]', end):
        before = [value for time, value in samples if time <= start][-1:]
        values = [*(before or [0.0]), *(value for time, value in samples if start < time <= end)]
        total = sum(new - old if new >= old else new for old, new in itertools.pairwise(values))
        grown[labels["arm"]] = grown.get(labels["arm"], 0.0) + total
    return grown
