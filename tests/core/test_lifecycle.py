"""How an arm goes out and comes back, step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bandit_operator.core import drain, reasons
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.lifecycle import Lifecycle, advance, gain
from bandit_operator.core.model import (
    ArmFacts,
    ArmStanding,
    ArmState,
    NothingDue,
    Observed,
    Rollback,
    Snapshot,
    Window,
)
from bandit_operator.core.outcomes import Scaled
from tests.support.outcomes import scaled

Step = Callable[..., Lifecycle]

BETWEEN = NothingDue(reasons.BETWEEN_TICKS, "")
SERVING = ArmFacts(weight=5000, available=True, replicas=3, template="v1")
OUT = ArmFacts(weight=0, available=True, replicas=3, template="v1")


def standing(state: ArmState, **changes: Any) -> ArmStanding:
    return replace(ArmStanding(state, since=0.0, reason="", template="v1"), **changes)


def seen(b: ArmFacts, now: float = 100.0, accepted: bool = True, reading: Any = BETWEEN) -> Snapshot:
    return Snapshot(now, reading, {"a": SERVING, "b": b}, route_generation=7, route_accepted=accepted)


def quiet_window(start: float) -> Window:
    return Window(start, start + 30, {"a": Observed(1, 1), "b": Observed(0, 0)})


@pytest.fixture
def step(make_experiment: Callable[..., Experiment]) -> Step:
    """Advance arm b of two, the other being the baseline."""

    def advance_b(b: ArmStanding | None, snapshot: Snapshot, **rollback: Any) -> Lifecycle:
        standings = {"a": standing(ArmState.ACTIVE)} | ({} if b is None else {"b": b})
        settings = replace(Rollback(drain=60, retry_after=1000), **rollback)
        return advance(make_experiment(arms=2, rollback=settings), standings, snapshot)

    return advance_b


@pytest.mark.parametrize(
    ("idle_since", "waits"), [(None, True), (0.0, True), (50.0, True), (drain.NEVER_SERVED, False)]
)
def test_only_an_arm_that_began_in_the_shadow_drains_without_a_counter_of_its_requests(
    step: Step, idle_since: float | None, waits: bool
) -> None:
    draining = standing(ArmState.DRAINING, quiet_since=10.0, idle_since=idle_since)
    result = step(draining, seen(OUT, reading=quiet_window(30)), requests_counted=True)
    assert (result.standings["b"].reason == reasons.REQUESTS_UNKNOWN) == waits
    assert bool(scaled(result)) != waits


def test_arms_of_a_new_resource_serve_at_once(make_experiment: Callable[..., Experiment]) -> None:
    result = advance(make_experiment(arms=2), {}, seen(SERVING))
    assert {arm: one.state for arm, one in result.standings.items()} == dict.fromkeys("ab", ArmState.ACTIVE)
    assert result.restarted == frozenset()


def test_an_arm_added_later_joins_without_evidence(step: Step) -> None:
    result = step(None, seen(SERVING))
    assert result.standings["b"].state is ArmState.JOINING
    assert result.restarted == {"b"}


def test_an_arm_without_an_available_replica_is_no_loser(step: Step) -> None:
    result = step(standing(ArmState.ACTIVE), seen(replace(SERVING, available=False)))
    assert result.standings["b"].state is ArmState.UNAVAILABLE
    assert result.restarted == frozenset()


def test_an_arm_that_is_available_again_joins_with_its_evidence(step: Step) -> None:
    result = step(standing(ArmState.UNAVAILABLE), seen(SERVING))
    assert result.standings["b"].state is ArmState.JOINING
    assert result.restarted == frozenset()


def test_another_pod_template_starts_the_evidence_again(step: Step) -> None:
    result = step(standing(ArmState.ACTIVE), seen(replace(SERVING, template="v2")))
    assert (result.standings["b"].state, result.standings["b"].template) == (ArmState.JOINING, "v2")
    assert result.restarted == {"b"}


def test_a_template_that_is_seen_for_the_first_time_is_no_change(step: Step) -> None:
    result = step(standing(ArmState.ACTIVE, template=None), seen(SERVING))
    assert result.standings["b"].template == "v1"
    assert result.restarted == frozenset()


class TestDrain:
    def test_loser_keeps_its_pods_while_the_route_still_gives_it_weight(self, step: Step) -> None:
        result = step(standing(ArmState.DRAINING), seen(SERVING, now=10_000))
        assert result.standings["b"].reason == reasons.WAITING_FOR_ROUTE
        assert scaled(result) == ()

    def test_loser_keeps_its_pods_until_a_gateway_has_accepted_its_weight_of_zero(self, step: Step) -> None:
        result = step(standing(ArmState.DRAINING), seen(OUT, now=10_000, accepted=False))
        assert result.standings["b"].reason == reasons.WAITING_FOR_ROUTE
        assert scaled(result) == ()

    def test_the_drain_time_runs_from_acceptance_on(self, step: Step) -> None:
        first = step(standing(ArmState.DRAINING), seen(OUT, now=100.0)).standings["b"]
        assert (first.reason, first.quiet_since) == (reasons.WAITING_FOR_REQUESTS, 100.0)
        assert scaled(step(first, seen(OUT, now=159.0))) == ()
        assert scaled(step(first, seen(OUT, now=160.0))) == (Scaled("b", expected=3, replicas=0),)

    def test_previous_replicas_are_kept_until_they_come_back(self, step: Step) -> None:
        waiting = standing(ArmState.DRAINING, quiet_since=0.0)
        scaling = step(waiting, seen(OUT)).standings["b"]
        assert (scaling.state, scaling.previous_replicas) == (ArmState.DRAINING, 3)
        gone = step(scaling, seen(replace(OUT, replicas=0, available=False))).standings["b"]
        assert (gone.state, gone.reason, gone.previous_replicas) == (
            ArmState.ROLLED_BACK,
            reasons.SCALED_TO_ZERO,
            3,
        )

    def test_scaling_down_is_repeated_until_it_is_seen(self, step: Step) -> None:
        scaling = standing(ArmState.DRAINING, quiet_since=0.0, previous_replicas=3)
        assert scaled(step(scaling, seen(OUT))) == (Scaled("b", 3, 0),)

    def test_foreign_weight_starts_the_drain_again(self, step: Step) -> None:
        result = step(standing(ArmState.DRAINING, quiet_since=0.0), seen(SERVING))
        assert result.standings["b"].quiet_since is None

    def test_requests_that_go_on_keep_the_pods_however_long(self, step: Step) -> None:
        waiting = standing(ArmState.DRAINING, quiet_since=0.0)
        busy = seen(replace(OUT, requests=4.0), now=10_000, reading=quiet_window(9_000))
        assert scaled(step(waiting, busy, requests_counted=True)) == ()

    def test_a_whole_window_without_requests_ends_the_drain_before_its_time(self, step: Step) -> None:
        waiting = standing(ArmState.DRAINING, quiet_since=90.0)
        silent = replace(OUT, requests=0.0)
        partly_before = seen(silent, now=121.0, reading=quiet_window(89.0))
        assert scaled(step(waiting, partly_before, requests_counted=True)) == ()
        after = seen(silent, now=121.0, reading=quiet_window(90.0))
        assert scaled(step(waiting, after, requests_counted=True)) == (Scaled("b", 3, 0),)

    def test_the_drain_time_does_not_count_while_requests_are_counted_and_not_read(self, step: Step) -> None:
        waiting = standing(ArmState.DRAINING, quiet_since=0.0)
        assert scaled(step(waiting, seen(OUT, now=10_000), requests_counted=True)) == ()

    def test_pods_stay_where_scaling_is_not_wanted(self, step: Step) -> None:
        result = step(standing(ArmState.DRAINING, quiet_since=0.0), seen(OUT), scale_to_zero=False)
        assert (result.standings["b"].state, result.standings["b"].reason) == (
            ArmState.ROLLED_BACK,
            reasons.DRAINED,
        )
        assert scaled(result) == ()

    def test_an_arm_without_a_scale_target_is_only_drained(self, step: Step) -> None:
        result = step(standing(ArmState.DRAINING, quiet_since=0.0), seen(replace(OUT, replicas=None)))
        assert result.standings["b"].reason == reasons.DRAINED


class TestReturn:
    def test_a_new_template_brings_a_rolled_back_arm_up_first(self, step: Step) -> None:
        out = standing(ArmState.ROLLED_BACK, previous_replicas=3)
        result = step(out, seen(ArmFacts(0, available=False, replicas=0, template="v2")))
        assert result.standings["b"].state is ArmState.RESTORING
        assert scaled(result) == (Scaled("b", expected=0, replicas=3),)
        assert result.restarted == {"b"}

    def test_a_returning_arm_gets_no_weight_before_it_can_serve(self, step: Step) -> None:
        back = standing(ArmState.RESTORING, previous_replicas=3)
        assert step(back, seen(replace(OUT, available=False))).standings["b"].state is ArmState.RESTORING
        assert step(back, seen(OUT)).standings["b"].state is ArmState.JOINING

    def test_an_arm_is_retried_only_after_its_time(self, step: Step) -> None:
        out = standing(ArmState.ROLLED_BACK, since=0.0)
        assert step(out, seen(OUT, now=999.0)).standings["b"].state is ArmState.ROLLED_BACK
        result = step(out, seen(OUT, now=1000.0))
        assert result.standings["b"].state is ArmState.JOINING
        assert result.standings["b"].reason == reasons.RETRY
        assert result.restarted == {"b"}

    def test_an_arm_is_not_retried_while_the_spec_cannot_be_read(self, step: Step) -> None:
        out, unread = standing(ArmState.ROLLED_BACK, since=0.0), NothingDue(reasons.INVALID_SPEC, "")
        assert step(out, seen(OUT, 5000.0, reading=unread)).standings["b"].state is ArmState.ROLLED_BACK
        assert step(out, seen(OUT, 5000.0)).standings["b"].reason == reasons.RETRY

    def test_an_arm_is_never_retried_by_time_where_the_user_said_so(self, step: Step) -> None:
        out = standing(ArmState.ROLLED_BACK, since=0.0)
        assert step(out, seen(OUT, now=1e9), retry_after=None).standings["b"].state is ArmState.ROLLED_BACK

    def test_pods_that_someone_else_scales_up_again_stay_out_of_traffic(self, step: Step) -> None:
        out = standing(ArmState.ROLLED_BACK, since=50.0, previous_replicas=3)
        result = step(out, seen(OUT))
        assert result.standings["b"].state is ArmState.ROLLED_BACK
        assert scaled(result) == ()


def test_an_arm_that_is_called_back_and_does_not_come_up_is_followed_by_the_next(
    make_experiment: Callable[..., Experiment],
) -> None:
    experiment = make_experiment(arms=3)
    down = {"a": replace(SERVING, available=False), "b": replace(OUT, available=False, replicas=0)}
    out = standing(ArmState.ROLLED_BACK, reason=reasons.SCALED_TO_ZERO, previous_replicas=2)
    standings: dict[str, ArmStanding] = {"a": standing(ArmState.ACTIVE), "b": out, "c": out}
    states = []
    for now in (100.0, 101.0, 159.0, 161.0):
        snapshot = Snapshot(now, BETWEEN, {**down, "c": down["b"]}, 7, route_accepted=True)
        cycle = advance(experiment, standings, snapshot, best_first=("b", "c", "a"))
        standings = dict(cycle.standings)
        states.append((standings["b"].state, standings["c"].state))
    restoring, rolled_back = ArmState.RESTORING, ArmState.ROLLED_BACK
    assert states == [(restoring, rolled_back)] * 3 + [(restoring, restoring)]


def test_an_arm_gains_where_its_share_grows_by_more_than_a_fifth_of_it() -> None:
    standings = {arm: ArmStanding(ArmState.ACTIVE, 0.0, reasons.SERVING) for arm in "abc"}
    before, after = {"a": 0.5, "b": 0.4, "c": 0.0}, {"a": 0.5, "b": 0.49, "c": 0.01}
    gained = gain(standings, before, after, now=7.0)
    assert {arm: standing.gained_at for arm, standing in gained.items()} == {"a": None, "b": 7.0, "c": 7.0}
