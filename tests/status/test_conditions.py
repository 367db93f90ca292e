"""What users are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bandit_operator.api.status import Condition, ConditionType, Phase
from bandit_operator.core import memory as memories
from bandit_operator.core import reasons
from bandit_operator.core.decision import Decision
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import ArmStanding, ArmState, Mode, Problem
from bandit_operator.core.outcomes import Held
from bandit_operator.status import events
from bandit_operator.status.conditions import conditions_of, phase_of
from bandit_operator.status.overview import Overview, RouteState

MakeOverview = Callable[..., Overview]


@pytest.fixture
def overview(experiment: Experiment) -> MakeOverview:
    """An overview in which all is well, with changes."""
    standings = {arm: ArmStanding(ArmState.ACTIVE, 0.0, "Serving") for arm in experiment.names}
    decision = Decision(
        weights=dict.fromkeys(standings, 5000),
        outcomes=(),
        standings=standings,
        reports={},
        memory=memories.initial(experiment),
        reason=reasons.WEIGHTS_MOVED,
        message="moved",
        threshold=20.0,
    )
    well = Overview(1000.0, 3, experiment, decision=decision, rewards_until=990.0, route=RouteState())

    def make(**changes: Any) -> Overview:
        standing = changes.pop("standing", None)
        told = {
            name: changes.pop(name)
            for name in ("reason", "promoted", "delay_profile_suspect")
            if name in changes
        }
        changed = replace(decision, **told)
        if standing is not None:
            changed = replace(changed, standings={**standings, "boosting": ArmStanding(standing, 0.0, "")})
        return replace(well, decision=changed, **changes)

    return make


def told(view: Overview, kind: str, before: dict[str, Condition] | None = None) -> Condition:
    found = conditions_of(view, before or {})
    return next(condition for condition in found if condition.type == kind)


def test_there_are_always_five_conditions_about_the_generation(overview: MakeOverview) -> None:
    conditions = conditions_of(overview(), {})
    always = [one for one in ConditionType if one is not ConditionType.SHADOW_AVAILABLE]
    assert [condition.type for condition in conditions] == always
    assert {condition.observed_generation for condition in conditions} == {3}


def test_ready_is_true_when_all_is_well(overview: MakeOverview) -> None:
    assert told(overview(), "Ready").status == "True"
    assert phase_of(overview()) is Phase.LEARNING


@pytest.mark.parametrize(
    ("changes", "kind", "reason", "phase"),
    [
        ({"problem": Problem("RouteNotFound", "x")}, "Accepted", "RouteNotFound", Phase.REJECTED),
        ({"held": Held("Timeout", "x")}, "MetricsAvailable", "Timeout", Phase.HOLDING),
        ({"rewards_until": 100.0}, "MetricsAvailable", "NoRewards", Phase.LEARNING),
        ({"delay_profile_suspect": True}, "MetricsAvailable", "DelayProfileSuspect", Phase.LEARNING),
        (
            {"route": RouteState(Problem("WeightsContested", "x"))},
            "TrafficInSync",
            "WeightsContested",
            Phase.LEARNING,
        ),
    ],
    ids=["rejected", "source down", "stale", "delay profile", "contested"],
)
def test_what_is_wrong_makes_its_condition_false_and_ready_with_it(
    overview: MakeOverview, changes: Any, kind: str, reason: str, phase: Any
) -> None:
    wrong = overview(**changes)
    assert (told(wrong, kind).status, told(wrong, kind).reason) == ("False", reason)
    assert (told(wrong, "Ready").status, told(wrong, "Ready").reason) == ("False", reason)
    assert phase_of(wrong) is phase


def test_a_rolling_update_that_does_not_end_is_no_ready_state(overview: MakeOverview) -> None:
    view = overview()
    assert view.decision is not None
    assert view.experiment is not None

    def since(begun: float) -> Overview:
        mixed = ArmStanding(ArmState.JOINING, begun, "RollingUpdate", mixed=True)
        standings = {**decision.standings, "boosting": mixed}
        return replace(view, decision=replace(decision, standings=standings))

    decision, patience = view.decision, view.experiment.stale_after
    assert told(since(view.now - patience + 1.0), "Ready").status == "True"
    ready = told(since(view.now - patience - 1.0), "Ready")
    assert (ready.status, ready.reason) == ("False", "RollingUpdate")
    assert "arm boosting has not ended" in ready.message


def test_before_the_first_reward_it_is_said_where_to_look_for_it(overview: MakeOverview) -> None:
    waiting = told(overview(rewards_until=None), "MetricsAvailable")
    assert (waiting.status, waiting.reason) == ("Unknown", "Waiting")
    assert "see whether what spec.reward names grows" in waiting.message


def test_the_time_of_a_condition_moves_only_with_its_status(overview: MakeOverview) -> None:
    first = {condition.type: condition for condition in conditions_of(overview(), {})}
    later = told(overview(now=2000.0, rewards_until=1990.0), "Ready", first)
    assert later.last_transition_time == first["Ready"].last_transition_time
    broken = told(overview(now=2000.0, held=Held("Timeout", "x")), "Ready", first)
    assert broken.last_transition_time != first["Ready"].last_transition_time


@pytest.mark.parametrize(
    ("changes", "phase"),
    [
        ({"standing": ArmState.DRAINING}, Phase.ROLLING_BACK),
        ({"promoted": "boosting"}, Phase.DECIDED),
        ({"rewards_until": None}, Phase.PENDING),
    ],
    ids=["draining", "promoted", "no reward yet"],
)
def test_the_phase_is_the_state_in_one_word(overview: MakeOverview, changes: Any, phase: Any) -> None:
    assert phase_of(overview(**changes)) is phase


@pytest.mark.parametrize(("mode", "phase"), [(Mode.OBSERVE, Phase.OBSERVING), (Mode.PAUSED, Phase.PAUSED)])
def test_a_mode_that_does_not_act_is_the_phase(
    overview: MakeOverview, experiment: Experiment, mode: Any, phase: Any
) -> None:
    assert phase_of(overview(experiment=replace(experiment, mode=mode))) is phase


def sampled_every(view: Overview, apart: float | None, **changes: Any) -> Overview:
    assert view.decision is not None
    return replace(view, decision=replace(view.decision, samples_apart=apart, **changes))


@pytest.mark.parametrize(
    ("apart", "reason"),
    [
        (None, "RewardsObserved"),
        (30.0, "RewardsObserved"),
        (37.5, "RewardsObserved"),
        (60.0, "IntervalTooShort"),
    ],
)
def test_an_interval_shorter_than_the_samples_spacing_is_told_and_is_no_fault(
    overview: MakeOverview, apart: float | None, reason: str
) -> None:
    view = sampled_every(overview(), apart)
    said = told(view, "MetricsAvailable")
    assert (said.status, said.reason) == ("True", reason)
    assert ("set spec.interval to 60s or more" in said.message) == (reason == "IntervalTooShort")
    assert told(view, "Ready").status == "True"


def test_between_two_windows_it_stays_told_until_the_spec_changes(overview: MakeOverview) -> None:
    before = {one.type: one for one in conditions_of(sampled_every(overview(), 60.0), {})}
    between = sampled_every(overview(), None, reason=reasons.BETWEEN_TICKS)
    assert told(between, "MetricsAvailable", before).reason == "IntervalTooShort"
    assert told(replace(between, generation=4), "MetricsAvailable", before).reason == "RewardsObserved"
    assert told(sampled_every(overview(), 15.0), "MetricsAvailable", before).reason == "RewardsObserved"


def test_one_event_tells_that_the_interval_is_too_short(overview: MakeOverview) -> None:
    well = {one.type: one for one in conditions_of(overview(), {})}
    short = conditions_of(sampled_every(overview(), 60.0), well)
    (event,) = events.of_conditions(well, short)
    assert (event.reason, event.warning) == ("IntervalTooShort", False)
    assert events.of_conditions({one.type: one for one in short}, short) == []
