"""Which requests to the API server and queries to Prometheus are counted as the operator's."""

from __future__ import annotations

import httpx

from cluster.client import Cluster, Request
from testbed.installation import OPERATOR_ACCOUNT

READS = frozenset({"get", "list"})
WRITES = frozenset({"create", "update", "patch", "delete"})


def is_counted(request: Request) -> bool:
    """Whether a request is the operator's and grows with what it works on.

    Watches, leases and discovery do not, nor do the lists of whole kinds, one each in five minutes, by
    which the operator checks its watches.
    """
    checks_watch = request.verb == "list" and not request.namespace
    return (
        request.user == OPERATOR_ACCOUNT
        and request.resource not in ("", "leases")
        and request.verb in READS | WRITES
        and not checks_watch
    )


def queries_so_far(cluster: Cluster) -> float:
    """Return how many instant and range queries Prometheus has answered, by its own counter."""
    answer = httpx.get(f"{cluster.endpoints.prometheus}/metrics", timeout=10)
    answer.raise_for_status()
    wanted = ("/api/v1/query", "/api/v1/query_range")
    total = 0.0
    for line in answer.text.splitlines():
        if line.startswith("prometheus_http_requests_total{") and any(
            f'handler="{h}"' in line for h in wanted
        ):
            total += float(line.rsplit(" ", 1)[1])
    return total
