"""Whether an arm can serve: a fact, whatever the manifest says.

An arm is servable while its backend is in the rule and exists, the gateway resolves it, and
something behind it answers: a ready endpoint of its Service, or for backends of other kinds an
available replica of its scale target. Not knowing is not a fault.

An arm that comes and goes is not servable each moment that it is up: after its second outage in
ten minutes it must stay up for a while before it gets traffic, and longer with each further one.
"""

from __future__ import annotations

from bandit_operator.core import reasons
from bandit_operator.core.model import ArmFacts, ArmStanding, Problem

SAME_TROUBLE_SECONDS = 600.0
"""An outage within this time of the return from the last one belongs to the same trouble."""
FIRST_PROOF_SECONDS = 5.0
"""How long an arm must stay up after its second outage; doubled with each further one."""
LONGEST_PROOF_SECONDS = 300.0


def fault(facts: ArmFacts) -> Problem | None:
    """Why the arm cannot serve, or None where it can as far as is known."""
    if not facts.in_rule:
        return Problem(reasons.BACKEND_NOT_IN_RULE, "its backend is not in the route's rule")
    if not facts.exists:
        return Problem(reasons.BACKEND_NOT_FOUND, "its backend or scale target does not exist")
    if facts.resolved is False:
        return Problem(reasons.BACKEND_UNRESOLVED, "the gateway cannot resolve its backend")
    if facts.ready_endpoints is not None:
        if facts.ready_endpoints > 0:
            return None
        if facts.replicas == 0:
            return Problem(reasons.NO_REPLICAS, "its scale target asks for no replicas")
        return Problem(reasons.NO_READY_ENDPOINT, "its Service has no ready endpoint at the route's port")
    if facts.available is False:
        return Problem(reasons.NO_AVAILABLE_REPLICA, "its scale target has no available replica")
    return None


def is_up(facts: ArmFacts) -> bool:
    """Whether an arm that has no traffic may get some: there is no fault, and what tells of them was read."""
    return fault(facts) is None and not facts.unread


def outages(standing: ArmStanding, now: float) -> int:
    """Outages of the present trouble, the one that begins now included."""
    return standing.outages + 1 if now - standing.since < SAME_TROUBLE_SECONDS else 1


def proof_seconds(outages: int) -> float:
    """How long an arm must stay up before it gets traffic again, after so many outages."""
    if outages <= 1:
        return 0.0
    return min(FIRST_PROOF_SECONDS * 2.0 ** min(outages - 2, 20), LONGEST_PROOF_SECONDS)


def proven_at(standing: ArmStanding) -> float | None:
    """When an arm that is up again will have stayed up for long enough; None where it is not up."""
    return None if standing.up_since is None else standing.up_since + proof_seconds(standing.outages)
