"""How the route stands to the intention: foreign weights, contests, acceptance, realised shares."""

from __future__ import annotations

from collections.abc import Mapping

from bandit_operator import apply
from bandit_operator.core import reasons
from bandit_operator.core.decide import Intention
from bandit_operator.observe import Placement
from bandit_operator.report import Traffic
from bandit_operator.session import Session

ACCEPT_SECONDS = 10.0
"""How long a gateway may take to accept a generation before users are told."""
REALISED_TOLERANCE = 0.1
"""Realised shares within this of the weights are noise or a gateway's rounding."""
REALISED_REQUESTS = 200.0
"""Fewer requests than this say nothing of how traffic is shared out."""


def foreign_weights(session: Session, placement: Placement, before: Intention, now: float) -> bool:
    """Notice that somebody else has changed the weights, once a change.

    Weights that differ before the route was ever seen in sync are a write of ours that is
    still to come, as after a crash between commit and apply. ``now`` is monotonic.
    """
    if placement.located.weights == before.weights:
        session.in_sync = True
        return False
    if not session.in_sync:
        return False
    session.in_sync = False
    session.foreign_changes += 1
    session.changed_at = (*apply.recent(session.changed_at, now), now)
    return True


def realised_shares(requests: Mapping[str, float], arms: tuple[str, ...]) -> dict[str, float] | None:
    """Share of the requests that each arm got, or None where too few were counted."""
    total = sum(requests.values())
    if total < REALISED_REQUESTS:
        return None
    return {arm: requests.get(arm, 0.0) / total for arm in arms}


def traffic_of(session: Session, placement: Placement, before: Intention, moves: bool, now: float) -> Traffic:
    """What condition TrafficInSync says. ``moves``: the weights change in this pass; ``now`` is monotonic."""
    trouble = (
        _refused(session)
        or _contested(session, now)
        or _unresolved(placement)
        or _unaccepted(session, placement, now)
        or (None if moves else _not_followed(session, before))
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


def _not_followed(session: Session, before: Intention) -> Trouble:
    shares = before.shares()
    for arm, realised in session.realised.items():
        if abs(realised - shares.get(arm, 0.0)) > REALISED_TOLERANCE:
            return (
                reasons.NOT_FOLLOWED,
                f"arm {arm} is meant to get {shares.get(arm, 0.0):.1%} of the requests and gets "
                f"{realised:.1%}; look for sticky sessions, or another route to the same backend",
            )
    return None
