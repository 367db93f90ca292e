"""Whether the route's rule mirrors requests to the shadow server, and whether it may.

Served traffic comes first: a filter that a gateway does not take is taken out again at once, and not tried
again before the spec changes or an hour has passed. Times called ``monotonic`` are by that clock, in seconds;
``now`` is seconds since the Unix epoch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bandit_operator.api.shadow import Mirror
from bandit_operator.api.status import Condition
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core import reasons
from bandit_operator.core.model import Problem
from bandit_operator.core.quantities import parse_decimal
from bandit_operator.errors import APIError
from bandit_operator.reconcile.contest import CONTEST_SECONDS, Contest
from bandit_operator.reconcile.gateway_features import Features
from bandit_operator.reconcile.placement import Placement
from bandit_operator.routers import Router
from bandit_operator.routers.mirror import Mirroring, MirrorTarget, has_share, share_of
from bandit_operator.status.document import time_of

REFUSED_SECONDS = 3600.0
"""After this long a filter that was refused is tried again."""
FAILED_SECONDS = 60.0
"""The same where the API server failed."""
_MIRROR, _PERCENTAGE, _SEVERAL = "RequestMirror", "RequestPercentageMirror", "RequestMultipleMirrors"
"""Features of a gateway, after the kind of the route."""
LASTING = (reasons.MIRROR_REFUSED, reasons.MIRROR_UNSUPPORTED)
"""Troubles that are remembered over a restart, by the condition."""


@dataclass(frozen=True, slots=True)
class MirrorFacts:
    """What a plan stands on, beside the route."""

    known: tuple[str, ...]
    """Targets of filters that are the operator's, as the status and the route remember them."""
    features: Features = field(default_factory=Features)
    """What the route's gateways can do."""
    exists: bool = True
    """Whether the Service of the shadow server is there."""
    shared_with: str | None = None
    """An older resource that mirrors to the same Service, as NAMESPACE/NAME, or None."""


@dataclass(frozen=True, slots=True)
class MirrorPlan:
    """What the rule is to mirror."""

    wanted: Mirroring | None
    """None for nothing."""
    ours: frozenset[MirrorTarget]
    """Targets whose filters are the operator's."""
    known: tuple[str, ...]
    """What is to be remembered of them before anything is written."""
    trouble: Problem | None = None
    """Why requests are not mirrored as the spec asks."""
    in_place: bool = False
    """Whether the rule mirrors what the spec asks for."""


def target_of(resource: BanditDeployment) -> MirrorTarget | None:
    """Where the operator is to mirror requests to; None where it is not."""
    shadow = resource.spec.shadow
    if shadow is None or shadow.mirror is not Mirror.MANAGED or shadow.backend_ref is None:
        return None
    ref = shadow.backend_ref
    return MirrorTarget(ref.namespace or resource.metadata.namespace, ref.name, ref.port)


