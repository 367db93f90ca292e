from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bandit_operator.api.record import MAX_HISTORY, DecisionRecord, RecordedStatus
from bandit_operator.api.status import ArmStatus, MeanInterval, Status
from bandit_operator.core.model import ArmState


def written(model: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = model.model_dump(by_alias=True, exclude_none=True, mode="json")
    return dumped


def test_what_is_not_known_is_left_out() -> None:
    assert written(Status(observed_generation=1, arms=[ArmStatus(name="a")])) == {
        "observedGeneration": 1,
        "arms": [{"name": "a"}],
    }


def test_decimals_are_strings_and_counts_are_integers() -> None:
    arm = ArmStatus(
        name="a",
        state=ArmState.ACTIVE,
        weight=9000,
        realised_share="0.9",
        mean="0.41",
        interval=MeanInterval(lower="0.40", upper="0.42"),
        probability_best="0.99",
        previous_replicas=2,
    )
    assert written(arm) == {
        "name": "a",
        "state": "Active",
        "weight": 9000,
        "realisedShare": "0.9",
        "mean": "0.41",
        "interval": {"lower": "0.40", "upper": "0.42"},
        "probabilityBest": "0.99",
        "previousReplicas": 2,
    }


def test_the_history_is_bounded() -> None:
    record = DecisionRecord(time="2026-03-01T12:00:00Z", reason="Learning", message="Weights moved.")
    assert len(RecordedStatus(history=[record] * MAX_HISTORY).history or ()) == MAX_HISTORY
    with pytest.raises(ValidationError):
        RecordedStatus(history=[record] * (MAX_HISTORY + 1))


def test_a_status_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Status().leader = "a"  # type: ignore[misc]  # that it cannot be set is the point
