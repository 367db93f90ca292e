"""Changes are told by what they are: one arm, all arms, or another champion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bandit_operator.core import memory as mem
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference import changes
from bandit_operator.core.inference import evidence as ev
from bandit_operator.core.inference.changes import Change, ChangeKind
from bandit_operator.core.model import RewardType, Window
from tests.support.evaluated import evaluate

NAMES = ("a", "b", "c")


def told(
    make_experiment: Callable[..., Experiment],
    make_window: Callable[..., Window],
    rng: np.random.Generator,
    before: Any,
    after: Any,
    kept: Any = 60,
    since: Any = 15,
    trials: Any = 200,
) -> Change | None:
    experiment = make_experiment(3)
    memory = mem.initial(experiment)
    for number in range(kept + since):
        counts = np.full(3, trials)
        rates = before if number < kept else after
        memory = mem.update(experiment, memory, make_window(counts, rng.binomial(counts, rates), number))
    return evaluate(experiment, memory, set(NAMES)).change


@pytest.mark.parametrize(
    ("before", "after", "kind", "arm"),
    [
        pytest.param([0.4, 0.3, 0.2], [0.4, 0.1, 0.2], ChangeKind.ARM_DROPPED, "b", id="one arm broke"),
        pytest.param(
            [0.4, 0.35, 0.1], [0.4, 0.35, 0.25], ChangeKind.ARM_IMPROVED, "c", id="one arm improved"
        ),
        pytest.param([0.3, 0.25, 0.2], [0.2, 0.15, 0.1], ChangeKind.ALL_MOVED, None, id="all fell"),
        pytest.param(
            [0.30, 0.27, 0.2], [0.25, 0.30, 0.2], ChangeKind.NEW_CHAMPION, "b", id="they changed places"
        ),
    ],
)
def test_a_change_is_told_by_its_kind_and_arm(
    make_experiment: Callable[..., Experiment],
    make_window: Callable[..., Window],
    rng: np.random.Generator,
    before: Any,
    after: Any,
    kind: ChangeKind,
    arm: str | None,
) -> None:
    change = told(make_experiment, make_window, rng, before, after)
    assert change is not None
    assert (change.kind, change.arm) == (kind, arm)
    if arm is not None:
        index = NAMES.index(arm)
        assert change.before == pytest.approx(before[index], abs=0.03)
        assert change.after == pytest.approx(after[index], abs=0.06)
        assert str(change).startswith(arm)


def test_before_any_reward_and_with_few_nothing_is_told(
    make_experiment: Callable[..., Experiment], make_window: Callable[..., Window], rng: np.random.Generator
) -> None:
    experiment = make_experiment(3)
    assert evaluate(experiment, mem.initial(experiment), set(NAMES)).change is None
    assert told(make_experiment, make_window, rng, [0.9] * 3, [0.1] * 3, kept=3, since=1, trials=10) is None


def test_stable_arms_are_told_to_change_in_fewer_than_one_of_a_hundred_thousand_ticks(
    rng: np.random.Generator,
) -> None:
    evidence = ev.Evidence.initial(RewardType.BERNOULLI, 3, (200,))
    counts, alarms = np.full((200, 3), 100), 0
    for _ in range(500):
        tick = np.stack([counts, rng.binomial(counts, [0.3, 0.27, 0.1])], axis=-2) * 1.0
        evidence = ev.update(evidence, tick, np.zeros_like(tick), RewardType.BERNOULLI, 0)
        for found in changes.recent_shifts(evidence, RewardType.BERNOULLI, np.ones((200, 3), dtype=bool)):
            beyond = np.abs(np.concatenate([found.own, found.common[:, None]], axis=-1)) > changes.DEVIATIONS
            alarms += int(beyond.any(-1).sum())
    assert alarms <= 1


FALL = [0.9, 0.5, 0.3]


@pytest.mark.parametrize("trials", [[20, 20, 20], [200, 200, 200], [100, 5, 5], [400, 30, 4]])
@pytest.mark.parametrize("after", [[0.05, 0.05, 0.05], [0.09, 0.05, 0.03], [0.7, 0.39, 0.23]])
def test_no_arm_is_said_to_have_broken_alone_where_all_did(
    make_experiment: Callable[..., Experiment],
    make_window: Callable[..., Window],
    rng: np.random.Generator,
    trials: Any,
    after: Any,
) -> None:
    said = every(make_experiment, make_window, rng, FALL, after, trials)
    assert not [text for text in said if "the others' did not" in text]


@pytest.mark.parametrize("trials", [[200, 200, 200], [100, 20, 20], [20, 200, 100]])
def test_where_one_arm_breaks_it_is_named_and_never_the_world(
    make_experiment: Callable[..., Experiment],
    make_window: Callable[..., Window],
    rng: np.random.Generator,
    trials: Any,
) -> None:
    said = every(make_experiment, make_window, rng, FALL, [0.9, 0.1, 0.3], trials)
    assert not [text for text in said if "all arms" in text]
    assert [text for text in said if text.startswith("b broke") and text.endswith("the others' did not")]


@pytest.mark.parametrize("trials", [[200, 200, 200], [100, 50, 50]])
def test_where_two_arms_break_each_names_the_other_and_the_third_is_cleared(
    make_experiment: Callable[..., Experiment],
    make_window: Callable[..., Window],
    rng: np.random.Generator,
    trials: Any,
) -> None:
    said = every(make_experiment, make_window, rng, FALL, [0.9, 0.1, 0.05], trials)
    assert not [text for text in said if "all arms" in text or text.startswith("a:")]
    assert [text for text in said if text.startswith("b: ") and text.endswith("that of c fell, too")]
    assert not [text for text in said if text.startswith("b broke") and "did not" in text]


def test_a_days_ups_and_downs_blame_no_arm(
    make_experiment: Callable[..., Experiment], make_window: Callable[..., Window], rng: np.random.Generator
) -> None:
    experiment = make_experiment(3)
    memory, said = mem.initial(experiment), []
    for number in range(400):
        day = 1 + 0.5 * np.sin(2 * np.pi * number / 100)
        counts = np.full(3, 200)
        window = make_window(counts, rng.binomial(counts, np.array([0.3, 0.25, 0.2]) * day), number)
        memory = mem.update(experiment, memory, window)
        said.append(str(evaluate(experiment, memory, set(NAMES)).change or ""))
    assert not [text for text in said if "the others' did not" in text]
    assert [text for text in said if text.startswith("all arms moved together")]


def every(
    make_experiment: Callable[..., Experiment],
    make_window: Callable[..., Window],
    rng: np.random.Generator,
    before: Any,
    after: Any,
    trials: Any,
) -> list[str]:
    """What is said in each tick after a change."""
    experiment = make_experiment(3)
    memory, said = mem.initial(experiment), []
    for number in range(160):
        counts = np.array(trials)
        rates = before if number < 100 else after
        memory = mem.update(experiment, memory, make_window(counts, rng.binomial(counts, rates), number))
        change = evaluate(experiment, memory, set(NAMES)).change
        if number >= 100 and change is not None:
            said.append(str(change))
    return said


def test_an_arm_that_may_not_serve_is_not_spoken_of(
    make_experiment: Callable[..., Experiment], make_window: Callable[..., Window], rng: np.random.Generator
) -> None:
    experiment = make_experiment(3)
    memory = mem.initial(experiment)
    for number in range(75):
        rates = [0.3, 0.3, 0.2] if number < 60 else [0.3, 0.05, 0.2]
        counts = np.full(3, 200)
        memory = mem.update(experiment, memory, make_window(counts, rng.binomial(counts, rates), number))
    assert evaluate(experiment, memory, {"a", "b", "c"}).change is not None
    assert evaluate(experiment, memory, {"a", "c"}).change is None
