"""Reward sources: how the rewards of one window are asked of Prometheus.

A source is pure: it turns the settings and a window into one PromQL query, and the answer
into an outcome for every arm. To add one: a file here, and a line in ``SOURCES``.
"""

from __future__ import annotations

from bandit_operator.sources.base import RewardSource, Sample, SourceSettings
from bandit_operator.sources.counters import Counters
from bandit_operator.sources.gateway_success import GatewaySuccess
from bandit_operator.sources.mean_query import MeanQuery

SOURCES: dict[str, RewardSource] = {
    "GatewaySuccess": GatewaySuccess(),
    "counters": Counters(),
    "query": MeanQuery(),
}
"""By the mode's name, or the preset's, sorted."""

__all__ = ["SOURCES", "RewardSource", "Sample", "SourceSettings"]
