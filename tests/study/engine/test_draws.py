"""Chance is the same for all that is compared."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bandit_study.engine.draws import draw
from bandit_study.engine.settings import DELAY_LONGEST
from bandit_study.engine.stream import Stream


def test_a_request_is_a_row_of_its_own_chunk(make_stream: Callable[..., Stream]) -> None:
    stream = make_stream(np.full((8, 2), 0.5), size=30)
    draws = draw(stream, 4)
    assert np.array_equal(stream.chunk_of[draws.rows], np.broadcast_to(stream.chunk_of, draws.rows.shape))


def test_a_seed_draws_the_same_however_many_there_are_and_for_the_skewed_stream_too(
    make_stream: Callable[..., Stream],
) -> None:
    few, many = (draw(make_stream(np.full((8, 2), 0.5)), seeds) for seeds in (2, 5))
    skewed = draw(make_stream(np.full((8, 2), 0.5), name="made-up+skew"), 2)
    for name in ("rows", "route", "delay"):
        assert np.array_equal(getattr(few, name), getattr(many, name)[:2])
        assert np.array_equal(getattr(few, name), getattr(skewed, name))
    assert not np.array_equal(many.route[0], many.route[1])


def test_half_of_the_labels_come_within_two_chunks_and_none_later_than_the_longest(
    make_stream: Callable[..., Stream],
) -> None:
    delay = draw(make_stream(np.full((40, 2), 0.5), size=500), 3).delay
    assert abs((delay < 2).mean() - 0.5) < 0.02
    assert abs((delay < 8).mean() - 0.95) < 0.01
    assert delay.max() <= DELAY_LONGEST
