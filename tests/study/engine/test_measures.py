"""Measures equal what is counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, balanced_accuracy_score

from bandit_study.engine import baselines, measures
from bandit_study.engine.draws import Draws, draw
from bandit_study.engine.play import NEVER, Path
from bandit_study.engine.stream import Stream


def path_of(stream: Stream, draws: Draws, served: Any = None, out: Any = None, best: Any = None) -> Path:
    """A path on which arm 0 serves everything, or what is given."""
    never = np.full((draws.seeds, len(stream.names)), NEVER)
    arms = np.zeros(draws.rows.shape, dtype=np.uint8) if served is None else served
    return Path(arms, never if out is None else out, never if best is None else best)


def test_quality_equals_that_of_scikit_learn_on_the_requests_served(
    make_stream: Callable[..., Stream],
) -> None:
    stream = make_stream(np.tile([0.7, 0.6], (20, 1)), size=40)
    draws = draw(stream, 2)
    served = (draws.route > 0.5).astype(np.uint8)
    found = measures.measure(stream, draws, path_of(stream, draws, served))
    for seed in range(2):
        target = stream.target[draws.rows[seed]]
        scores = stream.scores[draws.rows[seed], served[seed]]
        guess = scores >= 0.5
        assert found["balanced_accuracy"][seed] == pytest.approx(balanced_accuracy_score(target, guess))
        assert found["pr_auc"][seed] == pytest.approx(average_precision_score(target, scores))
        missed, alarms = ((target == 1) & ~guess).mean(), ((target == 0) & guess).mean()
        assert found["cost"][seed] == pytest.approx(1000 * (5 * missed + alarms))
        earned = stream.rewards[draws.rows[seed], served[seed]]
        assert found["mean_reward"][seed] == pytest.approx(earned.mean())
        assert found["late_reward"][seed] == pytest.approx(earned[400:].mean())


def test_harm_is_the_share_of_requests_with_an_arm_that_is_worse_in_their_chunk(
    make_stream: Callable[..., Stream],
) -> None:
    rates = np.tile([0.5, 1.0], (40, 1))
    rates[20:, 1] = 0.0
    stream = make_stream(rates, size=50)
    draws = draw(stream, 2)
    served = np.ones(draws.rows.shape, dtype=np.uint8)
    assert (
        measures.measure(stream, draws, path_of(stream, draws, served))["harm_exposure"].tolist() == [0.5] * 2
    )
    assert measures.measure(stream, draws, path_of(stream, draws))["harm_exposure"].tolist() == [0.0] * 2


def test_a_rollback_is_false_only_if_the_arm_was_no_worse_all_along_and_lately(
    make_stream: Callable[..., Stream],
) -> None:
    rates = np.tile([0.5, 1.0, 0.9, 0.1], (60, 1))
    rates[30:, 2] = 0.0  # good for long, broken lately
    stream = make_stream(rates, size=50)
    draws = draw(stream, 1)
    for arm, false, regretted in ((1, 1, 1), (2, 0, 0), (3, 0, 0)):
        out = np.full((1, 4), NEVER)
        out[0, arm] = 51
        found = measures.rollbacks(stream, path_of(stream, draws, out=out))
        counts = [found[name][0] for name in ("rollbacks", "false_rollbacks", "regretted_rollbacks")]
        assert counts == [1, false, regretted]


def test_a_promotion_is_wrong_where_a_rival_that_is_still_there_was_better(
    make_stream: Callable[..., Stream],
) -> None:
    stream = make_stream(np.tile([0.2, 0.5, 0.9], (60, 1)), size=50)
    draws = draw(stream, 1)
    best = np.array([[NEVER, 40, NEVER]])
    assert measures.promotions(stream, path_of(stream, draws, best=best))["wrong_promotions"][0] == 1
    gone = np.array([[NEVER, NEVER, 10]])
    path = path_of(stream, draws, out=gone, best=best)
    assert measures.promotions(stream, path)["wrong_promotions"][0] == 0
    right = np.array([[NEVER, NEVER, 40]])
    assert measures.promotions(stream, path_of(stream, draws, best=right))["wrong_promotions"][0] == 0


def test_the_right_arm_is_found_once_it_has_half_of_the_traffic_for_ten_chunks() -> None:
    held = np.zeros((3, 40), dtype=bool)
    held[0, 5:14] = True  # nine chunks
    held[1, 5:14] = held[1, 20:30] = True
    held[2] = True
    found, first = measures.steady(held)
    assert found.tolist() == [False, True, True]
    assert first[1:].tolist() == [20, 0]
    assert not measures.steady(np.ones((1, 9), dtype=bool))[0].any()


def test_best_single_has_found_the_right_arm_at_once(make_stream: Callable[..., Stream]) -> None:
    stream = make_stream(np.tile([0.4, 0.6], (30, 1)))
    draws = draw(stream, 2)
    found = measures.measure(stream, draws, baselines.serve(stream, draws, "best-single"))
    assert found["time_to_right_arm"].tolist() == [0.0, 0.0]
    never = measures.measure(stream, draws, path_of(stream, draws))
    assert never["found_right_arm"].tolist() == [0.0, 0.0]
    assert never["time_to_right_arm"].tolist() == [30.0, 30.0]
