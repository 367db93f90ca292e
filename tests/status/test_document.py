"""What is committed, and its way to the status and back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bandit_operator.api.record import RecordedStatus, unpacked
from bandit_operator.api.status import Phase
from bandit_operator.core import memory as memories
from bandit_operator.core.decide import decide
from bandit_operator.core.decision import ArmReport, Decision, Intention
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.model import ArmFacts, ArmStanding, ArmState, Observed, Snapshot, Window
from bandit_operator.core.shadow_report import ShadowReport
from bandit_operator.status.committed import Committed, intended
from bandit_operator.status.document import Document, from_status, read_status, to_status
from bandit_operator.status.history import newest_window, record_of

STANDINGS = {
    "logistic": ArmStanding(ArmState.ACTIVE, 100.125, "Serving", "v1"),
    "boosting": ArmStanding(ArmState.DRAINING, 200.5, "WaitingForRequests", "v2", 3, 210.75),
}
WINDOW = Window(300, 330, {"logistic": Observed(50, 20), "boosting": Observed(0, 0)})


@pytest.fixture
def snapshot() -> Snapshot:
    """What is seen while a drain is under way."""
    facts = {
        arm: ArmFacts(weight, True, 3, standing.template)
        for (arm, standing), weight in zip(STANDINGS.items(), (10000, 0), strict=True)
    }
    return Snapshot(340.0, WINDOW, facts, 1, True)


@pytest.fixture
def decision(experiment: Experiment, snapshot: Snapshot) -> Decision:
    """A decision with a drain under way."""
    intention = Intention(STANDINGS, {"logistic": 10000, "boosting": 0})
    return decide(experiment, memories.initial(experiment), intention, snapshot)


@pytest.fixture
def status(experiment: Experiment, snapshot: Snapshot, decision: Decision) -> dict[str, Any]:
    """The status after that decision, as the API server holds it."""
    committed = Committed(memories.initial(experiment)).decided(snapshot, decision, 3)
    return written(experiment, committed, decision)


def written(
    experiment: Experiment, committed: Any, decision: Decision | None = None, phase: Any = Phase.LEARNING
) -> dict[str, Any]:
    document = Document(3, phase, (), committed, decision, {}, 0)
    return unpacked(json.loads(json.dumps(to_status(experiment, document))))


def read(status: dict[str, Any], experiment: Experiment, generation: int = 3) -> Committed:
    return from_status(RecordedStatus.model_validate(status), experiment, generation, now=1000.0)


def test_another_replica_remembers_the_same(
    experiment: Experiment, status: dict[str, Any], decision: Decision
) -> None:
    again = read(status, experiment)
    assert again.memory == decision.memory
    assert again.intention == Intention(decision.standings, decision.weights, baseline="logistic")
    assert again.cursor == 330.0
    assert again.rewards_until == 330.0
    assert len(again.history) == 1
    assert again.notes == ()


def test_the_checkpoint_is_what_was_known_before_the_oldest_record(
    experiment: Experiment, status: dict[str, Any]
) -> None:
    (checkpoint,) = read(status, experiment).checkpoints
    assert checkpoint.memory == memories.initial(experiment)
    assert (checkpoint.intention, checkpoint.records) == (None, 1)


def test_a_checkpoint_of_another_generation_is_not_used(
    experiment: Experiment, status: dict[str, Any]
) -> None:
    assert read(status, experiment, generation=4).checkpoints == ()


def test_a_checkpoint_that_cannot_be_read_is_not_used(experiment: Experiment, status: dict[str, Any]) -> None:
    damages: tuple[dict[str, Any], ...] = (
        {"records": "many"},
        {"records": float("inf")},
        {"memory": {}},
        {"intention": {"weights": 5}},
    )
    for damage in damages:
        damaged = {**status, "checkpoint": {**status["checkpoint"], **damage}}
        assert read(damaged, experiment).checkpoints == ()


def test_a_memory_that_cannot_be_read_starts_again_and_says_so(
    experiment: Experiment, status: dict[str, Any]
) -> None:
    status["memory"]["version"] = 999
    again = read(status, experiment)
    assert again.memory.ticks == 0
    assert "999" in again.notes[0]


def test_arms_that_are_no_longer_in_the_spec_are_known_to_whoever_has_their_backends_now(
    experiment: Experiment, status: dict[str, Any]
) -> None:
    status["arms"].append({**status["arms"][0], "name": "gone"})
    assert set(read(status, experiment).intention.standings) == {*STANDINGS, "gone"}


@pytest.mark.parametrize("phase", [Phase.PAUSED, Phase.OBSERVING])
def test_weights_from_before_a_pause_are_not_re_asserted_after_it(
    experiment: Experiment, status: dict[str, Any], phase: Any
) -> None:
    again = read({**status, "phase": phase.value}, experiment)
    route = {"logistic": 1, "boosting": 1}
    assert intended(again.intention, route, 10000, follow=False).weights == route


def test_what_was_known_of_the_arms_stays_where_nothing_was_decided(experiment: Experiment) -> None:
    assert "arms" not in written(experiment, Committed(memories.initial(experiment)))


@pytest.mark.parametrize("time", ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "yesterday"])
def test_times_that_cannot_be_start_afresh_or_count_as_now(
    experiment: Experiment, status: dict[str, Any], time: str
) -> None:
    status["cursor"] = status["rewardsUntil"] = time
    for arm in status["arms"]:
        arm["since"] = time
    again = read(status, experiment)
    assert again.rewards_until in (None, 1000.0)
    standings = {} if again.intention is None else again.intention.standings
    assert all(standing.since <= 1000.0 for standing in standings.values())


@pytest.mark.parametrize("stored", [3, "secret", ["arms"]])
def test_a_status_that_is_no_object_counts_as_none_and_is_told_of(stored: Any) -> None:
    status, notes = read_status({"status": stored})
    assert status.arms is None
    assert notes == ("the status could not be read, the evidence starts again: it is no object",)


def test_a_status_that_cannot_be_read_counts_as_none_and_says_so() -> None:
    status, notes = read_status({"status": {"arms": "secret"}})
    assert status == RecordedStatus()
    assert "could not be read" in notes[0]
    assert "secret" not in notes[0]


def test_a_record_that_cannot_be_read_leaves_what_is_shown_and_says_so(
    experiment: Experiment, decision: Decision, snapshot: Snapshot
) -> None:
    committed = Committed(memories.initial(experiment)).decided(snapshot, decision, 3)
    stored = to_status(experiment, Document(3, Phase.LEARNING, (), committed, decision, {}, 0))
    status, notes = read_status({"status": {**stored, "record": "secret"}})
    assert "record could not be read" in notes[0]
    assert "secret" not in notes[0]
    again = from_status(status, experiment, 3, now=1000.0)
    assert again.memory == memories.initial(experiment)
    assert again.intention is not None
    assert again.intention.weights == decision.weights


def test_what_must_be_remembered_of_the_arms_stays_where_nothing_was_decided(
    experiment: Experiment, decision: Decision, snapshot: Snapshot
) -> None:
    committed = Committed(memories.initial(experiment)).decided(snapshot, decision, 3)
    before = to_status(experiment, Document(3, Phase.LEARNING, (), committed, decision, {}, 0))
    paused = to_status(experiment, Document(3, Phase.PAUSED, (), committed, None, {}, 0))
    status, _ = read_status({"status": {**before, **paused}})
    assert {arm.name: arm.template for arm in status.arms or ()} == {"logistic": "v1", "boosting": "v2"}


def test_who_leads_how_surely_and_who_is_nearest_to_a_rollback_is_one_line(
    experiment: Experiment, snapshot: Snapshot, decision: Decision
) -> None:
    reports = {
        "logistic": ArmReport(50, 20, 0.4, None, 0.973, None),
        "boosting": ArmReport(9, 1, 0.1, None, 0.027, 7.25),
    }
    serving = {**STANDINGS, "boosting": ArmStanding(ArmState.ACTIVE, 1.0, "Serving")}
    known = replace(decision, reports=reports, standings=serving)
    committed = Committed(memories.initial(experiment)).decided(snapshot, decision, 3)
    status = written(experiment, committed, known)
    assert (status["leader"], status["leaderShare"], status["certainty"]) == ("logistic", "100.0%", "97.3%")
    assert status["evidence"] == f"boosting 7.25 of {decision.threshold:g}"
    nobody = {arm: replace(report, trials=0, evidence=1.0) for arm, report in reports.items()}
    without = written(experiment, committed, replace(known, reports=nobody))
    assert [without[name] for name in ("leader", "certainty", "evidence")] == [None, None, None]


def test_an_arm_shows_what_the_shadow_has_shown_of_it(
    experiment: Experiment, snapshot: Snapshot, decision: Decision
) -> None:
    shown = {
        "logistic": ShadowReport(400, 0.5, None, None, None),
        "boosting": ShadowReport(398, 0.45, -0.05, (-0.09, -0.01), 37.25),
    }
    reports = {arm: replace(report, shadow=shown[arm]) for arm, report in decision.reports.items()}
    committed = Committed(memories.initial(experiment)).decided(snapshot, decision, 3)
    status = written(experiment, committed, replace(decision, reports=reports))
    assert [arm["shadow"] for arm in status["arms"]] == [
        {"trials": "400", "mean": "0.5"},
        {
            "trials": "398",
            "mean": "0.45",
            "difference": "-0.05",
            "low": "-0.09",
            "high": "-0.01",
            "evidence": "37.25",
        },
    ]


def test_without_a_shadow_an_arm_shows_none(status: dict[str, Any]) -> None:
    assert all("shadow" not in arm for arm in status["arms"])


def test_records_are_kept_and_read_again_as_they_were(experiment: Experiment, status: dict[str, Any]) -> None:
    recorded = RecordedStatus.model_validate(status).history or []
    committed = read(status, experiment)
    assert [record_of(one) for one in committed.history] == recorded
    assert newest_window(committed.history) == recorded[0].window
    assert newest_window(()) is None
