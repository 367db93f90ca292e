"""What is served in a replay is what the study has scored."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bandit_serving.arm.model import load_model
from bandit_serving.rewards import make_reward
from bandit_study.data.table import Task
from bandit_study.engine.settings import Settings
from bandit_study.errors import StudyError
from demo.replay.prepare import Prepared, filled, prepare
from tests.support.tables import made_up_table

SETTINGS = Settings(seeds=2, chunks=20, train_rows=300, retrainings=0)


@pytest.fixture(params=[Task.CLASSIFICATION, Task.REGRESSION])
def prepared(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    """The arms of a made-up set, as files."""
    monkeypatch.setenv("BANDIT_CACHE", str(tmp_path / "cache"))
    return prepare(made_up_table(task=request.param), SETTINGS, tmp_path / "models", 10.0, lambda _: None)


def test_every_served_arm_earns_on_every_row_what_the_study_says(prepared: Prepared) -> None:
    reward = make_reward(prepared.rollout.reward, dict(prepared.rollout.reward_settings))
    with np.load(prepared.rows) as rows:
        values, labels = rows["values"], rows["labels"].tolist()
    for arm, name in enumerate(prepared.stream.names):
        model = prepared.rollout.arms[name]
        predicted = load_model(model.model, model.card).compute(values, ["predict"])["predict"].tolist()
        earned = [
            reward.reward({"predict": one}, label) for one, label in zip(predicted, labels, strict=True)
        ]
        assert earned == pytest.approx(prepared.stream.rewards[:, arm].tolist(), abs=1e-5)


def test_the_production_stream_is_three_fifths_of_the_months(prepared: Prepared) -> None:
    assert prepared.months == pytest.approx(6.0)
    assert len(np.load(prepared.rows)["labels"]) == len(prepared.stream.target) == 1800


def test_gaps_are_filled_from_the_training_part_alone() -> None:
    table = made_up_table()
    later = dataclasses.replace(table, values=np.where(np.arange(3000)[:, None] < 900, table.values, 99.0))
    known = table.values[:900, 2]
    for one in (table, later):
        found = filled(one, 900)
        assert np.isfinite(found.values).all()
        assert (found.values[:900, 2][np.isnan(known)] == np.nanmedian(known)).all()


def test_a_set_whose_reward_needs_more_than_predictions_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANDIT_CACHE", str(tmp_path / "cache"))
    table = made_up_table()
    rare = dataclasses.replace(table, target=(np.arange(3000) % 40 == 0).astype(float))
    with pytest.raises(StudyError, match="made-up: its reward is rare-positives; a replay takes sets with"):
        prepare(rare, SETTINGS, tmp_path / "models", None, lambda _: None)
