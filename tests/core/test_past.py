"""A clock that was set back costs nobody more than the time that is waited anyway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bandit_operator.core import past, reasons
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.lifecycle import advance
from bandit_operator.core.model import (
    ArmFacts,
    ArmStanding,
    ArmState,
    NothingDue,
    Reading,
    Rollback,
    Snapshot,
    SourceDown,
)

NOW, AHEAD = 1000.0, 90_000.0
BETWEEN = NothingDue(reasons.BETWEEN_TICKS, "")
SET = SourceDown(reasons.CLOCK_SET, "")
DOWN = ArmFacts(weight=0, available=False, replicas=2, template="v1")
AT_ZERO = ArmFacts(weight=0, available=False, replicas=0, template="v1")
WELL = ArmFacts(weight=5000, available=True, replicas=2, template="v1")


def standing(state: ArmState, since: float, reason: str = reasons.SERVING) -> ArmStanding:
    return ArmStanding(state, since, reason, "v1")


@pytest.fixture
def experiment(make_experiment: Callable[..., Experiment]) -> Experiment:
    return make_experiment(arms=3, rollback=Rollback(retry_after=3600.0))


def test_no_time_is_ahead_of_the_clock() -> None:
    before = replace(standing(ArmState.ACTIVE, AHEAD), gained_at=AHEAD, baseline_until=10.0)
    after = past.not_ahead(before, NOW)
    assert (after.since, after.gained_at, after.baseline_until, after.up_since) == (NOW, NOW, 10.0, None)
    assert past.not_ahead(after, NOW) is after


def test_the_next_arm_is_called_back_a_minute_after_the_clock_was_set_back(experiment: Experiment) -> None:
    standings = {
        "a": standing(ArmState.UNAVAILABLE, 10.0),
        "b": standing(ArmState.RESTORING, AHEAD, reasons.NO_OTHER_ARM),
        "c": standing(ArmState.ROLLED_BACK, 10.0, reasons.SCALED_TO_ZERO),
    }
    for now in (NOW, NOW + 61.0):
        facts = {"a": DOWN, "b": DOWN, "c": AT_ZERO}
        standings = dict(advance(experiment, standings, Snapshot(now, BETWEEN, facts, 7, True)).standings)
    assert standings["c"].state is ArmState.RESTORING


@pytest.mark.parametrize(("reading", "tried"), [(BETWEEN, True), (SET, False)])
def test_a_loser_is_not_tried_again_by_a_clock_that_was_just_set(
    experiment: Experiment, reading: Reading, tried: bool
) -> None:
    standings = {
        "a": standing(ArmState.ACTIVE, 0.0),
        "b": standing(ArmState.ACTIVE, 0.0),
        "c": standing(ArmState.ROLLED_BACK, 10.0, reasons.SCALED_TO_ZERO),
    }
    facts = {"a": WELL, "b": WELL, "c": AT_ZERO}
    after = advance(experiment, standings, Snapshot(AHEAD, reading, facts, 7, True)).standings
    assert (after["c"].state is ArmState.RESTORING) == tried


def test_a_clock_that_is_back_for_a_moment_shortens_no_wait(experiment: Experiment) -> None:
    standings = {"a": standing(ArmState.ACTIVE, 0.0), "b": standing(ArmState.ROLLED_BACK, AHEAD)}
    facts = {"a": WELL, "b": AT_ZERO, "c": WELL}
    after = advance(experiment, standings, Snapshot(NOW, SET, facts, 7, True)).standings
    assert after["b"].since == AHEAD
