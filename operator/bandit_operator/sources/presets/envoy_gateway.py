"""Envoy Gateway: responses by cluster and response code.

Metric ``envoy_cluster_upstream_rq`` with the labels envoy_cluster_name and envoy_response_code.
A rule has one cluster for each backendRef, named KIND/NAMESPACE/ROUTE/rule/R/backend/B by their
places, only where at least one of its backendRefs has a filter; otherwise all of them share one
cluster, and no metric tells them apart. Source:
https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_stats,
https://github.com/envoyproxy/gateway/issues/7008 and
https://github.com/envoyproxy/gateway/issues/6742

Envoy takes the name of a cluster up to its first dot and the rest as a metric of its own, so a
route whose name has a dot is not found. ``envoy_cluster_upstream_rq_time`` has no response code,
so there is no latency here.
"""

from __future__ import annotations

from bandit_operator.sources.labels import envoy_gateway_label
from bandit_operator.sources.presets.base import Requests, Success

_RESPONSES = "envoy_cluster_upstream_rq"

SUCCESS = Success(
    Requests(f'{_RESPONSES}{{envoy_response_code!~"5.."}}', trials=_RESPONSES), envoy_gateway_label
)
