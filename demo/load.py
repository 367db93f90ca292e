"""What the operator costs API server and Prometheus, by their own books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import httpx

from cluster.client import Cluster, Request
from demo.installation import OPERATOR_ACCOUNT

READS = frozenset({"get", "list"})
WRITES = frozenset({"create", "update", "patch", "delete"})


@dataclass(frozen=True)
class Load:
    """What the operator asks of API server and Prometheus, per tick; None where nobody counted.

    Attributes:
        reads: get and list; no watches, leases and discovery, nor what was read before the first tick.
        writes: Writes of status, route and scale.
        events: Events written.
        queries: Queries of Prometheus, counted by itself.
        kinds: All requests of the API server that were counted, by verb and resource.
    """

    reads: float | None
    writes: float | None
    events: float | None
    queries: float | None
    kinds: dict[str, int]


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


def load_of(
    requests: Iterable[Request] | None, queries: float | None, since: float, until: float, ticks: int
) -> Load:
    """Count what the operator asked between two times.

    Args:
        requests: Of all users, from the audit log; None where there is no log to read.
        queries: Of Prometheus in that time.
        since: Seconds since 1970.
        until: Seconds since 1970.
        ticks: Ticks in that time.
    """
    per_tick = None if queries is None or not ticks else queries / ticks
    if requests is None or not ticks:
        return Load(None, None, None, per_tick, {})
    kinds: Counter[tuple[str, str]] = Counter()
    for one in requests:
        mine = one.user == OPERATOR_ACCOUNT and since <= one.time.timestamp() <= until
        if mine and one.resource not in ("", "leases") and one.verb != "watch":
            kinds[one.verb, "/".join(filter(None, (one.resource, one.subresource)))] += 1
    reads = sum(count for (verb, _), count in kinds.items() if verb in READS)
    events = sum(count for (verb, what), count in kinds.items() if verb in WRITES and what == "events")
    writes = sum(count for (verb, _), count in kinds.items() if verb in WRITES) - events
    told = {f"{verb} {what}": count for (verb, what), count in sorted(kinds.items())}
    return Load(reads / ticks, writes / ticks, events / ticks, per_tick, told)
