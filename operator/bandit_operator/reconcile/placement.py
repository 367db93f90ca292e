"""Gather what the cluster shows of one resource: route, rule, backends, Pods, and who else uses them.

On a normal tick this asks the API server nothing, because the watches keep the cache. What the
cache lacks is asked for once before it is called missing: the lists behind the watches may not have
come yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bandit_operator.adapters.kubernetes import KubernetesAPI, resource_path
from bandit_operator.api.references import (
    Key,
    KindKey,
    ScaleTargetReference,
    backends_of,
    identity_of,
    route_of,
    scale_targets_of,
)
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core import drain, reasons, servable
from bandit_operator.core.model import OUT_STATES, ArmFacts, ArmStanding, Backend, Mode, Problem
from bandit_operator.errors import APIError, APIUnreachable, NotFound
from bandit_operator.reconcile import blame, former, gateways, generated, left_behind, neighbours, problems
from bandit_operator.reconcile.backends import Backends, has_endpoints
from bandit_operator.reconcile.generated import Unkept, Wanted
from bandit_operator.routers import Located, Router, router_of
from bandit_operator.status.committed import Committed
from bandit_operator.watch.cache import Cache
from bandit_operator.watch.scale_targets import TARGET_KINDS, ScaleTarget, from_scale, scale_target

WATCHED_TARGETS = {(group, kind) for group, _, _, kind in TARGET_KINDS}
"""Scale targets whose state the watches bring; others are read when they are needed."""

_NO_OUTAGE = (reasons.BACKEND_REFUSED, reasons.SCALE_TARGET_MISMATCH, reasons.SCALE_TARGET_REFUSED)
"""What can be wrong with an arm that serves all the same."""
LONGEST_WORDS = 1000
"""Most characters of what gateways say that are kept: with a few of ours they fit into the status."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The route as it is now, and where the arms stand in it."""

    router: Router
    route: Mapping[str, Any]
    located: Located
    arms: Mapping[str, ArmFacts]
    unresolved: str | None
    """The gateway's words where it cannot resolve a backend, and does not say which arm's."""
    there: Mapping[str, Any] | None = None
    """A generated route as it is, where it is to be patched; ``route`` is as after that."""
    missing: bool = False
    """Whether a generated route is not there; ``route`` is what is to be made, then."""
    edited: bool = False
    """Whether it is gone, or other than its template says."""
    leaving: tuple[Backend, ...] = ()
    """Backends that were arms, and that the patch takes out."""
    unmirrored: str | None = None
    """The gateway's words where what it cannot resolve is no arm but a mirror, which serves nobody."""
    held: Problem | None = None
    """Why the spec no longer tells the rule, or anything; this is the one that it told before."""
    wrong: tuple[Problem, ...] = ()
    """What is wrong with the spec of single arms, while the others go on."""
    parents: tuple[str, ...] = ()
    """The gateways that accept the route at some generation, or did, by their names."""
    hindered: Mapping[str, str] = field(default_factory=dict)
    """Why the Pods of arms do not come, in a sentence each."""
    unprogrammed: str | None = None
    """What keeps a gateway from carrying the route as it is, though it accepts it."""
    unseen: str | None = None
    """Of which gateways it is not known whether they carry it, in words."""
    notes: tuple[str, ...] = ()
    """What is to be known of requests that reach arms otherwise than by their weights."""
    unwatched: bool = False
    """Whether no watch brings whether some arm can serve, so that it is read at each look."""
    failing: Mapping[int, Backend] = field(default_factory=dict)
    """Backends that are no arm, have weight and cannot serve, by their index."""
    former_routes: tuple[str, ...] = ()
    """Routes that the resource named before and that still send requests to its arms."""
    left: Problem | None = None
    """What is wrong where one of these sends requests to arms that cannot serve."""

    @property
    def amiss(self) -> Problem | None:
        """What is to be corrected in the spec or beside it, if anything is."""
        return problems.together((self.held, *self.wrong))

    @property
    def unserved(self) -> Mapping[str, str]:
        """Arms to which the route gives weight and which cannot serve, and the reason of each."""
        return {
            arm: fault.reason
            for arm, facts in self.arms.items()
            if facts.weight > 0 and (fault := servable.fault(facts)) is not None
        }

    @property
    def accepted(self) -> bool:
        """Whether the gateways have accepted the route as it is: all of them, and one at the least."""
        return bool(self.parents) and not self.router.pending(self.route, self.parents)

    @property
    def pending(self) -> str:
        """The gateways that have not and may use older weights, in words; empty where there is none."""
        return ", ".join(self.router.pending(self.route, self.parents)[: problems.MOST_NAMED])

    def besides(self, gone: frozenset[int] = frozenset()) -> tuple[str, ...]:
        """What is to be known of traffic that goes past the arms, or comes to them past their weights.

        ``gone`` are the indices of backends that are no arm, such as one taken out of the spec, and that lose
        their weight now.
        """
        unmanaged = self._unmanaged(gone)
        return self.notes if unmanaged is None else (unmanaged, *self.notes)

    def _unmanaged(self, gone: frozenset[int]) -> str | None:
        others = self.located.other_weights
        weights = {index: weight for index, weight in others.items() if weight > 0 and index not in gone}
        if not weights:
            return None
        share = sum(weights.values()) / (sum(weights.values()) + sum(self.located.weights.values()))
        return (
            f"backends of rule {self.located.rule} that are no arm have {share:.1%} of its traffic (index "
            f"{', '.join(map(str, sorted(weights)))}), which is not managed: make them arms, or set their "
            f"weight to 0, if that is not meant; spec.traffic.removedArms: Drain does so for those that were"
        )

    @property
    def task(self) -> str:
        """What is to be done to the route, in words."""
        if self.missing:
            return "make the route"
        return "set weights" if self.there is None else "keep the route as its template says"

    @property
    def generation(self) -> int:
        """Generation of the route."""
        return int(self.route["metadata"]["generation"])


