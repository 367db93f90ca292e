"""How the route stands to the intention: foreign weights, contests, acceptance, realised shares."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bandit_operator.core import reasons
from bandit_operator.core.decide import Intention
from bandit_operator.reconcile import apply
from bandit_operator.reconcile.observe import Placement
from bandit_operator.status.conditions import Traffic
from bandit_operator.status.session import Session

ACCEPT_SECONDS = 10.0
"""How long a gateway may take to accept a generation before users are told."""
REALISED_TOLERANCE = 0.1
"""Realised shares within this of the weights are noise or a gateway's rounding."""
FOLLOW_SECONDS = 3.0
"""How long a gateway and its counters may take to follow new weights."""
REALISED_REQUESTS = 200.0
"""Fewer requests than this say nothing of how traffic is shared out."""


def foreign_weights(
    session: Session, placement: Placement, before: Intention, now: float, wall: float
) -> bool:
    """Notice that somebody else has changed the weights, once a change.

    Weights that differ before the route was ever seen in sync are a write of ours that is
    still to come, as after a crash between commit and apply. ``now`` is monotonic, ``wall``
    is in seconds since the Unix epoch.
    """
    if placement.located.weights == before.weights:
        session.in_sync = True
        session.weights_since = min(session.weights_since, wall)
        return False
    session.weights_since = math.inf
    if not session.in_sync:
        return False
    session.in_sync = False
    session.foreign_changes += 1
    session.changed_at = (*apply.recent(session.changed_at, now), now)
    return True


def compare_shares(session: Session, requests: Mapping[str, float], before: Intention, start: float) -> None:
    """Compare how requests were shared out in a window with the weights that were in force.

    Only a window that began after the gateway had the weights can tell. Too few requests, or
    a window of changing weights, leave what was found before.

    Args:
        session: Gets the shares, and the difference where there is one.
        requests: Requests by arm in the window.
        before: The weights.
        start: Beginning of the window, seconds since the Unix epoch.
    """
    total = sum(requests.values())
    if total < REALISED_REQUESTS:
        return
    session.realised = {arm: requests.get(arm, 0.0) / total for arm in session.experiment.names}
    if start < session.weights_since + FOLLOW_SECONDS:
        return
    session.not_followed = None
    shares = before.shares()
    for arm, realised in session.realised.items():
        if abs(realised - shares.get(arm, 0.0)) > REALISED_TOLERANCE:
            session.not_followed = (
                f"arm {arm} is meant to get {shares.get(arm, 0.0):.1%} of the requests and gets "
                f"{realised:.1%}; look for sticky sessions, or another route to the same backend"
            )


def traffic_of(session: Session, placement: Placement, now: float) -> Traffic:
    """What condition TrafficInSync says; ``now`` is monotonic."""
    trouble = (
        _refused(session)
        or _contested(session, now)
        or _unresolved(placement)
        or _unaccepted(session, placement, now)
        or (None if session.not_followed is None else (reasons.NOT_FOLLOWED, session.not_followed))
    )
    return Traffic(trouble)


Trouble = tuple[str, str] | None


def _refused(session: Session) -> Trouble:
    return None if session.refused is None else (reasons.WRITE_REFUSED, session.refused)


def _contested(session: Session, now: float) -> Trouble:
    if not apply.is_contested(session.changed_at, now):
        return None
    distance = apply.put_back_distance(session.changed_at, now)
    return (
        reasons.WEIGHTS_CONTESTED,
        f"somebody else changed the weights {len(apply.recent(session.changed_at, now))} times in "
        f"{apply.CONTEST_SECONDS:g} s; they are put back every {distance:g} s. Find who writes the route "
        f"(metadata.managedFields), and let it ignore the weights of backendRefs",
    )


def _unresolved(placement: Placement) -> Trouble:
    words = placement.router.unresolved(placement.route)
    return None if words is None else (reasons.BACKEND_NOT_FOUND, f"the gateway says: {words}")


def _unaccepted(session: Session, placement: Placement, now: float) -> Trouble:
    if placement.accepted:
        session.unaccepted = None
        return None
    if session.unaccepted is None or session.unaccepted[0] != placement.generation:
        session.unaccepted = (placement.generation, now)
    if now - session.unaccepted[1] <= ACCEPT_SECONDS:
        return None
    return (
        reasons.ROUTE_NOT_ACCEPTED,
        f"no gateway has accepted generation {placement.generation} of the route in {ACCEPT_SECONDS:g} s; "
        f"see its status.parents",
    )
