"""How the route of one resource stands to its intention, and what is known of its other writers.

One object a resource, which owns what it remembers: it is told what was seen and what was
written, and says what that means. Times called ``monotonic`` are by that clock, in seconds;
times called ``wall`` are seconds since the Unix epoch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from bandit_operator.adapters.kubernetes import FIELD_MANAGER
from bandit_operator.core import reasons
from bandit_operator.core.decision import Intention
from bandit_operator.core.model import Problem
from bandit_operator.errors import APIError, APIUnreachable
from bandit_operator.reconcile import problems
from bandit_operator.reconcile.contest import CONTEST_SECONDS, Contest
from bandit_operator.reconcile.generated import Change, Unkept
from bandit_operator.reconcile.placement import Placement
from bandit_operator.reconcile.realised import Realised
from bandit_operator.routers import Located
from bandit_operator.status.overview import RouteState

HARMFUL_SECONDS = 1.0
"""In a contest, harmful weights are re-asserted at most this often."""
ACCEPT_SECONDS = 10.0
"""How long a gateway may take to accept a generation before users are told."""
LEFT_SECONDS = 300.0
"""How long the word of a gateway counts that the route does not name any more."""
FOLLOW_SECONDS = 3.0
"""How long a gateway and its counters may take to follow new weights."""
KEPT_SECONDS = 600.0
"""After so long it is tried again whether the API server keeps what a template says."""
SHOWN_REQUESTS = 20.0
"""Of fewer requests in a window no share is shown."""


class RouteSync:
    """The route of one resource, as its weights are re-asserted."""

    def __init__(self, foreign_changes: int = 0) -> None:
        self.foreign_changes = foreign_changes
        """How often another writer has changed the weights."""
        self.realised: Mapping[str, float] = {}
        """Share of the newest window's requests by arm, where requests are counted."""
        self._in_sync = False  # the route has been seen, or made, to carry the intended weights
        self._in_sync_since = math.inf  # since when it is known to, by the wall clock
        self._contest = Contest()  # of weights that others set
        self._asserted_at = -math.inf  # when we wrote it last, monotonic
        self._other_weights: Mapping[int, int] | None = None  # weights of other backends while in sync
        self._has_drained = False  # backends that were arms have been set to weight 0
        self._writers: tuple[str, ...] = ()  # field managers that write the rules, newest first
        self._accepted: int | None = None  # the newest generation that was accepted
        self._unaccepted_since: float | None = None  # since when no generation was seen accepted, monotonic
        self._shared_out = Realised()  # requests as they were meant to go, and as they went
        self._left: dict[str, float] = {}  # gateways that the route names no more, and since when, monotonic
        self._refused: str | None = None  # the API server's words
        self._unkept: tuple[Change, ...] = ()  # what the API server did not keep of a template
        self._unkept_at = -math.inf  # when that was seen, monotonic
        self._failed: tuple[str, float] | None = None  # in which way, and since when no write went through

    # ---- what was seen --------------------------------------------------------------------

    def observe_weights(
        self,
        placement: Placement,
        intention: Intention,
        gone: frozenset[int] = frozenset(),
        *,
        monotonic: float,
        wall: float,
    ) -> bool:
        """Take in the weights that the route carries; True where another writer has changed them.

        So is a generated route changed that is gone, or no longer says what its template does.

        ``gone`` are the indices of backends that were arms and are to have no weight.

        Weights that differ before the route was ever seen in sync are a write of ours that is
        still to come, as after a crash between commit and apply.
        """
        others = placement.located.other_weights
        undone = self._has_drained and any(others[at] > 0 for at in gone)
        if placement.located.weights == intention.weights and not undone and not placement.edited:
            self._in_sync = True
            self._other_weights = placement.located.other_weights
            self._in_sync_since = min(self._in_sync_since, wall)
            self._failed = None
            return False
        self._in_sync_since = math.inf
        if not self._in_sync:
            return False
        self._in_sync = False
        self._writers = placement.router.writers(placement.route)
        self.foreign_changes += 1
        self._contest.add(monotonic)
        return True

    def observe_parents(self, placement: Placement, monotonic: float) -> None:
        """Take in which gateways the route does not name any more."""
        left = placement.router.left(placement.route)
        self._left = {name: self._left.get(name, monotonic) for name in left}

    def carriers(self, placement: Placement, monotonic: float) -> tuple[str, ...]:
        """The gateways that may carry the route: of those that it does not name any more none after a while.

        One that runs takes its word back then; that of one that is gone stays for ever.
        """
        over = {name for name, since in self._left.items() if monotonic >= since + LEFT_SECONDS}
        staying = tuple(name for name in placement.parents if name not in over)
        return staying or placement.parents

    def observe_acceptance(self, placement: Placement, monotonic: float) -> None:
        """Take in whether a gateway has accepted the route at its present generation.

        A further generation begins no new wait: a gateway that is stuck would never be told of
        where another writer changes the route now and then.
        """
        if placement.accepted:
            self._accepted, self._unaccepted_since = placement.generation, None
        elif self._unaccepted_since is None:
            self._unaccepted_since = monotonic

    def observe_requests(
        self, requests: Mapping[str, float], intention: Intention, names: Sequence[str], start: float
    ) -> None:
        """Compare how requests were shared out with the weights that were in force.

        Only windows that began after the gateway had the weights can tell.

        Args:
            requests: requests by arm in the window.
            intention: the weights.
            names: all arms.
            start: beginning of the window, seconds since the Unix epoch.
        """
        total = sum(requests.values())
        if total >= SHOWN_REQUESTS:
            self.realised = {arm: requests.get(arm, 0.0) / total for arm in names}
        if total > 0 and start >= self._in_sync_since + FOLLOW_SECONDS:
            self._shared_out.add(requests, intention.shares(), names)

    # ---- what was written -----------------------------------------------------------------

    def begin_write(self, monotonic: float) -> None:
        """The weights are about to be written; until it is known that they were, they are not."""
        self._in_sync, self._in_sync_since = False, math.inf
        self._asserted_at = monotonic

    def expect_change(self) -> None:
        """The spec says something else of the route now: that it differs is nobody's change."""
        self._in_sync = False
        self._unkept = ()

    def note_unkept(self, changes: tuple[Change, ...], monotonic: float) -> None:
        """What the API server has not kept of a route that was just made or mended by its template."""
        self._unkept, self._unkept_at = changes, monotonic

    def end_write(self, other_weights: Mapping[int, int], gone: frozenset[int] = frozenset()) -> None:
        """The route carries the weights, beside these of other backends by their index.

        ``gone`` are those of them that were arms and have no weight any more.
        """
        self._in_sync, self._other_weights, self._has_drained = True, other_weights, bool(gone)
        self._failed = None

    def note_failed(self, error: APIError | APIUnreachable, monotonic: float) -> None:
        """A write was made from an old view, or was not answered; normally the next one goes through."""
        words = f"no write was answered in time, as where an admission webhook hangs: {error}"
        if isinstance(error, APIError):
            words = (
                "each write has met with a conflict, as where an admission webhook refuses it or the watch "
                f"of routes lags: {error}"
            )
        self._failed = (words, monotonic if self._failed is None else self._failed[1])

    def set_refusal(self, message: str | None) -> None:
        """The API server's words where it refused to write it; None where it did not."""
        self._refused = message

    # ---- what it means --------------------------------------------------------------------

    @property
    def in_sync(self) -> bool:
        """Whether the route has been seen, or made, to carry the intended weights."""
        return self._in_sync

    def may_assert(self, monotonic: float, *, harmful: bool) -> bool:
        """Whether weights that differ are written now.

        At once, normally. In a contest the back-off doubles with every further change, so that
        two controllers that disagree do not flood the API server and the gateway; but weights that
        send requests where nothing can serve, or to an arm with a verdict, are not waited for.
        """
        least = 0.0 if self.back_off(monotonic) == 0 else HARMFUL_SECONDS
        wait = least if harmful else self.back_off(monotonic)
        return monotonic >= self._asserted_at + wait

    def unkept(self, monotonic: float) -> Unkept:
        """What of a generated route is not kept, and whether it is to be tried again."""
        return Unkept(self._unkept, monotonic >= self._unkept_at + KEPT_SECONDS)

    def knows_others(self, located: Located, gone: frozenset[int]) -> bool:
        """Whether the other backends of the rule have the weights that they had while it was in sync.

        Those that were arms and are to have no weight, at the indices ``gone``, are not asked.
        """
        if self._other_weights is None:
            return False
        return all(
            self._other_weights.get(at) == located.other_weights.get(at)
            for at in {*self._other_weights, *located.other_weights} - gone
        )

    def is_contested(self, monotonic: float) -> bool:
        """Whether another writer keeps setting other weights."""
        return self._contest.is_on(monotonic)

    def back_off(self, monotonic: float) -> float:
        """Seconds between two times that the weights are written."""
        return self._contest.back_off(monotonic)

    def said_in(self, monotonic: float) -> float | None:
        """Seconds until users are told that the route is not accepted; None where no such wait goes on."""
        if self._unaccepted_since is None:
            return None
        left = self._unaccepted_since + ACCEPT_SECONDS - monotonic
        return left if left >= 0 else None

    def state(
        self,
        placement: Placement,
        monotonic: float,
        write_at: float | None = None,
        gone: frozenset[int] = frozenset(),
    ) -> RouteState:
        """What condition TrafficInSync says.

        Args:
            placement: the route as it was looked at.
            monotonic: seconds by the monotonic clock.
            write_at: when weights that it does not carry yet are written, seconds since the Unix epoch.
            gone: indices of backends that are no arm and lose their weight now.
        """
        words = self._shared_out.not_followed()
        not_followed = None if words is None else Problem(reasons.NOT_FOLLOWED, words)
        refused = None if self._refused is None else Problem(reasons.WRITE_REFUSED, self._refused)
        return RouteState(
            refused
            or self._always_failed(monotonic)
            or self._contested(monotonic)
            or _missing(placement)
            or _unresolved(placement)
            or _unprogrammed(placement)
            or placement.left
            or _failing(placement, gone)
            or self._not_accepted(placement, monotonic)
            or not_followed,
            write_at=write_at,
            unseen=placement.unseen,
        )

    def _always_failed(self, monotonic: float) -> Problem | None:
        if self._failed is None or monotonic - self._failed[1] <= ACCEPT_SECONDS:
            return None
        return Problem(
            reasons.WRITE_REFUSED,
            f"the route does not carry the weights of status.arms: for more than {ACCEPT_SECONDS:g} s "
            f"{self._failed[0]}",
        )

    def _contested(self, monotonic: float) -> Problem | None:
        if not self._contest.is_on(monotonic):
            return None
        changes = self._contest.changes(monotonic)
        return Problem(
            reasons.WEIGHTS_CONTESTED,
            f"another writer changed the weights {changes} times in {CONTEST_SECONDS:g} s; they are "
            f"re-asserted every {self.back_off(monotonic):g} s, and every {HARMFUL_SECONDS:g} s where they "
            f"send requests to an arm that must have none, or to nothing. The route's rules are written by "
            f"{self._rivals()} (metadata.managedFields): let it ignore the weights of backendRefs",
        )

    def _rivals(self) -> str:
        rivals = [one for one in self._writers if one and one != FIELD_MANAGER]
        return ", ".join(rivals) or "a writer without a name"

    def _not_accepted(self, placement: Placement, monotonic: float) -> Problem | None:
        if self._unaccepted_since is None:
            return None
        words, who = placement.router.refused(placement.route), placement.pending
        beside = f"; {who} may still go by older weights, for which no arm is scaled down" if who else ""
        if words is not None:
            return Problem(reasons.ROUTE_NOT_ACCEPTED, f"the gateway refuses the route: {words}{beside}")
        see = f"see its status.parents{beside}"
        if placement.generation == self._accepted:
            generation = f"generation {self._accepted} of the route"
            words = f"{who} does not accept {generation}" if who else f"no gateway accepts {generation}"
            return Problem(reasons.ROUTE_NOT_ACCEPTED, f"{words} any more; {see}")
        if monotonic - self._unaccepted_since <= ACCEPT_SECONDS:
            return None
        if not who:
            return Problem(reasons.ROUTE_NOT_ACCEPTED, _unheard(placement))
        return Problem(
            reasons.ROUTE_NOT_ACCEPTED,
            f"{who} has not accepted generation {placement.generation} of the route, nor any "
            f"before it that was new in the last {ACCEPT_SECONDS:g} s; {see}",
        )


