"""How many requests reached each arm, where the user names a counter for that."""

from __future__ import annotations

from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.sources.base import Counter
from bandit_operator.sources.labels import own_label, traefik_label
from bandit_operator.sources.presets.traefik import TRAEFIK_REQUESTS

REQUESTS = "requests"
"""The part of an answer that counts requests."""


def request_counters(resource: BanditDeployment) -> tuple[Counter, ...]:
    """The counter of requests, none where no counter is named.

    Traefik's tells backends apart by service, any other by the arm's name.
    """
    selector = resource.spec.rollback.requests
    if selector is None:
        return ()
    by_service = selector.lstrip().startswith(TRAEFIK_REQUESTS)
    return (Counter(REQUESTS, selector, traefik_label(resource) if by_service else own_label(resource)),)
