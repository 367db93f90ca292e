"""How the route of one resource stands to its intention, and what is known of its other writers.

One object a resource, which owns what it remembers: it is told what was seen and what was
written, and says what that means. Times called ``monotonic`` are by that clock, in seconds;
times called ``wall`` are seconds since the Unix epoch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from bandit_operator.core import reasons
from bandit_operator.core.decision import Intention
from bandit_operator.reconcile.observe import Placement
from bandit_operator.status.conditions import RouteState

CONTEST_SECONDS = 600.0
"""Changes by others within this time count as one contest."""
CONTEST_PATIENCE = 5
"""So many changes are re-asserted at once; after that with a growing back-off."""
CONTEST_LONGEST = 300.0
"""Longest back-off."""
ACCEPT_SECONDS = 10.0
"""How long a gateway may take to accept a generation before users are told."""
REALISED_TOLERANCE = 0.1
"""Realised shares within this of the weights are noise or a gateway's rounding."""
FOLLOW_SECONDS = 3.0
"""How long a gateway and its counters may take to follow new weights."""
REALISED_REQUESTS = 200.0
"""Fewer requests than this say nothing of how traffic is shared out."""

Trouble = tuple[str, str] | None
"""A reason and a message, or None."""


class RouteSync:
    """The route of one resource, as its weights are re-asserted."""

    def __init__(self, foreign_changes: int = 0) -> None:
        self.foreign_changes = foreign_changes
        """How often another writer has changed the weights."""
        self.realised: Mapping[str, float] = {}
        """Share of the newest window's requests by arm, where requests are counted."""
        self._in_sync = False  # the route has been seen, or made, to carry the intended weights
        self._in_sync_since = math.inf  # since when it is known to, by the wall clock
        self._changed_at: tuple[float, ...] = ()  # when others changed it lately, monotonic
        self._asserted_at = -math.inf  # when we wrote it last, monotonic
        self._unaccepted: tuple[int, float] | None = None  # a generation, and since when it is known
        self._not_followed: str | None = None  # how realised shares differ from the weights
        self._refused: str | None = None  # the API server's words

    # ---- what was seen --------------------------------------------------------------------

    def observe_weights(
        self, placement: Placement, intention: Intention, *, monotonic: float, wall: float
    ) -> bool:
        """Take in the weights that the route carries; True where another writer has changed them.

        Weights that differ before the route was ever seen in sync are a write of ours that is
        still to come, as after a crash between commit and apply.
        """
        if placement.located.weights == intention.weights:
            self._in_sync = True
            self._in_sync_since = min(self._in_sync_since, wall)
            return False
        self._in_sync_since = math.inf
        if not self._in_sync:
            return False
        self._in_sync = False
        self.foreign_changes += 1
        self._changed_at = (*self._recent(monotonic), monotonic)
        return True

    def observe_acceptance(self, placement: Placement, monotonic: float) -> None:
        """Take in whether a gateway has accepted the route at its present generation."""
        if placement.accepted:
            self._unaccepted = None
        elif self._unaccepted is None or self._unaccepted[0] != placement.generation:
            self._unaccepted = (placement.generation, monotonic)

    def observe_requests(
        self, requests: Mapping[str, float], intention: Intention, names: Sequence[str], start: float
    ) -> None:
        """Compare how requests were shared out in a window with the weights that were in force.

        Only a window that began after the gateway had the weights can tell. Too few requests, or
        a window of changing weights, leave what was found before.

        Args:
            requests: requests by arm in the window.
            intention: the weights.
            names: all arms.
            start: beginning of the window, seconds since the Unix epoch.
        """
        total = sum(requests.values())
        if total < REALISED_REQUESTS:
            return
        self.realised = {arm: requests.get(arm, 0.0) / total for arm in names}
        if start < self._in_sync_since + FOLLOW_SECONDS:
            return
        self._not_followed = None
        shares = intention.shares()
        for arm, realised in self.realised.items():
            if abs(realised - shares.get(arm, 0.0)) > REALISED_TOLERANCE:
                self._not_followed = (
                    f"arm {arm} is meant to get {shares.get(arm, 0.0):.1%} of the requests and gets "
                    f"{realised:.1%}; look for sticky sessions, or another route to the same backend"
                )

    # ---- what was written -----------------------------------------------------------------

    def begin_write(self, monotonic: float) -> None:
        """The weights are about to be written; until it is known that they were, they are not."""
        self._in_sync, self._in_sync_since = False, math.inf
        self._asserted_at = monotonic

    def end_write(self) -> None:
        """The route carries the weights."""
        self._in_sync = True

    def set_refusal(self, message: str | None) -> None:
        """The API server's words where it refused a write of weights or replicas; None where it did not."""
        self._refused = message

    # ---- what it means --------------------------------------------------------------------

    @property
    def in_sync(self) -> bool:
        """Whether the route has been seen, or made, to carry the intended weights."""
        return self._in_sync

    def may_assert(self, monotonic: float) -> bool:
        """Whether weights that differ are written now.

        At once, normally. In a contest the back-off doubles with every further change, so that
        two controllers that disagree do not flood the API server and the gateway.
        """
        return monotonic >= self._asserted_at + self.back_off(monotonic)

    def back_off(self, monotonic: float) -> float:
        """Seconds between two times that the weights are written."""
        excess = len(self._recent(monotonic)) - CONTEST_PATIENCE
        return 0.0 if excess <= 0 else min(5.0 * 2**excess, CONTEST_LONGEST)

    def state(self, placement: Placement, monotonic: float) -> RouteState:
        """What condition TrafficInSync says."""
        followed = None if self._not_followed is None else (reasons.NOT_FOLLOWED, self._not_followed)
        refused = None if self._refused is None else (reasons.WRITE_REFUSED, self._refused)
        return RouteState(
            refused
            or self._contested(monotonic)
            or _unresolved(placement)
            or self._not_accepted(monotonic)
            or followed
        )

    def _recent(self, monotonic: float) -> tuple[float, ...]:
        """The changes by others that belong to the contest that is going on now."""
        return tuple(moment for moment in self._changed_at if monotonic - moment < CONTEST_SECONDS)

    def _contested(self, monotonic: float) -> Trouble:
        changes = len(self._recent(monotonic))
        if changes <= CONTEST_PATIENCE:
            return None
        return (
            reasons.WEIGHTS_CONTESTED,
            f"another writer changed the weights {changes} times in {CONTEST_SECONDS:g} s; they are "
            f"re-asserted every {self.back_off(monotonic):g} s. Find who writes the route "
            f"(metadata.managedFields), and let it ignore the weights of backendRefs",
        )

    def _not_accepted(self, monotonic: float) -> Trouble:
        if self._unaccepted is None or monotonic - self._unaccepted[1] <= ACCEPT_SECONDS:
            return None
        return (
            reasons.ROUTE_NOT_ACCEPTED,
            f"no gateway has accepted generation {self._unaccepted[0]} of the route in {ACCEPT_SECONDS:g} s; "
            f"see its status.parents",
        )


def _unresolved(placement: Placement) -> Trouble:
    words = placement.router.unresolved(placement.route)
    return None if words is None else (reasons.BACKEND_NOT_FOUND, f"the gateway says: {words}")
