"""The baselines equal a plain loop over a tiny stream."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bandit_study.engine import baselines
from bandit_study.engine.draws import draw
from bandit_study.engine.settings import LAST_WINDOW
from bandit_study.engine.stream import Stream


@pytest.fixture
def stream(make_stream: Callable[..., Stream]) -> Stream:
    rng = np.random.default_rng(3)
    return make_stream(rng.uniform(0.2, 0.8, (25, 3)), size=6, joins=(0, 0, 7))


def test_constant_is_always_the_baseline_arm(stream: Stream) -> None:
    assert (baselines.serve(stream, draw(stream, 2), "constant").served == 0).all()


def test_best_single_is_the_first_arm_with_the_most_reward_over_the_whole_stream(stream: Stream) -> None:
    totals = [sum(stream.rewards[row, arm] for row in range(len(stream.target))) for arm in (0, 1)]
    served = baselines.serve(stream, draw(stream, 2), "best-single").served
    assert (served == int(totals[1] > totals[0])).all()


def test_the_oracle_serves_the_best_arm_of_each_chunk_that_has_joined(stream: Stream) -> None:
    served = baselines.serve(stream, draw(stream, 2), "oracle").served
    for chunk in range(stream.chunks):
        rows = slice(chunk * 6, chunk * 6 + 6)
        sums = stream.rewards[rows].sum(axis=0)[: stream.serving(chunk)]
        assert (served[:, rows] == int(sums.argmax())).all()


def test_last_window_serves_what_a_loop_over_the_labels_that_have_come_finds_best(stream: Stream) -> None:
    draws = draw(stream, 3)
    chosen = baselines.last_window(stream, draws)
    for seed in range(3):
        for chunk in range(stream.chunks):
            best, best_mean = 0, -1.0
            for arm in range(3):
                found = [
                    stream.rewards[draws.rows[seed, request], arm]
                    for request in range(len(stream.target))
                    if chunk - LAST_WINDOW <= stream.chunk_of[request] + draws.delay[seed, request] < chunk
                    and stream.chunk_of[request] >= stream.joins[arm]
                ]
                if found and np.mean(found) > best_mean + 1e-12:
                    best, best_mean = arm, float(np.mean(found))
            assert chosen[seed, chunk] == best
