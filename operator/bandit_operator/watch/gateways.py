"""What Gateways say of themselves: whether their data plane has what routes ask for.

A Gateway accepts a route before it carries it, and goes on saying so when it cannot any more: a listener
whose certificate is gone, a data plane that is not there. Condition ``Programmed`` tells, of the Gateway and
of each listener (https://gateway-api.sigs.k8s.io/reference/spec/, GatewayConditionProgrammed and
ListenerConditionProgrammed).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bandit_operator.api.references import Key
from bandit_operator.routers.parents import GatewayReference
from bandit_operator.routers.shape import as_object, as_objects

LONGEST_WORDS = 300
"""Characters that are kept of what a Gateway says."""
_WITHOUT_ADDRESS = "AddressNotAssigned"
"""Why a Gateway is not programmed that serves all the same, for whoever reaches it inside of the cluster: one
of type LoadBalancer where nothing gives out addresses, as on kind."""
_Said = tuple[str | None, Mapping[str, str]]
"""Why a Gateway is not programmed, or None; and the same of such listeners as are not, by their names."""


class Gateways:
    """Gateways by namespace and name."""

    def __init__(self) -> None:
        self._said: dict[Key, _Said] = {}

    def put(self, _kind: str, body: Mapping[str, Any]) -> bool:
        """Keep what a Gateway says; False where that did not change."""
        key = (body["metadata"]["namespace"], body["metadata"]["name"])
        status = as_object(body.get("status"))
        listeners = {
            str(one["name"]): words
            for one in as_objects(status.get("listeners"))
            if "name" in one and (words := _not_programmed(one)) is not None
        }
        before = self._said.get(key)
        self._said[key] = _not_programmed(status), listeners
        return before != self._said[key]

    def drop(self, key: Key) -> None:
        """Forget a Gateway that is gone."""
        self._said.pop(key, None)

    def knows(self, gateway: GatewayReference) -> bool:
        """Whether a Gateway has been seen."""
        return (gateway.namespace, gateway.name) in self._said

    def fault(self, gateway: GatewayReference) -> str | None:
        """Why a Gateway, or the listener that is asked for, is not programmed; None where it says not so.

        Raises:
            KeyError: The Gateway has not been seen.
        """
        words, listeners = self._said[gateway.namespace, gateway.name]
        if words is not None:
            return f"{gateway} is not programmed: {words}"
        words = listeners.get(gateway.listener or "")
        if words is not None:
            return f"listener {gateway.listener} of {gateway} is not programmed: {words}"
        return None


def _not_programmed(said: Mapping[str, Any]) -> str | None:
    """Reason and message of a condition ``Programmed`` that is False.

    Unknown is what a Gateway begins with, and what stays where its controller does not know the condition.
    """
    for one in as_objects(said.get("conditions")):
        if (one.get("type"), one.get("status")) == ("Programmed", "False") and one.get(
            "reason"
        ) != _WITHOUT_ADDRESS:
            parts = [" ".join(str(one.get(part) or "").split()) for part in ("reason", "message")]
            return ": ".join(filter(None, parts))[:LONGEST_WORDS]
    return None
