"""What users ask of single arms: out, in again, brought back, pinned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bandit_operator.core import reasons
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.lifecycle import Lifecycle, advance
from bandit_operator.core.model import (
    Arm,
    ArmFacts,
    ArmStanding,
    ArmState,
    Mode,
    NothingDue,
    Rollback,
    Snapshot,
)
from bandit_operator.core.outcomes import Restored, Scaled, SetOut
from tests.support.outcomes import scaled

SERVING = ArmFacts(weight=5000, available=True, replicas=3, template="v1")
DOWN = replace(SERVING, available=False)
GONE = ArmFacts(weight=0, available=False, replicas=0, template="v1")

Step = Callable[..., Lifecycle]


def standing(state: ArmState, **changes: Any) -> ArmStanding:
    return replace(ArmStanding(state, since=0.0, reason="", template="v1"), **changes)


@pytest.fixture
def step(make_experiment: Callable[..., Experiment]) -> Step:
    """Advance arm b, which its user may have set out, beside the baseline a."""

    def advance_b(
        b: ArmStanding,
        facts: ArmFacts = SERVING,
        *,
        out: bool = False,
        a: ArmFacts = SERVING,
        a_state: ArmState = ArmState.ACTIVE,
        restore: str | None = None,
        **settings: Any,
    ) -> Lifecycle:
        experiment = make_experiment(arms=2, rollback=Rollback(drain=60, retry_after=1000), **settings)
        experiment = replace(experiment, arms=(Arm("a"), Arm("b", out=out)))
        snapshot = Snapshot(
            5000.0,
            NothingDue(reasons.BETWEEN_TICKS, ""),
            {"a": a, "b": facts},
            route_generation=7,
            route_accepted=True,
            restore=restore,
        )
        return advance(experiment, {"a": standing(a_state), "b": b}, snapshot)

    return advance_b


@pytest.mark.parametrize("state", [ArmState.ACTIVE, ArmState.JOINING, ArmState.UNAVAILABLE])
def test_an_arm_that_is_set_out_drains(step: Step, state: ArmState) -> None:
    result = step(standing(state), out=True)
    assert result.standings["b"].state is ArmState.DRAINING
    assert result.standings["b"].set_out
    assert SetOut("b") in result.outcomes
    assert scaled(result) == ()


def test_the_last_arm_that_can_serve_is_not_taken_out_and_says_why(step: Step) -> None:
    result = step(standing(ArmState.ACTIVE), out=True, a=DOWN)
    assert result.standings["b"].state is ArmState.ACTIVE
    assert result.standings["b"].reason == reasons.NO_OTHER_ARM


def test_an_arm_that_is_set_out_serves_again_where_no_other_can(step: Step) -> None:
    out = standing(ArmState.ROLLED_BACK, set_out=True)
    result = step(out, replace(SERVING, weight=0), out=True, a=DOWN)
    assert result.standings["b"].state is ArmState.JOINING


def test_one_that_a_verdict_took_out_is_called_back_before_one_that_its_user_did(
    make_experiment: Callable[..., Experiment],
) -> None:
    experiment = make_experiment(arms=3)
    experiment = replace(experiment, arms=(Arm("a"), Arm("b", out=True), Arm("c")))
    facts = {"a": DOWN, "b": replace(SERVING, weight=0), "c": replace(SERVING, weight=0)}
    snapshot = Snapshot(5000.0, NothingDue(reasons.BETWEEN_TICKS, ""), facts, 7, True)
    standings = {
        "a": standing(ArmState.ACTIVE),
        "b": standing(ArmState.ROLLED_BACK, set_out=True),
        "c": standing(ArmState.ROLLED_BACK, since=4990.0),
    }
    result = advance(experiment, standings, snapshot, best_first=("b", "c"))
    assert result.standings["c"].state is ArmState.JOINING
    assert result.standings["b"].state is ArmState.ROLLED_BACK


@pytest.mark.parametrize("change", [{}, {"template": "v2"}], ids=["its time has come", "another template"])
def test_neither_time_nor_another_template_brings_an_arm_back_that_is_set_out(
    step: Step, change: dict[str, Any]
) -> None:
    out = standing(ArmState.ROLLED_BACK, set_out=True, previous_replicas=3)
    result = step(out, replace(GONE, **change), out=True)
    assert result.standings["b"].state is ArmState.ROLLED_BACK
    assert scaled(result) == ()


def test_an_arm_that_is_in_again_comes_back_as_after_a_rollback(step: Step) -> None:
    out = standing(ArmState.ROLLED_BACK, set_out=True, previous_replicas=3)
    result = step(out, GONE)
    assert result.standings["b"].state is ArmState.RESTORING
    assert scaled(result) == (Scaled("b", expected=0, replicas=3),)
    assert result.restarted == {"b"}
    assert Restored("b", reasons.SET_IN) in result.outcomes


def test_one_that_a_verdict_took_out_stays_out_once_it_is_set_out_too(step: Step) -> None:
    result = step(standing(ArmState.ROLLED_BACK, since=0.0), GONE, out=True)
    assert result.standings["b"].set_out
    assert result.standings["b"].state is ArmState.ROLLED_BACK


def test_an_arm_that_was_rolled_back_is_restored_where_somebody_asks(step: Step) -> None:
    out = standing(ArmState.ROLLED_BACK, since=4990.0, previous_replicas=2)
    assert step(out, GONE).standings["b"].state is ArmState.ROLLED_BACK
    result = step(out, GONE, restore="b")
    assert scaled(result) == (Scaled("b", expected=0, replicas=2),)
    assert Restored("b", reasons.RESTORE_REQUESTED) in result.outcomes
    assert result.restarted == {"b"}


def test_asking_for_an_arm_that_is_set_out_does_not_bring_it_back(step: Step) -> None:
    out = standing(ArmState.ROLLED_BACK, set_out=True)
    assert step(out, GONE, out=True, restore="b").standings["b"].state is ArmState.ROLLED_BACK


def test_asking_for_an_arm_that_serves_changes_nothing(step: Step) -> None:
    result = step(standing(ArmState.ACTIVE), restore="b")
    assert result.outcomes == ()
    assert result.restarted == frozenset()


def test_a_pinned_arm_that_is_out_is_brought_back(step: Step) -> None:
    out = standing(ArmState.ROLLED_BACK, since=4990.0, previous_replicas=2)
    result = step(out, GONE, pin="b")
    assert scaled(result) == (Scaled("b", expected=0, replicas=2),)
    assert Restored("b", reasons.PINNED) in result.outcomes


def test_what_is_only_observed_is_neither_taken_out_nor_brought_back(step: Step) -> None:
    result = step(standing(ArmState.ACTIVE), out=True, mode=Mode.OBSERVE)
    assert result.standings["b"].state is ArmState.ACTIVE
    out = standing(ArmState.ROLLED_BACK, since=4990.0)
    assert step(out, GONE, restore="b", mode=Mode.OBSERVE).outcomes == ()
