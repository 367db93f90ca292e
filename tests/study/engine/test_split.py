"""Rows are parted by time alone."""

from __future__ import annotations

import dataclasses

from bandit_study.engine.settings import DELAY_LONGEST, Settings
from bandit_study.engine.split import retrainings, split


def test_training_comes_before_validation_and_that_before_production() -> None:
    parts = split(10_000, Settings(chunks=100))
    assert (parts.train, parts.production, parts.edges[0], parts.edges[-1]) == (3000, 4000, 4000, 10_000)
    assert parts.chunks == 100
    assert set(parts.edges[1:] - parts.edges[:-1]) == {60}


def test_a_short_stream_has_fewer_chunks_of_twenty_rows_or_more() -> None:
    parts = split(1000, Settings())
    assert parts.chunks == 30
    assert (parts.edges[1:] - parts.edges[:-1]).min() >= 20


def test_a_model_is_retrained_only_on_rows_whose_labels_have_come_whatever_their_delay() -> None:
    settings = Settings(chunks=100)
    parts = split(10_000, settings)
    found = retrainings(parts, settings)
    assert [again.chunk for again in found] == [25, 50, 75]
    for again in found:
        served_in = (parts.edges <= again.held[1] - 1).sum() - 1
        assert served_in + DELAY_LONGEST < again.chunk
        assert again.train[1] == again.held[0]
        assert again.held[1] - again.train[0] == parts.train
        assert again.train[0] >= 0


def test_without_retrainings_no_arm_joins() -> None:
    settings = dataclasses.replace(Settings(chunks=100), retrainings=0)
    assert retrainings(split(10_000, settings), settings) == []
