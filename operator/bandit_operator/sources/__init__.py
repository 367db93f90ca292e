"""Reward sources: how the rewards of one window are queried from Prometheus.

A source is pure: it says which counters or queries a resource's rewards come from, and turns
the numbers into an outcome for every arm. To add one: a file here, and its line in ``SOURCES`` and in
``source_of``; CONTRIBUTING.md has its fields, tests and example. A preset for other software is a file in
``bandit_operator.api.presets``.
"""

from __future__ import annotations

from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.sources.base import RewardSource, Sample
from bandit_operator.sources.counters import Counters
from bandit_operator.sources.mean_query import MeanQuery
from bandit_operator.sources.presets import PRESETS, preset_of

SOURCES: dict[str, RewardSource] = {
    "counters": Counters(),
    "query": MeanQuery(),
}
"""By the way of ``spec.reward.prometheus``, sorted; ``presets.PRESETS`` has the third way."""


def source_of(resource: BanditDeployment) -> RewardSource:
    """The source that the resource names; the schema admits exactly one."""
    prometheus = resource.spec.reward.prometheus
    if prometheus.preset is not None:
        return preset_of(prometheus.preset, prometheus.implementation, prometheus.latency_target)
    return SOURCES["query" if prometheus.query is not None else "counters"]


__all__ = ["PRESETS", "SOURCES", "RewardSource", "Sample", "source_of"]
