"""Another installation of the operator that works on the same resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bandit_operator.api.references import Key

REMEMBERED_SECONDS = 600.0
"""A rival that has not written for this long is gone."""
TAKE_OVERS = 2
"""A status of another operator is found once when a resource is taken over, and again where it goes on."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the statuses of one resource have shown lately."""

    rival: str
    """The lease of whoever wrote another one than ours last."""
    version: str
    """resourceVersion of the newest of these."""
    take_overs: tuple[float, ...]
    """When such were found, seconds by the monotonic clock."""


class Rivals:
    """Which resources another operator keeps writing; told by the lease that each writes into the status.

    Replicas of one installation share a lease, so they are no rivals of each other.
    """

    def __init__(self, own: str) -> None:
        self.own = own or None
        """The lease of this operator, as NAMESPACE/NAME."""
        self._seen: dict[Key, _Seen] = {}

    def seen(self, key: Key, body: Mapping[str, Any], monotonic: float) -> str | None:
        """Take in a version of a resource; gives the lease of the rival, or None where there is none.

        Args:
            key: the resource.
            body: as the API server holds it.
            monotonic: seconds by the monotonic clock.
        """
        writer = (body.get("status") or {}).get("operator")
        version, before = body["metadata"]["resourceVersion"], self._seen.get(key)
        found = () if before is None else before.take_overs
        lately = tuple(one for one in found if monotonic - one < REMEMBERED_SECONDS)
        if writer is not None and writer != self.own and (before is None or version != before.version):
            self._seen[key] = _Seen(str(writer), version, (*lately, monotonic))
        elif before is not None and lately:
            self._seen[key] = replace(before, take_overs=lately)
        else:
            self.forget(key)
            return None
        seen = self._seen[key]
        return seen.rival if len(seen.take_overs) >= TAKE_OVERS else None

    def forget(self, key: Key) -> None:
        """Keep nothing of a resource that is gone, or another replica's."""
        self._seen.pop(key, None)
