"""The faults: what is wrong in each, and how it is put back into the product.

A fault replaces a function by its name, so it does not hang on lines; it fails to apply where the name
is gone, which a test notices.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bandit_operator.core import allocation, decide, drain, lifecycle, plausibility, reasons, servable
from bandit_operator.core.model import Mode, Problem
from bandit_operator.reconcile import (
    apply,
    mirror_writes,
    neighbours,
    observe,
    placement,
    reconciler,
    reports,
    route_plan,
    route_sync,
    scale_writes,
    tracked,
)
from bandit_operator.routers import gateway_api, mirrored_for
from bandit_operator.sources.tally import Tally
from bandit_operator.status import committed, conditions
from tests.mutations.registry import COUNTERS, FAULTS, MIRRORS, OBSERVED, fault

__all__ = ["FAULTS"]

# ---- going down -------------------------------------------------------------------------


@fault(
    "drain-waits-for-nothing",
    "a drain waits neither for weight 0 in the route nor for a gateway to accept it",
)
def _drain_waits_for_nothing(patch: pytest.MonkeyPatch) -> None:
    real = drain.drain

    def too_soon(experiment: Any, arm: str, standing: Any, facts: Any, snapshot: Any) -> Any:
        accepted = replace(snapshot, route_accepted=True)
        return real(experiment, arm, standing, replace(facts, weight=0), accepted)

    patch.setattr(drain, "drain", too_soon)


@fault("two-gateways", "a route is taken for accepted once one of its gateways has accepted it")
def _two_gateways(patch: pytest.MonkeyPatch) -> None:
    real = gateway_api.GatewayAPIRoute.pending

    def pending(self: Any, route: Mapping[str, Any], gateways: Any) -> tuple[str, ...]:
        waiting = real(self, route, gateways)
        return waiting if len(waiting) == len(gateways) else ()

    patch.setattr(gateway_api.GatewayAPIRoute, "pending", pending)


@fault(
    "refusing-gateway", "a gateway that had the route and refuses it now is taken for one that never had it"
)
def _refusing_gateway(patch: pytest.MonkeyPatch) -> None:
    real = committed.Committed.with_route
    patch.setattr(committed.Committed, "with_route", lambda self, rule, _: real(self, rule, ()))


@fault("drain-ignores-requests", "a drain does not wait for the last requests, which are counted")
def _drain_ignores_requests(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(drain, "quiet", lambda *_: True)


@fault("unknown-requests", "requests that the counter has no number of are taken for none")
def _unknown_requests(patch: pytest.MonkeyPatch) -> None:
    real = drain.drain

    def drained(experiment: Any, arm: str, standing: Any, facts: Any, snapshot: Any) -> Any:
        return real(experiment, arm, standing, replace(facts, requests=facts.requests or 0.0), snapshot)

    patch.setattr(drain, "drain", drained)


@fault("replicas-not-set", "replicas that can never be set are not told of")
def _replicas_not_set(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(scale_writes.ScaleSync, "trouble", lambda *_: None)


@fault("pods-kept-for-ever", "losers that have kept their Pods keep them also once losers are to have none")
def _pods_kept_for_ever(patch: pytest.MonkeyPatch) -> None:
    _leave_alone(patch, reasons.DRAINED)


@fault("scaled-by-others", "Pods that another hand gives to an arm at zero are not noticed")
def _scaled_by_others(patch: pytest.MonkeyPatch) -> None:
    _leave_alone(patch, reasons.SCALED_TO_ZERO)


def _leave_alone(patch: pytest.MonkeyPatch, reason: str) -> None:
    """Do nothing about arms that are out for this reason."""
    real = lifecycle._stay_out

    def stay_out(experiment: Any, arm: str, standing: Any, *args: Any) -> Any:
        left = standing.reason == reason
        return (standing, ()) if left else real(experiment, arm, standing, *args)

    patch.setattr(lifecycle, "_stay_out", stay_out)


@fault("found-at-zero", "an arm that a resource finds without Pods is left so")
def _found_at_zero(patch: pytest.MonkeyPatch) -> None:
    real = lifecycle._enter

    def enter(experiment: Any, arm: str, before: Any, snapshot: Any, **more: Any) -> Any:
        some = {**snapshot.arms, arm: replace(snapshot.arms[arm], replicas=None)}
        return real(experiment, arm, before, replace(snapshot, arms=some), **more)

    patch.setattr(lifecycle, "_enter", enter)


@fault("shared-pods", "other routes and resources that use the Pods are not looked for")
def _shared_pods(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(neighbours, "used_elsewhere", lambda *_: None)


@fault("last-arm", "a drain goes on after all other arms have died, up to replicas 0")
def _last_arm(patch: pytest.MonkeyPatch) -> None:
    step, loser = lifecycle._step, allocation.loser
    patch.setattr(lifecycle, "_step", lambda *args, **_: step(*args, carrying=True))
    patch.setattr(lifecycle, "_call_back", lambda standings, *_: (dict(standings), []))
    patch.setattr(
        allocation,
        "loser",
        lambda proven, evidence, eligible, baseline: loser(proven, evidence, eligible | True, baseline),
    )


@fault("nobody-called-back", "where no arm serves any more, none of those taken out is called back")
def _nobody_called_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(lifecycle, "_call_back", lambda standings, *_: (dict(standings), []))


@fault("baseline-at-zero", "an arm that is out stays out when it is made the baseline")
def _baseline_at_zero(patch: pytest.MonkeyPatch) -> None:
    real = lifecycle._enter

    def enter(experiment: Any, *args: Any, **more: Any) -> Any:
        return real(replace(experiment, baseline=""), *args, **more)

    patch.setattr(lifecycle, "_enter", enter)


# ---- who can serve ----------------------------------------------------------------------


@fault("endpoints-not-looked-at", "an arm without a ready endpoint keeps its weight")
def _endpoints_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(servable, "fault", lambda _: None)


@fault(
    "weight-before-servable",
    "an arm that is restored gets weight when it is scaled up, not when it can serve",
)
def _weight_before_servable(patch: pytest.MonkeyPatch) -> None:
    real = lifecycle._restore

    def restore(experiment: Any, arm: str, standing: Any, snapshot: Any) -> Any:
        after, outcomes = real(experiment, arm, standing, snapshot)
        return lifecycle._returned(after, snapshot.now, after.reason), outcomes

    patch.setattr(lifecycle, "_restore", restore)


@fault("pin-to-the-dead", "an arm that is pinned has the traffic also while it cannot serve")
def _pin_to_the_dead(patch: pytest.MonkeyPatch) -> None:
    real = decide._arms

    def arms(*args: Any, **more: Any) -> Any:
        made = real(*args, **more)
        return replace(made, eligible=made.eligible | made.pinned)

    patch.setattr(decide, "_arms", arms)


@fault("baseline-unsaid", "Ready=True is said while the baseline, with which verdicts compare, cannot serve")
def _baseline_unsaid(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(conditions, "_without_baseline", lambda _: None)


@fault("ready-while-down", "Ready=True is said while no arm can serve")
def _ready_while_down(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(conditions, "_traffic_in_sync", lambda _: ("True", reasons.IN_SYNC, "in sync"))


@fault("paused-unsaid", "conditions of a resource that is paused say that nothing has been read yet")
def _paused_unsaid(patch: pytest.MonkeyPatch) -> None:
    real = conditions._metrics_available

    def available(overview: Any, before: Any) -> conditions.Claim:
        paused = overview.experiment is not None and overview.experiment.mode is Mode.PAUSED
        return ("Unknown", reasons.WAITING, "nothing has been read yet") if paused else real(overview, before)

    patch.setattr(conditions, "_metrics_available", available)


@fault("dead-arm-observed", "Ready=True is said in mode Observe while an arm that cannot serve has weight")
def _dead_arm_observed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(conditions, "_observed_trouble", lambda _: None)


@fault(
    "observed-drain",
    "in mode Observe an arm that has drained is said to lose its Pods, which nobody takes",
    OBSERVED,
)
def _observed_drain(patch: pytest.MonkeyPatch) -> None:
    real = drain.may_scale
    patch.setattr(drain, "may_scale", lambda run, *rest: real(replace(run, mode=Mode.ACTIVE), *rest))


@fault("missing-backend-stops-all", "one backend that is missing from the rule stops the whole resource")
def _missing_backend_stops_all(patch: pytest.MonkeyPatch) -> None:
    real = placement.Locator.place

    async def place(self: Any, *args: Any) -> Any:
        placed = await real(self, *args)
        if isinstance(placed, placement.Placement) and not all(one.in_rule for one in placed.arms.values()):
            return Problem(reasons.BACKEND_NOT_FOUND, "an arm's backend is not in the rule")
        return placed

    patch.setattr(placement.Locator, "place", place)


@fault("typo-stops-all", "a new arm that lacks its backend or scale target stops the whole resource")
def _typo_stops_all(patch: pytest.MonkeyPatch) -> None:
    real = placement.Locator.place

    async def place(self: Any, *args: Any) -> Any:
        placed = await real(self, *args)
        return placed.wrong[0] if isinstance(placed, placement.Placement) and placed.wrong else placed

    patch.setattr(placement.Locator, "place", place)


@fault("ambiguous-rule", "where a second rule carries all arms, the dead ones keep their weight")
def _ambiguous_rule(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(gateway_api.GatewayAPIRoute, "find_again", lambda *_: None)


@fault("refused-spec", "an arm that dies keeps its weight while the spec cannot be read any more")
def _refused_spec(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tracked, "instead", lambda *_: {})


@fault("refused-spec-forgotten", "a process that starts does not know the spec that could be read last")
def _refused_spec_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tracked, "last_read", lambda _: None)


@fault("refused-route", "while a gateway refuses the route, arms that die keep their weight in it")
def _refused_route(patch: pytest.MonkeyPatch) -> None:
    real = route_plan.route_write

    def write(tracked: Any, placement: Any, *args: Any, **named: Any) -> Any:
        return real(tracked, placement, *args, **named) if placement.accepted else None

    patch.setattr(reconciler, "route_write", write)


@fault("comes-and-goes", "an arm that comes and goes serves each moment that it is up")
def _comes_and_goes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(servable, "proof_seconds", lambda _: 0.0)


@fault("unresolved-backend", "an arm whose backend the gateway cannot resolve keeps its weight")
def _unresolved_backend(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(gateway_api.GatewayAPIRoute, "unresolved", lambda *_: None)


# ---- the route --------------------------------------------------------------------------


@fault("status-after-route", "weights and replicas are written before the status that claims them")
def _status_after_route(patch: pytest.MonkeyPatch) -> None:
    commit, act = reconciler.Reconciler._commit, apply.Applier.apply
    late: dict[Any, Any] = {}

    async def later(self: Any, tracked: Any, body: Any, overview: Any) -> bool:
        if overview.decision is None:
            return await commit(self, tracked, body, overview)
        late[id(tracked)] = (self, tracked, body, overview)
        return True

    async def acting(self: Any, tracked: Any, command: Any) -> None:
        await act(self, tracked, command)
        await commit(*late.pop(id(tracked)))

    patch.setattr(reconciler.Reconciler, "_commit", later)
    patch.setattr(apply.Applier, "apply", acting)


@fault(
    "backs-off-from-harm",
    "in a contest, weights on an arm that cannot serve are left for minutes like others",
)
def _backs_off_from_harm(patch: pytest.MonkeyPatch) -> None:
    real = route_sync.RouteSync.may_assert

    def may_assert(self: Any, monotonic: float, *, harmful: bool) -> bool:
        del harmful
        return real(self, monotonic, harmful=False)

    patch.setattr(route_sync.RouteSync, "may_assert", may_assert)


# ---- what is learned --------------------------------------------------------------------


@fault("backend-inherits", "another backend under an arm's name inherits the evidence of the one before")
def _backend_inherits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(placement, "identity_of", lambda *_: "same")
    patch.setattr(placement.Locator, "_pods_behind", lambda *_: None)  # whose template would tell as well


@fault("impossible-rewards", "rewards that cannot be, such as more of them than trials, are learned")
def _impossible_rewards(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(plausibility, "CHECKS", ())


@fault("exception-escapes", "an exception that nobody expected ends the pass without a word in the status")
def _exception_escapes(patch: pytest.MonkeyPatch) -> None:
    async def report(*_: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None:
            raise error

    patch.setattr(reports.Reports, "failed", report)


@fault(
    "lost-data-learned-again",
    "counters with a life behind them are counted whole once Prometheus lost its data",
    COUNTERS,
)
def _lost_data_learned_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(observe, "leave_out_lives", lambda _: None)
    patch.setattr(observe, "leave_out_counted", lambda *_: None)


@fault("sawtooth-believed", "a counter that is reset in window after window is believed for ever", COUNTERS)
def _sawtooth_believed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tally, "distrust", lambda *_: None)


@fault("late-samples-lost", "samples that come after their window was read are lost", COUNTERS)
def _late_samples_lost(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(observe, "add_late", lambda *_: None)


@fault("mirror-stays", "the mirror of a resource that is gone stays", MIRRORS)
def _mirror_stays(patch: pytest.MonkeyPatch) -> None:
    async def left(*_: Any) -> None:
        return

    patch.setattr(mirror_writes.MirrorWriter, "leave", left)


@fault("mirror-untold", "the route does not say for whom it mirrors", MIRRORS)
def _mirror_untold(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(mirrored_for, "patch", lambda *_: [])