class Locator:
    """Reads the cache, and the API server for what it lacks."""

    def __init__(self, cache: Cache, api: KubernetesAPI) -> None:
        self._cache = cache
        self._api = api
        self.backends = Backends(cache, api)

    async def place(
        self, resource: BanditDeployment, committed: Committed, unkept: Unkept
    ) -> Placement | Problem:
        """Find route, rule, backends and scale targets.

        Args:
            resource: The resource.
            committed: What its status holds. Once the resource runs, something of an arm that is not there
                takes out that arm and not the others.
            unkept: What a generated route was to say and was not let say.
        """
        reference = route_of(resource)
        router = router_of(reference)
        there = await self._route(router, (reference.namespace, reference.name))
        wanted = _wanted(resource, router, there, committed, unkept)
        if isinstance(wanted, Problem):
            return wanted
        route, backends = wanted.route, backends_of(resource)
        located, held = router.locate(route, reference.section, backends), None
        if isinstance(located, Problem):
            held = problems.of_template(located) if resource.spec.traffic.route_template else located
            again = router.find_again(route, committed.rule or "", backends)
            if again is None:
                return held
            located = again
        standings = committed.intention.standings if committed.intention else {}
        words = router.unresolved(route)
        blamed = blame.blamed(words, located.rule, backends) if words else frozenset()
        of_mirror = (
            words
            and not blamed
            and any(blame.names(words, one.backend) for one in router.mirrors(route, located.rule))
        )
        facts: dict[str, ArmFacts] = {}
        wrong = [problems.template_not_kept(wanted.unkept) if wanted.unkept else None]
        targets = scale_targets_of(resource)
        for arm, backend in backends.items():
            arm_facts, problem = await self._facts(
                resource, arm, backend, targets.get(arm), located, standings.get(arm)
            )
            if problem is not None and not standings:
                return problem  # nothing of the resource runs yet, so nothing is lost by waiting
            wrong.append(problem)
            facts[arm] = replace(
                arm_facts,
                resolved=arm not in blamed if blamed else None,
                was_arm=arm not in standings and former.named(backend) in committed.backends,
            )
        with_own_pods = {arm: backend for arm, backend in backends.items() if arm in targets}
        shared = neighbours.same_pods(self._cache, with_own_pods, located)
        if shared is not None and not standings:
            return shared
        left = left_behind.look_at(self._cache, resource, located, committed.former_routes)
        return Placement(
            router=router,
            route=route,
            located=located,
            arms=facts,
            unresolved=words[:LONGEST_WORDS] if words and not blamed and not of_mirror else None,
            there=there if wanted.operations else None,
            missing=wanted.missing,
            edited=wanted.edited,
            leaving=wanted.leaving,
            unmirrored=words if of_mirror else None,
            held=held,
            wrong=tuple(one for one in (*wrong, shared) if one is not None),
            parents=router.accepting(route, committed.parents),
            hindered={**self._hindered(targets), **problems.left_at_zero(standings, targets, facts)},
            unprogrammed=await gateways.unprogrammed(self._cache, self._api, route),
            unseen=gateways.unseen(self._cache, route),
            notes=(
                *neighbours.notes(self._cache, resource, backends, located, facts),
                *generated.deleted_with(resource, there),
                *left_behind.notes(resource, left.used),
            ),
            unwatched=any(self._is_unwatched(one, targets.get(arm)) for arm, one in backends.items()),
            failing=neighbours.failing(self._cache, route, located),
            former_routes=left.kept,
            left=left_behind.trouble(resource, left.used, facts),
        )

    async def target_path(self, reference: ScaleTargetReference) -> str:
        """API path of a scale target.

        Raises:
            NotFound: The API server does not know its kind.
        """
        version = f"{reference.group}/{reference.version}" if reference.group else reference.version
        plural = await self._api.plural(version, reference.kind)
        return resource_path(reference.group, reference.version, plural, reference.namespace, reference.name)

    async def _facts(
        self,
        resource: BanditDeployment,
        arm: str,
        backend: Backend,
        reference: ScaleTargetReference | None,
        located: Located,
        standing: ArmStanding | None,
    ) -> tuple[ArmFacts, Problem | None]:
        """What is seen of an arm, and what is wrong with its spec: what it never had, it cannot have lost."""
        seen = await self.backends.look(arm, backend, located.ports.get(arm))
        in_rule, exists, unread = arm in located.positions, seen.exists, seen.refused is not None
        problem = problems.never_there(resource, arm, backend, located, in_rule=in_rule, exists=exists)
        problem = problem or seen.refused
        identity = identity_of(resource, arm, backend, reference)
        served = _has_served(standing, identity)
        target = await self._target(arm, reference)
        if isinstance(target, Problem):
            problem, unread = problem or target, unread or target.reason == reasons.SCALE_TARGET_REFUSED
            # Pods outlive what made them, as where it was deleted without them or another one has them now.
            outlived = served and bool(seen.ready_endpoints)
            exists = exists and (outlived or target.reason != reasons.SCALE_TARGET_NOT_FOUND)
            target = None
        instead = self._instead(backend, reference, target)
        if reference is not None and instead is not None:
            problem, target = problem or problems.not_behind(arm, backend, reference, instead), None
        outage = problem is not None and problem.reason not in _NO_OUTAGE and not (in_rule and exists)
        if served and outage:
            problem = None  # an outage of the arm, which its state tells
        out = standing is not None and standing.state in OUT_STATES
        pods = self._pods_behind(backend) if reference is None or instead else target
        doubled = [
            located.other_weights[at] for at, other in located.other_backends.items() if other == backend
        ]
        facts = ArmFacts(
            weight=sum(doubled, located.weights[arm]),
            available=None if target is None else target.available > 0,
            replicas=None if target is None else target.replicas,
            template=None if pods is None else pods.template,
            updating=pods is not None and pods.updating,
            ready_endpoints=seen.ready_endpoints,
            in_rule=in_rule,
            exists=exists,
            used_elsewhere=neighbours.used_elsewhere(self._cache, resource, backend, reference, located)
            if out
            else None,
            identity=identity,
            unread=unread and target is None and seen.ready_endpoints is None,
        )
        return facts, problem

    # ---- the objects ----------------------------------------------------------------------

    async def _route(self, router: Router, key: Key) -> Mapping[str, Any] | None:
        route = self._cache.routes.get((router.kind, *key))
        if route is None or not self._cache.is_watched(key[0]):
            path = resource_path(router.group, router.version, router.plural, *key)
            try:
                route = await self._api.get(path)
            except NotFound:
                return None
            self._cache.put_route(router.kind, route)
        return self._cache.routes[router.kind, *key]

    def _is_unwatched(self, backend: Backend, reference: ScaleTargetReference | None) -> bool:
        """Whether no watch brings what tells whether an arm can serve."""
        if has_endpoints(self._cache, backend):
            return not self._cache.is_watched(backend.namespace)
        return reference is not None and (reference.group, reference.kind) not in WATCHED_TARGETS

    def _pods_behind(self, backend: Backend) -> ScaleTarget | None:
        """Whose Pods a Service sends requests to, where the user names no scale target and it can be told."""
        if backend.group or backend.kind != "Service":
            return None
        return self._cache.target_behind((backend.namespace, backend.name))

    def _instead(
        self, backend: Backend, reference: ScaleTargetReference | None, target: ScaleTarget | None
    ) -> KindKey | None:
        """Whose Pods an arm's Service sends requests to, while its scale target has some that get none."""
        if reference is None or (reference.group, reference.kind) not in WATCHED_TARGETS:
            return None
        if target is None or target.available == 0 or backend.group or backend.kind != "Service":
            return None
        named = (reference.kind, reference.namespace, reference.name)
        return self._cache.target_instead((backend.namespace, backend.name), named)

    def _hindered(self, targets: Mapping[str, ScaleTargetReference]) -> Mapping[str, str]:
        known = {
            arm: self._cache.targets.get((one.kind, one.namespace, one.name)) for arm, one in targets.items()
        }
        return {
            arm: f"the {targets[arm].kind} of {arm} says: {one.hindered}"
            for arm, one in known.items()
            if one is not None and one.hindered is not None
        }

    async def _target(self, arm: str, reference: ScaleTargetReference | None) -> ScaleTarget | Problem | None:
        if reference is None:
            return None
        watched = (reference.group, reference.kind) in WATCHED_TARGETS
        known = self._cache.targets.get((reference.kind, reference.namespace, reference.name))
        if watched and known is not None:
            return known
        try:
            path = await self.target_path(reference)
            if not watched:
                return from_scale(await self._api.get(f"{path}/scale"), await self._api.get(path))
            body = await self._api.get(path)
        except NotFound:
            return problems.scale_target_missing(arm, reference)
        except (APIError, APIUnreachable) as error:
            # No answer about this alone, as where the server of a kind hangs, is one arm's trouble, too.
            return problems.scale_target_refused(arm, reference, error)
        self._cache.put_target(reference.kind, body)
        return scale_target(body)


def _wanted(
    resource: BanditDeployment,
    router: Router,
    route: Mapping[str, Any] | None,
    committed: Committed,
    unkept: Unkept,
) -> Wanted | Problem:
    """The route that is named, as it is, or the one that is made, as it is to be."""
    template, active = resource.spec.traffic.route_template, resource.spec.mode is Mode.ACTIVE
    if template is None:
        return problems.route_missing(resource) if route is None else Wanted(route)
    if route is None and not active:
        return problems.route_not_made(resource)
    if route is not None and not generated.is_ours(resource, route, located=committed.rule is not None):
        return problems.route_not_ours(resource)
    weights = committed.intention.weights if committed.intention else {}
    known, mirrors = committed.backends, committed.mirrors
    wanted = generated.wanted(resource, template, router, route, weights, known, mirrors, unkept)
    return wanted if active else replace(wanted, operations=(), edited=False)


def _has_served(standing: ArmStanding | None, identity: str) -> bool:
    """Whether an arm has carried weight as what it is now."""
    if standing is None or standing.identity not in (None, identity):
        return False
    return standing.idle_since is None or standing.idle_since > drain.NEVER_SERVED
