"""Rewards without any metric of the model's own: did the gateway get an answer?"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bandit_operator.core.model import Outcome
from bandit_operator.sources.base import Sample, SourceSettings, by_arm, part
from bandit_operator.sources.counters import Counters

TRAEFIK_REQUESTS = "traefik_service_requests_total"
"""Traefik's counter of requests by backend (https://doc.traefik.io/traefik/observability/metrics/)."""


@dataclass(frozen=True, slots=True)
class GatewaySuccess:
    """Every request is a trial, and a success unless the gateway answered it with 5xx."""

    counters: Counters = dataclasses.field(default_factory=Counters)

    def promql(self, settings: SourceSettings, start: float, end: float) -> str:
        """The question for Traefik's counters of the arms' backends.

        Both counters are one metric, so an arm with requests and no series of successes has
        had none: here, and only here, absent is zero, and the query says so itself.
        """
        counters = _as_counters(settings)
        assert counters.trials is not None
        none = [part("rewards", f"{query} * 0") for query in by_arm(counters, counters.trials, start, end)]
        return " or ".join([self.counters.promql(counters, start, end), *none])

    def outcomes(self, settings: SourceSettings, samples: Sequence[Sample]) -> dict[str, Outcome]:
        """As with counters of the model's own."""
        return self.counters.outcomes(_as_counters(settings), samples)


def _as_counters(settings: SourceSettings) -> SourceSettings:
    service = traefik_service(settings.namespace)
    return dataclasses.replace(
        settings,
        successes=f'{TRAEFIK_REQUESTS}{{service=~"{service}",code!~"5.."}}',
        trials=f'{TRAEFIK_REQUESTS}{{service=~"{service}"}}',
    )


def traefik_service(namespace: str) -> str:
    """Regular expression of the name that Traefik gives to an arm's Service behind a Gateway API route."""
    return f"(.*-svc-)?{re.escape(namespace)}-$backend-[a-z0-9]+@kubernetesgateway".replace("\\", "\\\\")
