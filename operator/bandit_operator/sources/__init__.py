"""Reward sources: how the rewards of one window are asked of Prometheus.

A source is pure: it says which counters or queries a resource's rewards come from, and turns
the numbers into an outcome for every arm. To add one: a file here, and a line in ``SOURCES``.
"""

from __future__ import annotations

from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.sources.base import RewardSource, Sample
from bandit_operator.sources.counters import Counters
from bandit_operator.sources.gateway_success import GatewaySuccess
from bandit_operator.sources.mean_query import MeanQuery

SOURCES: dict[str, RewardSource] = {
    "GatewaySuccess": GatewaySuccess(),
    "counters": Counters(),
    "query": MeanQuery(),
}
"""By the preset's name, or the way of ``spec.reward.prometheus``, sorted."""


def source_of(resource: BanditDeployment) -> RewardSource:
    """The source that the resource asks for; the schema admits exactly one."""
    prometheus = resource.spec.reward.prometheus
    if prometheus.preset is not None:
        return SOURCES[prometheus.preset]
    return SOURCES["query" if prometheus.query is not None else "counters"]


__all__ = ["SOURCES", "RewardSource", "Sample", "source_of"]
