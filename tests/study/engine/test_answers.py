"""Models are trained on the past only, and asked once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bandit_study.data.table import Table, Task
from bandit_study.engine import models
from bandit_study.engine.answers import make_stream as stream_of
from bandit_study.engine.settings import Settings


def test_the_answers_come_from_the_cache_when_nothing_has_changed(
    make_table: Callable[..., Table], settings: Settings, tmp_path: Path
) -> None:
    said: list[str] = []
    first, _ = stream_of(make_table(), settings, said.append, cache=tmp_path)
    trained = len(said)
    again, _ = stream_of(make_table(), settings, said.append, cache=tmp_path)
    assert trained == len(said) > 6
    assert np.array_equal(first.scores, again.scores)
    other = dataclasses.replace(make_table(), digest="1")
    stream_of(other, settings, said.append, cache=tmp_path)
    assert len(said) > trained


@pytest.mark.parametrize("task", list(Task))
def test_there_are_six_arms_and_three_that_join_later(
    make_table: Callable[..., Table], settings: Settings, tmp_path: Path, task: Task
) -> None:
    stream, skew = stream_of(make_table(task=task), settings, lambda _: None, cache=tmp_path)
    assert skew is None
    assert stream.names == (
        "linear", "boosting", "forest", "overfit", "recent", "stale",
        "retrained-1", "retrained-2", "retrained-3",
    )  # fmt: skip
    assert stream.joins.tolist() == [0, 0, 0, 0, 0, 0, 20, 40, 60]
    assert [len(scores) for _, scores in stream.validation] == [6, 7, 8, 9]
    assert ((stream.rewards >= 0) & (stream.rewards <= 1)).all()
    assert stream.mean(0, stream.chunks)[0] > 0.6


def test_no_answer_depends_on_a_row_that_comes_later_than_its_model(
    make_table: Callable[..., Table], settings: Settings, tmp_path: Path
) -> None:
    table = make_table()
    stream, _ = stream_of(table, settings, lambda _: None, cache=tmp_path)
    start = len(table.target) - len(stream.target)
    first_join = int(stream.joins[6])
    changed_from = start + int(stream.edges[first_join])
    target, values = table.target.copy(), table.values.copy()
    target[changed_from:] = 1 - target[changed_from:]
    values[changed_from:] *= -1
    later = dataclasses.replace(table, target=target, values=values, digest="1")
    other, _ = stream_of(later, settings, lambda _: None, cache=tmp_path)
    same = slice(0, int(stream.edges[first_join]))
    assert np.array_equal(stream.scores[same, :7], other.scores[same, :7])
    assert stream.validation[:2] == other.validation[:2]
    assert not np.array_equal(stream.scores[same, 8], other.scores[same, 8])


def test_the_break_falls_on_the_arm_that_validated_best_from_the_middle_on(
    make_table: Callable[..., Table], settings: Settings, tmp_path: Path
) -> None:
    table = make_table()
    plain, _ = stream_of(table, settings, lambda _: None, cache=tmp_path)
    broken, skew = stream_of(table, settings, lambda _: None, skewed=True, cache=tmp_path)
    assert skew is not None
    assert skew.arm == int(np.argmax(plain.validation[0][1]))
    assert table.features[skew.feature] == "x"  # the most informative number
    assert broken.name == "made-up+skew"
    middle = int(plain.edges[skew.chunk])
    assert skew.chunk == plain.chunks // 2
    others = np.arange(len(plain.names)) != skew.arm
    assert np.array_equal(plain.scores[:, others], broken.scores[:, others])
    assert np.array_equal(plain.scores[:middle], broken.scores[:middle])
    lost = plain.rewards[middle:, skew.arm].mean() - broken.rewards[middle:, skew.arm].mean()
    assert lost > 0.1


def test_a_model_whose_rows_have_one_class_or_features_without_values_is_trained_all_the_same(
    make_table: Callable[..., Table],
) -> None:
    table = make_table(300)
    one_class = dataclasses.replace(table, target=np.zeros(300))
    assert models.train("boosting", one_class, 0, 300, 300).scores(table.values).tolist() == [0.0] * 300
    values = table.values.copy()
    values[:200, 2] = np.nan
    gaps = dataclasses.replace(table, values=values)
    for algorithm in ("linear", "boosting", "forest", "tree"):
        found = models.train(algorithm, gaps, 0, 200, 200).scores(gaps.values)
        assert ((found >= 0) & (found <= 1)).all()
