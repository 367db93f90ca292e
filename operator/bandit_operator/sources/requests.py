"""How many requests reached each arm, where the user names a counter for that."""

from __future__ import annotations

from collections.abc import Sequence

from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.sources.base import Sample
from bandit_operator.sources.gateway_success import TRAEFIK_REQUESTS
from bandit_operator.sources.labels import ArmLabel, own_label, traefik_label
from bandit_operator.sources.promql import increase, part


def request_parts(resource: BanditDeployment, start: float, end: float) -> list[str]:
    """The query that counts requests, none where no counter for them is named."""
    selector = resource.spec.rollback.requests
    if selector is None:
        return []
    return [part("requests", increase(selector, _label(resource, selector).name, start, end))]


def requests(resource: BanditDeployment, samples: Sequence[Sample]) -> dict[str, float]:
    """Requests by arm; an arm without a number is left out."""
    selector = resource.spec.rollback.requests
    return {} if selector is None else _label(resource, selector).values(samples, "requests")


def _label(resource: BanditDeployment, selector: str) -> ArmLabel:
    """Traefik's counter tells backends apart by service, any other by the arm's name."""
    by_service = selector.lstrip().startswith(TRAEFIK_REQUESTS)
    return traefik_label(resource) if by_service else own_label(resource)
