"""Another installation of the operator that works on the same resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bandit_operator.api.references import Key

REMEMBERED_SECONDS = 600.0
"""A rival that has not written for this long is gone."""
TAKE_OVERS = 2
"""A status of another operator is found once when a resource is taken over, and again where it goes on."""


class Rivals:
    """Which resources another operator keeps writing; told by the lease that each writes into the status.

    Replicas of one installation share a lease, so they are no rivals of each other.
    """

    def __init__(self, own: str) -> None:
        self.own = own or None
        """The lease of this operator, as NAMESPACE/NAME."""
        self._take_overs: dict[Key, list[float]] = {}
        self._looked_at: dict[Key, str] = {}
        self._names: dict[Key, str] = {}

    def seen(self, key: Key, body: Mapping[str, Any], monotonic: float) -> str | None:
        """Take in a version of a resource; gives the lease of the rival, or None where there is none.

        Args:
            key: the resource.
            body: as the API server holds it.
            monotonic: seconds by the monotonic clock.
        """
        writer = (body.get("status") or {}).get("operator")
        version = body["metadata"]["resourceVersion"]
        lately = [one for one in self._take_overs.get(key, []) if monotonic - one < REMEMBERED_SECONDS]
        if writer is not None and writer != self.own and version != self._looked_at.get(key):
            lately.append(monotonic)
            self._looked_at[key], self._names[key] = version, str(writer)
        if not lately:
            self._take_overs.pop(key, None)
            self._looked_at.pop(key, None)
            return None
        self._take_overs[key] = lately
        return self._names[key] if len(lately) >= TAKE_OVERS else None
