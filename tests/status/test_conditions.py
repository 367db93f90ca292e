"""What users are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bandit_operator.api.status import Condition, ConditionType, Phase
from bandit_operator.core import reasons
from bandit_operator.core.decision import Decision
from bandit_operator.core.model import ArmStanding, ArmState, Mode
from bandit_operator.routers import Problem
from bandit_operator.status.conditions import Situation, Traffic, conditions_of, phase_of


@pytest.fixture
def situation(session):
    """A situation in which all is well, with changes."""
    standings = {arm: ArmStanding(ArmState.ACTIVE, 0.0, "Serving") for arm in session.experiment.names}
    decision = Decision(
        weights=dict.fromkeys(standings, 5000),
        scales=(),
        standings=standings,
        reports={},
        memory=session.memory,
        reason=reasons.WEIGHTS_MOVED,
        message="moved",
        threshold=20.0,
    )
    well = Situation(1000.0, 3, session.experiment, decision=decision, rewards_until=990.0, traffic=Traffic())

    def make(**changes: Any) -> Situation:
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


def told(situation: Situation, kind: str, before: dict[str, Condition] | None = None) -> Condition:
    found = conditions_of(situation, before or {})
    return next(condition for condition in found if condition.type == kind)


def test_there_are_always_five_conditions_about_the_generation(situation):
    conditions = conditions_of(situation(), {})
    assert [condition.type for condition in conditions] == list(ConditionType)
    assert {condition.observed_generation for condition in conditions} == {3}


def test_ready_is_true_when_all_is_well(situation):
    assert told(situation(), "Ready").status == "True"
    assert phase_of(situation()) is Phase.LEARNING


@pytest.mark.parametrize(
    ("changes", "kind", "reason", "phase"),
    [
        ({"problem": Problem("RouteNotFound", "x")}, "Accepted", "RouteNotFound", Phase.REJECTED),
        ({"held": ("SourceDown", "x")}, "MetricsAvailable", "SourceDown", Phase.HOLDING),
        ({"rewards_until": 100.0}, "MetricsAvailable", "NoRewards", Phase.LEARNING),
        ({"delay_profile_suspect": True}, "MetricsAvailable", "DelayProfileSuspect", Phase.LEARNING),
        (
            {"traffic": Traffic(("WeightsContested", "x"))},
            "TrafficInSync",
            "WeightsContested",
            Phase.LEARNING,
        ),
    ],
    ids=["rejected", "source down", "stale", "delay profile", "contested"],
)
def test_what_is_wrong_makes_its_condition_false_and_ready_with_it(situation, changes, kind, reason, phase):
    wrong = situation(**changes)
    assert (told(wrong, kind).status, told(wrong, kind).reason) == ("False", reason)
    assert (told(wrong, "Ready").status, told(wrong, "Ready").reason) == ("False", reason)
    assert phase_of(wrong) is phase


def test_the_time_of_a_condition_moves_only_with_its_status(situation):
    first = {condition.type: condition for condition in conditions_of(situation(), {})}
    later = told(situation(now=2000.0, rewards_until=1990.0), "Ready", first)
    assert later.last_transition_time == first["Ready"].last_transition_time
    broken = told(situation(now=2000.0, held=("SourceDown", "x")), "Ready", first)
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
def test_the_phase_is_the_state_in_one_word(situation, changes, phase):
    assert phase_of(situation(**changes)) is phase


@pytest.mark.parametrize(("mode", "phase"), [(Mode.OBSERVE, Phase.OBSERVING), (Mode.PAUSED, Phase.PAUSED)])
def test_a_mode_that_does_not_act_is_the_phase(situation, session, mode, phase):
    assert phase_of(situation(experiment=replace(session.experiment, mode=mode))) is phase