def _unheard(placement: Placement) -> str:
    parents = ", ".join(placement.router.parents(placement.route)[: problems.MOST_NAMED])
    if not parents:
        return "the route has no parentRefs, so no gateway carries it; name one in its spec.parentRefs"
    return (
        f"no gateway accepts generation {placement.generation} of the route; its parentRefs name {parents}: "
        f"see that it exists, that a controller serves it, and that its listeners allow routes of "
        f"{placement.route['metadata']['namespace']}"
    )


def _unprogrammed(placement: Placement) -> Problem | None:
    if placement.unprogrammed is None:
        return None
    words = "requests there are not answered, or by older weights, for which no arm is scaled down"
    return Problem(reasons.GATEWAY_NOT_PROGRAMMED, f"{placement.unprogrammed}; {words}")


def _failing(placement: Placement, gone: frozenset[int]) -> Problem | None:
    failing = {at: backend for at, backend in placement.failing.items() if at not in gone}
    if not failing:
        return None
    located = placement.located
    total = sum(located.weights.values()) + sum(located.other_weights.values())
    share = sum(located.other_weights[at] for at in failing) / total
    return Problem(
        reasons.NO_READY_ENDPOINT,
        f"{', '.join(dict.fromkeys(map(str, failing.values())))} in rule {located.rule} is no arm and has no "
        f"ready endpoint, so that {share:.1%} of the requests fail, and its weight is not managed: set it to "
        f"0, or fix what is behind it; spec.traffic.removedArms: Drain does so for what was an arm",
    )


def _missing(placement: Placement) -> Problem | None:
    if not placement.missing:
        return None
    metadata = placement.route["metadata"]
    named = f"{placement.router.kind} {metadata['namespace']}/{metadata['name']}"
    return Problem(
        reasons.ROUTE_NOT_FOUND, f"there is no {named}; it is made with the weights of status.arms"
    )


def _unresolved(placement: Placement) -> Problem | None:
    words = None if placement.unmirrored else placement.router.unresolved(placement.route)
    return None if words is None else Problem(reasons.BACKEND_UNRESOLVED, f"the gateway says: {words}")