class MirrorSync:
    """The mirror of one resource, of one generation of its spec."""

    def __init__(
        self, said: Condition | None = None, generation: int | None = None, now: float = math.inf
    ) -> None:
        """Begin; ``said`` is the condition ShadowAvailable of before, from which a refusal is remembered.

        One of a time that is none, or yet to come, counts as of ``now``: a status is input like any other.
        """
        self._refused: Problem | None = None
        self._until = -math.inf  # when it is tried again
        self._shareless = False  # the API server keeps no share
        self._written: int | None = None  # the route's generation that our filter made
        self._in_place = False  # the filter has been seen, or put in
        self._written_at = -math.inf  # monotonic
        self._contest = Contest()  # of filters that others took out
        if said is not None and said.reason in LASTING and said.observed_generation == generation:
            since = time_of(said.last_transition_time)
            known = now if since is None else min(since, now)
            self._refused, self._until = Problem(said.reason, said.message), known + REFUSED_SECONDS

    def observe(
        self, resource: BanditDeployment, placement: Placement, *, now: float, monotonic: float
    ) -> None:
        """Take in whether the filter is in the rule, and what a gateway says of it."""
        target = target_of(resource)
        if target is None:
            return
        in_place = target in placement.router.mirrors(placement.route, placement.located.rule)
        if self._in_place and not in_place:
            self._contest.add(monotonic)
        self._in_place = in_place
        if now >= self._until:
            self._refused = None
        if not in_place:
            return
        words = placement.router.refused(placement.route)
        if words is not None and (placement.generation == self._written or _is_about(words, target)):
            self._refuse(f"the gateway refuses the route with it: {words}", now)
        elif placement.unmirrored is not None and target.name in placement.unmirrored:
            self._refuse(f"the gateway cannot resolve it: {placement.unmirrored}", now)

    def plan(
        self,
        resource: BanditDeployment,
        placement: Placement,
        facts: MirrorFacts,
        *,
        now: float,
        monotonic: float,
    ) -> MirrorPlan:
        """What the rule is to mirror now; ``placement`` is its route, as it was observed."""
        there = placement.router.mirrors(placement.route, placement.located.rule)
        target, shadow = target_of(resource), resource.spec.shadow
        remembered = {one for one in there if str(one) in facts.known}
        if target is None or shadow is None:
            return MirrorPlan(None, frozenset(remembered), _known(remembered))
        ours = frozenset({*remembered, target})
        others = [one for one in there if one not in ours]
        trouble = _unsupported(facts.features, placement.router.kind, others) or self._trouble(
            target, facts, now
        )
        if trouble is not None:
            return MirrorPlan(None, ours, _known(one for one in there if one in ours), trouble)
        keeps_share = not self._shareless and f"{placement.router.kind}{_PERCENTAGE}" in facts.features.names
        share = share_of(parse_decimal(shadow.share)) if keeps_share else None
        contested = self._contested(monotonic)
        return MirrorPlan(Mirroring(target, share), ours, _known(ours), contested, in_place=target in there)

    def may_write(self, monotonic: float) -> bool:
        """Whether the filter is put in now: in a contest at growing distances."""
        return monotonic >= self._written_at + self._contest.back_off(monotonic)

    def may_tell(self) -> bool:
        """Whether the route is told again for whom it mirrors where nothing else is to be written.

        Once, as after an update of the operator: a writer who takes annotations out is not fought.
        """
        return self._written is None

    def written(self, plan: MirrorPlan, router: Router, route: Mapping[str, Any], rule: int) -> None:
        """Take in the API server's answer to a write."""
        wanted = plan.wanted
        self._in_place = wanted is not None and wanted.target in router.mirrors(route, rule)
        self._written = int(route["metadata"]["generation"])
        if wanted is None:
            return
        if not self._in_place:
            words = "the Gateway API that is installed does not keep RequestMirror filters; update it"
            self._refused, self._until = Problem(reasons.MIRROR_UNSUPPORTED, words), math.inf
        elif wanted.share is not None and not has_share(route, rule, wanted.target):
            self._shareless = True

    def began(self, monotonic: float) -> None:
        """The filter is about to be written."""
        self._written_at = monotonic

    def failed(self, error: APIError, now: float) -> None:
        """The API server has refused a write, or failed: nothing was written."""
        invalid = error.status in (400, 422)
        reason = reasons.MIRROR_UNSUPPORTED if invalid else reasons.MIRROR_REFUSED
        self._refused = Problem(reason, f"the API server refused the RequestMirror filter: {error}")
        self._until = now + (REFUSED_SECONDS if error.status < 500 else FAILED_SECONDS)

    def _refuse(self, words: str, now: float) -> None:
        again = f"tried again after {REFUSED_SECONDS:g} s or when the spec changes"
        message = f"{words}; the RequestMirror filter is taken out, and {again}"
        self._refused, self._until = Problem(reasons.MIRROR_REFUSED, message), now + REFUSED_SECONDS

    def _trouble(self, target: MirrorTarget, facts: MirrorFacts, now: float) -> Problem | None:
        """Why nothing may be mirrored."""
        if not facts.exists:
            return Problem(
                reasons.BACKEND_NOT_FOUND,
                f"spec.shadow.backendRef names Service {target.namespace}/{target.name}, which does not "
                f"exist; create it",
            )
        if facts.shared_with is not None:
            return Problem(
                reasons.MIRROR_SHARED,
                f"BanditDeployment {facts.shared_with} is older and mirrors to {target} already; "
                f"copies of the two routes would be mixed: give this one a shadow server of its own in "
                f"spec.shadow.backendRef",
            )
        return self._refused if now < self._until else None

    def _contested(self, monotonic: float) -> Problem | None:
        if not self._contest.is_on(monotonic):
            return None
        return Problem(
            reasons.MIRROR_REFUSED,
            f"another writer took the RequestMirror filter out {self._contest.changes(monotonic)} times in "
            f"{CONTEST_SECONDS:g} s; it is put in every {self._contest.back_off(monotonic):g} s: let that "
            f"writer leave the rule's filters alone, or set spec.shadow.mirror to Manual",
        )


def _unsupported(features: Features, kind: str, others: Sequence[MirrorTarget]) -> Problem | None:
    """Why the route's gateways may not be sent the filter: it could cost every request of the rule."""
    fix = "use a gateway that does, or mirror by other means and set spec.shadow.mirror to Manual"
    if features.unknown is not None:
        words = f"nothing is mirrored: it is not known whether the route's gateways can: {features.unknown}"
        return Problem(reasons.MIRROR_UNSUPPORTED, f"{words}; {fix}")
    for feature in (f"{kind}{_MIRROR}", *([f"{kind}{_SEVERAL}"] if others else [])):
        if feature not in features.names:
            words = f"{features.said_by} does not list {feature} in status.supportedFeatures"
            return Problem(
                reasons.MIRROR_UNSUPPORTED, f"{words}, and such a gateway may refuse every request; {fix}"
            )
    return None


def _is_about(words: str, target: MirrorTarget) -> bool:
    """Whether a gateway's words are about the filter."""
    lower = words.lower()
    return "mirror" in lower or "filter" in lower or target.name in words


def _known(targets: Iterable[MirrorTarget]) -> tuple[str, ...]:
    return tuple(sorted(map(str, targets)))
