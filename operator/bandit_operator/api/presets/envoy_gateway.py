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

import re

from bandit_operator.api.presets.base import (
    ArmLabel,
    NotOffered,
    Offered,
    Requests,
    Role,
    RoutedArms,
    Software,
)
from bandit_operator.routers import GATEWAY_API

_RESPONSES = "envoy_cluster_upstream_rq"
"""Only routes of the Gateway API have rules and backendRefs by whose places clusters are named."""


def _cluster_label(arms: RoutedArms) -> ArmLabel:
    """The cluster of one backendRef, which Envoy Gateway names by its place in the route.

    Without the route no arm can be identified, and the label matches nothing.
    """
    route, located = arms.route, arms.located
    if located is None or route.group != GATEWAY_API:
        return ArmLabel("envoy_cluster_name", ())
    rule = f"{route.kind.lower()}/{re.escape(route.namespace)}/{re.escape(route.name)}/rule/{located.rule}"
    clusters = ((arm, f"{rule}/backend/{place}") for arm, place in located.positions.items())
    return ArmLabel("envoy_cluster_name", tuple(clusters))


ENVOY_GATEWAY = Software(
    name="EnvoyGateway",
    role=Role.GATEWAY,
    label=_cluster_label,
    told_by="`envoy_cluster_name`, by the backend's place in the route",
    success=Offered(
        Requests(f'{_RESPONSES}{{envoy_response_code!~"5.."}}', trials=_RESPONSES),
        "[`envoy_cluster_upstream_rq`](https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/"
        "cluster_manager/cluster_stats), success: `envoy_response_code` not 5xx",
        "only where a backendRef of the rule has a filter; otherwise [all backends share one cluster]"
        "(https://github.com/envoyproxy/gateway/issues/7008). Backends that change places are taken for each"
        " other in that window. The route's name must have no dot: Envoy ends the name of a cluster there",
    ),
    latency=NotOffered(
        "Envoy times requests without their status code, so an arm that fails fast would win;"
        " use GatewaySuccess, or ServerLatency",
        "`envoy_cluster_upstream_rq_time` has no status code, so an arm that fails fast would win.",
    ),
)
