"""What of a resource's selectors and queries Prometheus could not read, found before it is asked."""

from __future__ import annotations

from collections.abc import Iterator

from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core.quantities import parse_duration
from bandit_operator.sources import source_of
from bandit_operator.sources.binding import checked, readable
from bandit_operator.sources.guards import guard_queries
from bandit_operator.sources.requests import request_counters
from bandit_operator.sources.shadow import shadow_counters


def unreadable(resource: BanditDeployment) -> Iterator[str]:
    """Yield a sentence, with its field, for each selector that is none and each query that is no PromQL."""
    source, seconds = source_of(resource), parse_duration(resource.spec.interval)
    shadow = (one for family in shadow_counters(resource) for one in family)
    for counter in (*source.counters(resource), *request_counters(resource), *shadow):
        try:
            checked(counter, None)
        except ValueError as error:
            yield str(error)
    for query in (*source.queries(resource, 0.0, seconds), *guard_queries(resource, 0.0, seconds)):
        try:
            readable(query)
        except ValueError as error:
            yield str(error)
