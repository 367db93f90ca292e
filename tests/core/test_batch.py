"""Many decisions made together are those that are made alone."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pytest

from bandit_operator.core import memory as memories
from bandit_operator.core import reasons
from bandit_operator.core.batch import Steps, Work, result_of, run_together
from bandit_operator.core.decide import Case, decide, deciding
from bandit_operator.core.decision import Decision, Intention
from bandit_operator.core.evaluate import Known
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.memory import Memory
from bandit_operator.core.model import (
    Arm,
    ArmFacts,
    Delay,
    Guardrails,
    NoData,
    NothingDue,
    Paired,
    RewardType,
    Shadow,
    Shadowed,
    Snapshot,
    ValidationScale,
)
from bandit_operator.core.strategies import STRATEGIES

pytestmark = pytest.mark.slow

TICKS = 16
BETWEEN_TICKS = NothingDue(reasons.BETWEEN_TICKS, "no window is due")
ALIKE = 4
"""Resources of each kind."""
KINDS: dict[str, dict[str, Any]] = {
    **{name: {"strategy": name} for name in sorted(STRATEGIES)},
    "two arms": {"strategy": "ContrastThompson", "arms": 2},
    "ten arms": {"strategy": "ContrastThompson", "arms": 10},
    "Gaussian": {"strategy": "ContrastThompson", "reward_type": RewardType.GAUSSIAN},
    "Gaussian Thompson": {"strategy": "Thompson", "reward_type": RewardType.GAUSSIAN},
    "Ratio": {"strategy": "ContrastThompson", "reward_type": RewardType.RATIO},
    "late labels": {"strategy": "ContrastThompson", "delay": Delay(20.0, 90.0)},
    "shadow": {"strategy": "ContrastThompson", "shadow": Shadow(share=0.1)},
    "Gaussian KLUCB": {"strategy": "KLUCB", "reward_type": RewardType.GAUSSIAN},
    **{
        f"ranked {name} {kind}": {
            "strategy": name,
            "reward_type": kind,
            "validation_scale": ValidationScale.RANKING,
        }
        for name in ("ContrastThompson", "Thompson", "UCB1")
        for kind in (RewardType.BERNOULLI, RewardType.RATIO)
    },
}


class Resources:
    """Resources of one kind, each with a history of its own."""

    def __init__(self, experiment: Experiment, seed: int, window: Callable[..., Any]) -> None:
        self.rng = np.random.default_rng(seed)
        self.window = window
        scores = tuple(
            replace(arm, validation_score=0.5 + 0.1 * k, validation_error=0.05 * (k % 2))
            for k, arm in enumerate(experiment.arms)
        )
        self.experiments = [
            replace(experiment, arms=scores, guardrails=Guardrails(min_trials=100)) for _ in range(ALIKE)
        ]
        names = experiment.names
        weights = {name: 10_000 // len(names) for name in names}
        self.decided: list[tuple[Memory, Intention, Known | None]]
        self.decided = [(memories.initial(experiment), Intention({}, weights), None) for _ in range(ALIKE)]

    def cases(self, tick: int) -> list[Case]:
        """What each is to be decided from now."""
        return [
            Case(experiment, *self.decided[at][:2], self._seen(experiment, at, tick), self.decided[at][2])
            for at, experiment in enumerate(self.experiments)
        ]

    def _seen(self, experiment: Experiment, at: int, tick: int) -> Snapshot:
        intention = self.decided[at][1]
        facts = {name: ArmFacts(intention.weights[name], True, 2, "v1") for name in experiment.names}
        if self.rng.random() < 0.1:
            return Snapshot(30.0 * tick + 35.0, BETWEEN_TICKS, facts, 1, True)
        window = self.window(self.rng, experiment.reward_type, len(experiment.arms), tick)
        if self.rng.random() < 0.2:
            window = replace(window, arms={**window.arms, experiment.names[-1]: NoData()})
        if experiment.shadow is not None and self.rng.random() < 0.8:
            window = replace(window, shadow=self._scored(experiment, window))
        return Snapshot(window.end + 5.0, window, facts, 1, True)

    def _scored(self, experiment: Experiment, window: Any) -> Shadowed:
        pairs = {}
        for i, first in enumerate(experiment.names):
            for second in experiment.names[i + 1 :]:
                won, lost = self.rng.integers(0, 9, 2).tolist()
                pairs[first, second] = Paired(40.0, float(won - lost), float(won + lost))
        return Shadowed(dict(window.arms), pairs)


def decided_together(cases: Sequence[Case]) -> list[Decision]:
    return run_together([deciding(case) for case in cases])


@pytest.mark.parametrize(
    "together", [(name,) for name in KINDS] + [tuple(KINDS)], ids=lambda one: "+".join(one[:2])
)
def test_decisions_made_together_are_those_made_alone_bit_for_bit(
    together: tuple[str, ...], make_experiment: Callable[..., Experiment], random_window: Callable[..., Any]
) -> None:
    many = [
        Resources(make_experiment(**KINDS[name]), seed, random_window) for seed, name in enumerate(together)
    ]
    for tick in range(TICKS):
        cases = [case for one in many for case in one.cases(tick)]
        found = decided_together(cases)
        for case, decision in zip(cases, found, strict=True):
            alone = decide(case.experiment, case.memory, case.before, case.snapshot, case.known)
            assert decision == alone
        for one in many:
            own, found = found[:ALIKE], found[ALIKE:]
            one.decided = [(decision.memory, decision.intention, decision.known) for decision in own]
    assert all(memory.ticks > TICKS / 2 for one in many for memory, _, _ in one.decided)


def test_shares_that_are_told_by_name_are_never_those_of_other_names(
    make_experiment: Callable[..., Experiment],
) -> None:
    strategy = STRATEGIES["ABTest"](split={"a": 0.9, "b": 0.1})  # type: ignore[call-arg]  # a setting of its own
    experiment = replace(make_experiment(2), strategy=strategy)
    swapped = replace(experiment, arms=(Arm("b"), Arm("a")), baseline="b")
    weights = {"a": 9000, "b": 1000}
    facts = {name: ArmFacts(weight, True, 2, "v1") for name, weight in weights.items()}
    snapshot = Snapshot(35.0, BETWEEN_TICKS, facts, 1, True)
    found = decided_together(
        [Case(one, memories.initial(one), Intention({}, weights), snapshot) for one in (experiment, swapped)]
    )
    assert [one.weights for one in found] == [weights, weights]


@pytest.mark.parametrize("strategy", ["ContrastThompson", "Thompson"])
@pytest.mark.parametrize(
    "other",
    [{"validation_scale": ValidationScale.RANKING}, {"arms": (Arm("a", 0.5, 0.2), Arm("b", 0.9, 0.2))}],
    ids=["another scale", "less exact scores"],
)
def test_scores_that_say_something_else_are_never_those_of_another_resource(
    make_experiment: Callable[..., Experiment], strategy: str, other: dict[str, Any]
) -> None:
    experiment = replace(make_experiment(2, strategy), arms=(Arm("a", 0.5), Arm("b", 0.9)))
    weights = {"a": 5000, "b": 5000}
    facts = {name: ArmFacts(weight, True, 2, "v1") for name, weight in weights.items()}
    snapshot = Snapshot(35.0, BETWEEN_TICKS, facts, 1, True)
    cases = [
        Case(one, memories.initial(one), Intention({}, weights), snapshot)
        for one in (experiment, replace(experiment, **other))
    ]
    found = decided_together(cases)
    assert found == [decide(one.experiment, one.memory, one.before, one.snapshot) for one in cases]
    known, otherwise = found[0].known, found[1].known
    assert known is not None
    assert otherwise is not None
    assert known.evaluation.shares != otherwise.evaluation.shares


@dataclass(frozen=True)
class Doubled(Work[int]):
    """Work that says with how much else it was done."""

    number: int
    calls: list[int]

    def alike(self) -> Hashable:
        """Even with even, odd with odd."""
        return self.number % 2

    @classmethod
    def together(cls, works: Sequence[Self]) -> list[int]:
        """Twice each number."""
        works[0].calls.append(len(works))
        return [2 * one.number for one in works]


def test_work_that_is_alike_is_done_at_once_and_results_keep_their_order() -> None:
    calls: list[int] = []

    def steps(number: int, times: int) -> Steps[int]:
        for _ in range(times):
            number = yield from result_of(Doubled(number, calls))
        return number

    assert run_together([steps(1, 2), steps(2, 1), steps(3, 1), steps(4, 0)]) == [4, 4, 6, 4]
    assert calls == [2, 1, 1]  # 1 and 3, then 2, then what became of 1


def test_nothing_is_done_for_nobody() -> None:
    assert decided_together([]) == []
