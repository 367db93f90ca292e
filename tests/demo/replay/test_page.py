"""The page of a replay sets the operator's figures beside the study's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bandit_serving.replay import Answer
from bandit_study.engine.settings import Settings
from demo.replay.page import write
from demo.replay.prepare import Prepared, prepare
from demo.replay.run import Tally
from tests.support.tables import made_up_table

SETTINGS = Settings(seeds=2, chunks=20, train_rows=300, retrainings=0)


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    """A made-up set."""
    monkeypatch.setenv("BANDIT_CACHE", str(tmp_path / "cache"))
    return prepare(made_up_table(), SETTINGS, tmp_path / "models", 10.0, lambda _: None)


def test_answers_are_tallied_by_arm_and_failures_are_not(prepared: Prepared) -> None:
    tally = Tally(prepared)
    tally.add(Answer("a", 3, "forest", 0.01, None))
    tally.add(Answer("b", 4, "forest", 0.01, None))
    tally.add(Answer("c", 5, None, 0.01, "HTTP 503"))
    arm = prepared.stream.names.index("forest")
    assert tally.answered == tally.trials["forest"] == 2
    assert tally.expected["forest"] == pytest.approx(prepared.stream.rewards[3:5, arm].sum())


def test_the_page_has_both_figures_of_every_arm_and_a_picture(prepared: Prepared, tmp_path: Path) -> None:
    names = prepared.stream.names
    tick = {"weights": dict.fromkeys(names, 10), "time": "2026-01-01T00:00:00Z"}
    result = {
        "stream": "made-up",
        "months": 6.0,
        "rate": 60.0,
        "interval": 5.0,
        "requests": 1800,
        "failed": 2,
        "failures": {"HTTP 503": 2},
        "labels_sent": 1800,
        "rewards_counted": 1800,
        "served": dict.fromkeys(names, 300),
        "reward_by_operator": {name: 200.0 + arm for arm, name in enumerate(names)},
        "reward_by_study": {name: 200.0 + arm for arm, name in enumerate(names)},
        "mean_reward": 0.6789,
        "windows_missing": [],
        "rolled_back": [{"arm": "stale", "tick": 7, "drained_before_scale": True}],
        "ticks": [tick, {**tick, "time": "2026-01-01T00:03:00Z"}],
    }
    page = write(result, prepared.stream, 2, tmp_path / "build", tmp_path / "docs").read_text()
    assert "6.0 months in 3 minutes" in page
    assert "1,800, of which 2 failed (HTTP 503: 2)." in page
    assert "| mean reward | 0.6789 |" in page
    assert "| forest | 300 | 202.000 | 202.000 |" in page
    assert "`stale` was found worse than the baseline at tick 7: drained, then scaled to zero." in page
    assert (tmp_path / "docs" / "replay.png").stat().st_size > 10_000
    kept = json.loads((tmp_path / "build" / "replay.json").read_text())
    assert np.shape(kept["study"]["shares"]) == (20, len(names))
