"""What is committed, from decision to decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bandit_operator.api.record import KEPT_HISTORY, MAX_HISTORY
from bandit_operator.core import memory as memories
from bandit_operator.core import reasons
from bandit_operator.core.decide import decide
from bandit_operator.core.decision import Intention
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import ArmFacts, ArmStanding, ArmState, Observed, Snapshot, Window
from bandit_operator.status.committed import CHECKPOINT_EVERY, Committed, intended
from bandit_operator.status.history import record_of

Ticked = Callable[..., Committed]

STANDINGS = {
    "logistic": ArmStanding(ArmState.ACTIVE, 100.125, "Serving", "v1"),
    "boosting": ArmStanding(ArmState.DRAINING, 200.5, "WaitingForRequests", "v2", 3, 210.75),
}
ROUTE = {"logistic": 1, "boosting": 1}


@pytest.fixture
def ticked(experiment: Experiment) -> Ticked:
    """What is committed after so many quiet ticks."""

    def after(ticks: int, committed: Committed | None = None) -> Committed:
        committed = committed or Committed(memories.initial(experiment), cursor=0.0)
        for _ in range(ticks):
            start = committed.cursor
            assert start is not None
            arms = {"logistic": Observed(50, 20), "boosting": Observed(50, 20)}
            facts = dict.fromkeys(arms, ArmFacts(5000, True, 2, "v1"))
            snapshot = Snapshot(start + 40, Window(start, start + 30, arms), facts, 1, True)
            before = intended(committed.intention, dict.fromkeys(arms, 5000), 10000, follow=False)
            decision = decide(experiment, committed.memory, before, snapshot)
            committed = committed.decided(snapshot, decision, 3)
        return committed

    return after


def test_weights_that_were_given_up_leave_the_standings(experiment: Experiment) -> None:
    intention = Intention(STANDINGS, {"logistic": 10000, "boosting": 0})
    given_up = Committed(memories.initial(experiment), intention=intention).without_weights()
    taken = intended(given_up.intention, ROUTE, 10000, follow=False)
    assert taken.weights == ROUTE
    assert {arm: replace(one, quiet_since=None) for arm, one in STANDINGS.items()} == taken.standings


def test_a_new_resource_goes_on_from_the_users_weights() -> None:
    assert intended(None, ROUTE, 10000, follow=False) == Intention({}, ROUTE, 10000)


def test_a_mode_that_does_not_write_follows_the_route() -> None:
    committed = Intention(STANDINGS, {"logistic": 10000, "boosting": 0})
    assert intended(committed, ROUTE, 10000, follow=True).weights == ROUTE


def test_the_history_holds_the_newest_decisions_and_a_checkpoint_before_the_oldest(
    ticked: Ticked,
) -> None:
    for ticks in (1, 5, MAX_HISTORY, MAX_HISTORY + 1, 3 * MAX_HISTORY + 7):
        committed = ticked(ticks)
        assert min(ticks, KEPT_HISTORY) <= len(committed.history) <= MAX_HISTORY
        assert committed.checkpoints[0].records == len(committed.history)
        assert len(committed.checkpoints) <= MAX_HISTORY / CHECKPOINT_EVERY


def test_after_a_start_with_one_checkpoint_only_the_newest_decisions_stay(
    ticked: Ticked,
) -> None:
    committed = ticked(25)
    restarted = replace(committed, checkpoints=committed.checkpoints[:1], seen=None)
    later = ticked(10, restarted)
    assert KEPT_HISTORY <= len(later.history) <= MAX_HISTORY
    assert all(one.records <= len(later.history) for one in later.checkpoints)


def test_what_the_cluster_said_is_recorded_where_it_is_news_or_a_checkpoint_begins(
    ticked: Ticked,
) -> None:
    history = map(record_of, ticked(12).history[::-1])
    assert [record.seen is not None for record in history] == [number in (0, 10) for number in range(12)]


def test_windows_that_were_missed_are_kept_with_what_was_learned_from_them(
    experiment: Experiment, ticked: Ticked
) -> None:
    committed = ticked(2)
    window = Window(60.0, 90.0, {"logistic": Observed(50, 20), "boosting": Observed(50, 20)})
    memory = memories.update(experiment, committed.memory, window)
    after = committed.learned(memory, window, now=200.0, generation=3)
    assert after.memory == memory
    assert (after.cursor, record_of(after.history[0]).reason) == (90.0, reasons.CAUGHT_UP)


def test_a_new_generation_keeps_the_evidence_and_drops_what_cannot_be_made_again(
    experiment: Experiment, ticked: Ticked
) -> None:
    committed = ticked(3)
    after = committed.rebased(experiment)
    assert after.memory == committed.memory
    assert after.history == committed.history
    assert after.checkpoints == ()
