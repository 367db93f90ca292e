"""How many requests reached each arm, where the user names a counter for that."""

from __future__ import annotations

from bandit_operator.api.presets import SOFTWARE, Role
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.sources.base import Counter
from bandit_operator.sources.labels import own_label, software_label

REQUESTS = "requests"
"""The part of an answer that counts requests."""
_COUNTED_BY = {one.request_counter: one for one in SOFTWARE.values() if one.request_counter}
"""Software by its own counter of requests."""


def request_counters(resource: BanditDeployment) -> tuple[Counter, ...]:
    """The counter of requests, none where no counter is named.

    That of a gateway tells backends apart by the gateway's label, any other by the arm's name.
    """
    selector = resource.spec.rollback.requests
    if selector is None:
        return ()
    software = _COUNTED_BY.get(selector.partition("{")[0].strip())
    label = own_label(resource) if software is None else software_label(software, resource)
    shared = software is not None and software.role == Role.GATEWAY
    return (Counter(REQUESTS, selector, label, "rollback.requests", shared),)
