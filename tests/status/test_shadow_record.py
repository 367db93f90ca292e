"""What the shadow scored, on its way into a record and back: the same to the last bit."""

from __future__ import annotations

import json

import pytest

from bandit_operator.api.record import DecisionRecord, ShadowRecord
from bandit_operator.core.model import (
    Implausible,
    NoData,
    Observed,
    Paired,
    Shadowed,
    Window,
)
from bandit_operator.status.history import caught_up_record, window_of
from bandit_operator.status.shadow_record import recorded, shadow_of

NAMES = ("logistic", "boosting", "forest")
SHADOW = Shadowed(
    arms={
        "logistic": Observed(40, 21.1, squares=0.1 + 0.2),
        "boosting": NoData("no series of trials"),
        "forest": Implausible("ImpossibleNumber", "trials grew by inf; no counter does"),
    },
    pairs={
        ("logistic", "boosting"): Paired(40, -3.3, 1 / 3),
        ("logistic", "forest"): NoData("no series of pairTrials"),
        ("boosting", "forest"): Implausible("ImpossibleNumber", "pairSquares grew by nan; no counter does"),
    },
)


def stored(record: ShadowRecord | None) -> ShadowRecord:
    assert record is not None
    text = json.dumps(record.model_dump(mode="json", by_alias=True, exclude_none=True))
    return ShadowRecord.model_validate(json.loads(text))


def test_all_of_it_comes_back() -> None:
    assert shadow_of(stored(recorded(SHADOW)), NAMES) == SHADOW


def test_a_pair_without_an_entry_stays_without_one() -> None:
    sparse = Shadowed(SHADOW.arms, {("logistic", "boosting"): Paired(40, -3.3, 2.0)})
    assert shadow_of(stored(recorded(sparse)), NAMES) == sparse


def test_without_a_shadow_there_is_no_record_and_none_comes_back() -> None:
    assert recorded(None) is None
    assert shadow_of(None, NAMES) is None


@pytest.mark.parametrize("shadow", [None, SHADOW], ids=["without", "with"])
def test_the_record_of_a_window_has_the_shadow_of_the_window(shadow: Shadowed | None) -> None:
    window = Window(300.0, 330.0, {name: Observed(9, 1) for name in NAMES}, shadow=shadow)
    record = caught_up_record(window, 340.0, 3)
    text = json.dumps(record.model_dump(mode="json", by_alias=True, exclude_none=True))
    assert ("shadow" in json.loads(text)) == (shadow is not None)
    assert window_of(DecisionRecord.model_validate(json.loads(text)), NAMES) == window


def test_arms_that_are_no_longer_in_the_spec_are_left_out() -> None:
    back = shadow_of(stored(recorded(SHADOW)), NAMES[:2])
    assert back is not None
    assert set(back.arms) == set(NAMES[:2])
    assert set(back.pairs) == {("logistic", "boosting")}
