"""A strategy in the study decides as the operator does, and sees what production shows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from bandit_operator.core import memory as mem
from bandit_operator.core.decide import decide
from bandit_operator.core.decision import Intention
from bandit_operator.core.model import WEIGHT_TOTAL, ArmFacts, Observed, Snapshot, Window
from bandit_operator.core.strategies import STRATEGIES
from bandit_operator.core.weights import to_weights
from bandit_study.data.table import Floats
from bandit_study.engine.draws import draw
from bandit_study.engine.play import NEVER, experiment, play
from bandit_study.engine.stream import Stream

Seen = tuple[int, Floats, Floats, Floats]
"""A chunk, and the shares, trials and rewards that were known in it."""
RATES = np.tile([0.5, 0.6, 0.4], (60, 1))


def decided(stream: Stream, strategy: str, seen: Sequence[Seen], seed: int) -> list[list[float]]:
    """The shares that ``decide`` comes to from the labels of one seed, arms that join included."""
    here = experiment(stream, strategy, 0)
    memory, start = mem.initial(here), to_weights(np.full(len(here.names), 1 / len(here.names)))
    before, path = Intention({}, dict(zip(here.names, start.tolist(), strict=True))), []
    for chunk, _, trials, rewards in seen:
        here = experiment(stream, strategy, chunk)
        if here.names != memory.arms:
            memory, _ = mem.adapt(memory, here)
        weights = {name: before.weights.get(name, 0) for name in here.names}
        path.append([weights[name] / WEIGHT_TOTAL for name in here.names])
        end = here.interval * (chunk + 1)
        outcomes = {
            name: Observed(float(trials[seed, arm]), float(rewards[seed, arm]))
            for arm, name in enumerate(here.names)
        }
        facts = {name: ArmFacts(weight=weights[name], available=True) for name in here.names}
        snapshot = Snapshot(end, Window(end - here.interval, end, outcomes), facts, 1, route_accepted=True)
        decision = decide(here, memory, Intention(before.standings, weights), snapshot)
        memory, before = decision.memory, Intention(decision.standings, decision.weights)
    return path


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_the_shares_are_those_of_decide_also_when_an_arm_joins(
    make_stream: Callable[..., Stream], strategy: str
) -> None:
    stream = make_stream(np.c_[RATES, np.full(60, 0.7)], size=150, joins=(0, 0, 0, 25))
    seen = []
    play(stream, draw(stream, 2), strategy, lambda *chunk: seen.append(chunk))
    for expected, (_, shares, _, _) in zip(decided(stream, strategy, seen, 1), seen, strict=True):
        assert shares[1].tolist() == pytest.approx(expected, abs=1e-12)


def test_a_strategy_depends_on_nothing_but_the_labels_that_have_come(
    make_stream: Callable[..., Stream],
) -> None:
    stream = make_stream(RATES)
    rewards, scores = stream.rewards.copy(), stream.scores.copy()
    later = stream.chunk_of >= 30
    rewards[later], scores[later] = 1.0 - rewards[later], 0.0
    changed = dataclasses.replace(stream, rewards=rewards, scores=scores)
    draws = draw(stream, 3)
    first, second = (play(here, draws, "Thompson").served for here in (stream, changed))
    untouched = stream.chunk_of <= 30
    assert np.array_equal(first[:, untouched], second[:, untouched])
    assert not np.array_equal(first, second)


def test_an_arm_serves_nothing_before_it_joins_or_after_it_was_rolled_back(
    make_stream: Callable[..., Stream],
) -> None:
    stream = make_stream(
        np.c_[np.full(60, 0.8), np.full(60, 0.2), np.full(60, 0.8)], size=300, joins=(0, 0, 20)
    )
    path = play(stream, draw(stream, 3), "ABTest")
    assert not (path.served[:, stream.chunk_of < 20] == 2).any()
    assert (path.served[:, stream.chunk_of >= 25] == 2).any()
    assert (path.rolled_back_at[:, 1] != NEVER).all()
    for seed in range(3):
        gone = stream.chunk_of > path.rolled_back_at[seed, 1]
        assert not (path.served[seed, gone] == 1).any()


def test_an_ab_test_hands_the_traffic_to_the_winner_and_the_others_only_name_it(
    make_stream: Callable[..., Stream],
) -> None:
    stream = make_stream(np.tile([0.3, 0.6], (80, 1)), size=300)
    path = play(stream, draw(stream, 2), "ABTest")
    assert (path.promoted_at[:, 1] != NEVER).all()
    assert (path.served[:, -300:] == 1).mean() > 0.95
    names = experiment(stream, "Thompson", 0)
    assert names.promotion.action != experiment(stream, "ABTest", 0).promotion.action
