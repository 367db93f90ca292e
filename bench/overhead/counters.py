"""What the operator, the API server and Prometheus have counted of themselves, between two moments."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from bench.overhead.environment import Environment
from cluster.client import ClusterError
from testbed.installation import OPERATOR_NAMESPACE
from testbed.request_counts import WRITES, is_counted, queries_so_far

OURS = ("banditdeployments", "httproutes")
"""Kinds of objects whose writes to etcd are the operator's, or the gateway's answer to it."""
LAG = "bandit_operator_tick_lag_seconds"
_ETCD_WRITES = ("create", "update", "delete")


def samples(text: str, name: str) -> list[tuple[dict[str, str], float]]:
    """Return labels and values of one metric in Prometheus' text format."""
    lines = [line for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} "))]
    return [
        (sample.labels, sample.value)
        for family in text_string_to_metric_families("\n".join(lines) + "\n")
        for sample in family.samples
    ]


def total(text: str, name: str, **labels: str) -> float:
    """Return the sum of a metric's samples that carry some labels; 0 where nothing was counted yet."""
    return sum(value for carried, value in samples(text, name) if labels.items() <= carried.items())


@dataclass(frozen=True)
class Reading:
    """All counters at one moment; what grows is counted since the start of whoever counts."""

    time: float
    """Seconds since 1970."""
    started: float
    """When the operator's process was, seconds since 1970; of several their sum, as of all that follows."""
    cpu: float
    memory: float
    ticks: float
    lag_seconds: float
    lag: dict[float, float]
    """Ticks by the upper bound of how late they began, seconds, cumulative."""
    tick_seconds: float
    passes: float
    api_cpu: float
    etcd_writes: float
    queries: float
    scrape_seconds: float
    """That the operator's own exposition took, through the API server."""
    scrape_bytes: int
    """Of that exposition."""


def read(environment: Environment) -> Reading:
    """Read all counters now."""
    api = environment.api_metrics()
    queries = queries_so_far(environment.cluster)
    begun = time.monotonic()
    own = environment.operator_metrics()
    scrape_seconds = time.monotonic() - begun
    writes = samples(api, "etcd_requests_total")
    return Reading(
        time=time.time(),
        started=total(own, "process_start_time_seconds"),
        cpu=total(own, "process_cpu_seconds_total"),
        memory=total(own, "process_resident_memory_bytes"),
        ticks=total(own, f"{LAG}_count"),
        lag_seconds=total(own, f"{LAG}_sum"),
        lag=_buckets(own),
        tick_seconds=total(own, "bandit_operator_tick_seconds_sum"),
        passes=total(own, "bandit_operator_tick_seconds_count"),
        api_cpu=total(api, "process_cpu_seconds_total"),
        etcd_writes=sum(
            value for one, value in writes if one["operation"] in _ETCD_WRITES and one["resource"] in OURS
        ),
        queries=queries,
        scrape_seconds=scrape_seconds,
        scrape_bytes=len(own),
    )


def _buckets(own: str) -> dict[float, float]:
    found: dict[float, float] = defaultdict(float)
    for labels, value in samples(own, f"{LAG}_bucket"):
        found[float(labels["le"])] += value
    return dict(found)


def lateness(environment: Environment) -> tuple[float, float]:
    """Return how many ticks there were so far, and how late they began in all, seconds."""
    counted, late = f"{LAG}_count", f"{LAG}_sum"
    own = environment.operator_metrics(counted, late)  # all others would take long, and be in the way
    return total(own, counted), total(own, late)


def between(environment: Environment, before: Reading, after: Reading) -> dict[str, Any]:
    """Return what was spent between two readings, in all and for each tick.

    Returns:
        ``ticks`` and ``seconds``; ``cores`` and ``api_cores``, processor seconds a second of the operator
        and of the API server; ``memory_mib`` at the end; ``lag_mean`` and ``lag_p99``, seconds, the latter
        as the bound of its histogram; ``pass_ms``, the mean time of one pass; and for each tick ``queries``,
        ``api_reads``, ``api_writes``, ``events`` and ``etcd_writes``. None where there was no tick.
        Lists are no tick's: all kinds are listed every five minutes, however many resources there are.

    Raises:
        ClusterError: The operator was restarted between them.
    """
    if after.started != before.started:
        words = ("logs", "-n", OPERATOR_NAMESPACE, "--previous", "--tail=20")
        last_words = "".join(
            environment.cluster.run("cluster", "kubectl", *words, pod, check=False).stdout
            for pod in environment.operator_pods
        )
        raise ClusterError(f"the operator was restarted while it was measured; its last words:\n{last_words}")
    ticks, seconds = after.ticks - before.ticks, after.time - before.time
    requests = [one for one in environment.operator_requests(before.time, after.time) if is_counted(one)]
    made = Counter(_kind(one.verb, one.resource) for one in requests)

    def each(number: float) -> float | None:
        return number / ticks if ticks else None

    passes = after.passes - before.passes
    return {
        "ticks": ticks,
        "seconds": seconds,
        "cores": (after.cpu - before.cpu) / seconds,
        "api_cores": (after.api_cpu - before.api_cpu) / seconds,
        "memory_mib": after.memory / 2**20,
        "lag_mean": each(after.lag_seconds - before.lag_seconds),
        "lag_p99": quantile_bound({le: after.lag[le] - before.lag[le] for le in after.lag}, 0.99),
        "pass_ms": 1e3 * (after.tick_seconds - before.tick_seconds) / passes if passes else None,
        "queries": each(after.queries - before.queries),
        "api_reads": each(made["read"]),
        "api_writes": each(made["write"]),
        "events": each(made["event"]),
        "etcd_writes": each(after.etcd_writes - before.etcd_writes),
        "scrape_ms": 1e3 * after.scrape_seconds,
        "scrape_kib": after.scrape_bytes / 1024,
    }


def quantile_bound(buckets: dict[float, float], share: float) -> float | None:
    """Return the smallest bound of a histogram that so large a share of its values lies below.

    Args:
        buckets: Cumulative numbers by upper bound, infinity included.
        share: Between 0 and 1.

    Returns:
        The bound, infinity where only that is large enough, or None for an empty histogram.
    """
    most = max(buckets.values(), default=0.0)
    if not most:
        return None
    return min(bound for bound, number in buckets.items() if number >= share * most)


def _kind(verb: str, resource: str) -> str:
    if verb == "list":
        return "list"
    if verb == "get":
        return "read"
    assert verb in WRITES, verb
    return "event" if resource == "events" else "write"
