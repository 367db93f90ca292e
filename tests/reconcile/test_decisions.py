"""Decisions of passes that come to theirs in one moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bandit_operator.core import memory as memories
from bandit_operator.core import reasons
from bandit_operator.core.batch import Steps, run_together
from bandit_operator.core.decide import Case, decide
from bandit_operator.core.decision import Decision, Intention
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.learn import learn
from bandit_operator.core.model import Arm, ArmFacts, Observed, Snapshot, Window
from bandit_operator.core.strategies import STRATEGIES
from bandit_operator.reconcile import decisions
from bandit_operator.reconcile.decisions import Decisions

WEIGHTS = {"a": 5000, "b": 5000}


def case(rewards: float) -> Case:
    experiment = Experiment("uid", (Arm("a"), Arm("b")), "a", STRATEGIES["ContrastThompson"]())
    facts = {name: ArmFacts(weight, True, 2, "v1") for name, weight in WEIGHTS.items()}
    window = Window(0.0, 30.0, {"a": Observed(100.0, 50.0), "b": Observed(100.0, rewards)})
    snapshot = Snapshot(35.0, window, facts, 1, True)
    return Case(experiment, memories.initial(experiment), Intention({}, WEIGHTS), snapshot)


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many results each call of the core came to."""
    sizes: list[int] = []

    def counted(runs: Sequence[Steps[Any]]) -> list[Any]:
        sizes.append(len(runs))
        return run_together(runs)

    monkeypatch.setattr(decisions, "run_together", counted)
    return sizes


def alone(one: Case) -> Decision:
    return decide(one.experiment, one.memory, one.before, one.snapshot)


async def test_decisions_of_one_moment_are_made_together_each_for_its_own_pass(batches: list[int]) -> None:
    maker, cases = Decisions(), [case(20.0), case(50.0), case(80.0)]
    assert await asyncio.gather(*map(maker.decide, cases)) == [alone(one) for one in cases]
    assert batches == [3]
    await maker.decide(cases[0])
    assert batches == [3, 1]


async def test_missed_windows_of_one_moment_are_learned_from_together_and_beside_decisions(
    batches: list[int],
) -> None:
    maker, decided, missed = Decisions(), case(20.0), [case(50.0), case(80.0)]
    windows = [one.snapshot.reading for one in missed]
    learned = [
        maker.learn(one.experiment, one.memory, {}, window)
        for one, window in zip(missed, windows, strict=True)
        if isinstance(window, Window)
    ]
    decision, *found = await asyncio.gather(maker.decide(decided), *learned)
    assert batches == [3]
    assert decision == alone(decided)
    assert found == [
        learn(one.experiment, one.memory, {}, window, idle=())[0]
        for one, window in zip(missed, windows, strict=True)
        if isinstance(window, Window)
    ]


async def test_a_decision_that_fails_fails_for_its_own_pass_alone(batches: list[int]) -> None:
    broken = case(50.0)
    object.__setattr__(broken, "memory", None)
    good = case(80.0)
    found = await asyncio.gather(*map(Decisions().decide, (broken, good)), return_exceptions=True)
    assert isinstance(found[0], AttributeError)
    assert found[1] == alone(good)
    assert batches == [2, 1, 1]


async def test_a_pass_that_is_ended_is_not_decided_for(batches: list[int]) -> None:
    maker = Decisions()
    ended, stays = (asyncio.create_task(maker.decide(case(one))) for one in (20.0, 80.0))
    await asyncio.sleep(0)
    ended.cancel()
    assert (await stays).reason != reasons.INTERNAL_ERROR
    assert batches == [1]
    assert ended.cancelled()
