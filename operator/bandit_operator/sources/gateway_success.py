"""Rewards without any metric of the model's own: whether the gateway got an answer."""

from __future__ import annotations

from dataclasses import dataclass

from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core.model import Outcome
from bandit_operator.sources.base import Counter, Values, WithoutQueries
from bandit_operator.sources.counters import outcomes
from bandit_operator.sources.labels import traefik_label

TRAEFIK_REQUESTS = "traefik_service_requests_total"
"""Traefik's counter of requests by backend and status code
(https://doc.traefik.io/traefik/observability/metrics/overview/)."""


@dataclass(frozen=True, slots=True)
class GatewaySuccess(WithoutQueries):
    """Every request is a trial, and a success unless the gateway answered it with 5xx."""

    def counters(self, resource: BanditDeployment) -> tuple[Counter, ...]:
        """Traefik's counter with and without 5xx."""
        label = traefik_label(resource)
        service = f'service=~"{label.any_arm}"'
        return (
            Counter("rewards", f'{TRAEFIK_REQUESTS}{{{service},code!~"5.."}}', label),
            Counter("trials", f"{TRAEFIK_REQUESTS}{{{service}}}", label),
        )

    def outcomes(self, resource: BanditDeployment, values: Values) -> dict[str, Outcome]:
        """As with counters of the model's own, but absent successes are none.

        Both counters are one metric, so an arm with requests and no series of successes has
        had no success: here, and only here, absent is zero.
        """
        none = dict.fromkeys(values["trials"], 0.0)
        return outcomes(resource, {**values, "rewards": {**none, **values["rewards"]}})
