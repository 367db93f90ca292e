"""Rewards without any metric of the model's own: whether the gateway got an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core.model import Outcome
from bandit_operator.sources.base import Sample
from bandit_operator.sources.counters import outcomes
from bandit_operator.sources.labels import traefik_label
from bandit_operator.sources.promql import increase, part

TRAEFIK_REQUESTS = "traefik_service_requests_total"
"""Traefik's counter of requests by backend and status code
(https://doc.traefik.io/traefik/observability/metrics/overview/)."""


@dataclass(frozen=True, slots=True)
class GatewaySuccess:
    """Every request is a trial, and a success unless the gateway answered it with 5xx."""

    def parts(self, resource: BanditDeployment, start: float, end: float) -> list[str]:
        """The increases of Traefik's counter with and without 5xx.

        Both are one metric, so an arm with requests and no series of successes has had none:
        here, and only here, absent is zero, and the last part says so.
        """
        label = traefik_label(resource)
        service = f'service=~"{label.any_arm}"'
        trials = increase(f"{TRAEFIK_REQUESTS}{{{service}}}", label.name, start, end)
        successes = increase(f'{TRAEFIK_REQUESTS}{{{service},code!~"5.."}}', label.name, start, end)
        return [part("rewards", successes), part("trials", trials), part("rewards", f"{trials} * 0")]

    def outcomes(self, resource: BanditDeployment, samples: Sequence[Sample]) -> dict[str, Outcome]:
        """As with counters of the model's own."""
        return outcomes(traefik_label(resource), samples)
