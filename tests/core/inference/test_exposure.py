"""Labels that come late: exposures, rollback of late arms, and a wrong profile that is noticed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bandit_operator.core import memory as mem
from bandit_operator.core.assess import assess, rollback_evidence
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference import exposure, named_arrays
from bandit_operator.core.inference.named_arrays import Floats
from bandit_operator.core.memory import Memory
from bandit_operator.core.model import Delay, NoData, Observed, RewardType, Window
from tests.support.evaluated import evaluate

TWO_HOURS = Delay(median=7_200.0, p95=86_400.0)
TWENTY_TICKS = Delay(median=415.9, p95=1_797.4)
"""Quantiles of an exponential delay with a mean of 20 ticks of 30 s."""


def late_rewards(rng: np.random.Generator, rates: Any, served: Any, true_mean_ticks: Any = 20.0) -> Floats:
    """Rewards by the tick in which they come ``[S, ticks, K]``, for requests served ``[S, ticks, K]``.

    Requests are spread evenly over their tick, and the delay is exponential.
    """
    seeds, ticks, arms = served.shape
    came = np.zeros((seeds, ticks, arms))
    gone = -np.expm1(-1 / true_mean_ticks)
    gone_at_once = 1 - gone * true_mean_ticks
    waiting = np.zeros((seeds, arms), dtype=int)
    for tick in range(ticks):
        fresh = rng.binomial(served[:, tick].astype(int), rates)
        now, at_once = rng.binomial(waiting, gone), rng.binomial(fresh, gone_at_once)
        came[:, tick] = now + at_once
        waiting = waiting + fresh - now - at_once
    return came


def played(experiment: Experiment, served: Any, came: Any) -> Memory:
    memory = mem.initial(experiment, (served.shape[0],))
    for tick in range(served.shape[1]):
        moments = np.stack([served[:, tick], came[:, tick]], axis=-2)
        memory = mem.update_moments(experiment, memory, moments, experiment.interval)
    return memory


def canary_joins(at: Any, ticks: int, seeds: Any = 40, share: Any = 0.1, requests: Any = 100) -> Floats:
    served = np.zeros((seeds, ticks, 2))
    served[:, :at, 0] = requests
    served[:, at:, 0], served[:, at:, 1] = requests * (1 - share), requests * share
    return served


@pytest.mark.parametrize(
    ("ratio", "error"), [(1.5, 0.05), (2.0, 0.01), (4.32, 0.001), (12.0, 0.01), (100, 0.02)]
)
def test_ten_exponentials_follow_the_profile(ratio: float, error: float) -> None:
    delay = Delay(median=60.0, p95=60.0 * ratio)
    rates, coefficients = exposure.exponentials(delay)
    ages = np.geomspace(0.1, 60.0 * ratio * 10, 500)
    found = 1 - np.exp(-np.outer(ages, rates)) @ coefficients
    assert np.abs(found - exposure.distribution(ages, delay)).max() < error
    assert coefficients.sum() == pytest.approx(1.0)
    assert exposure.distribution(np.array([60.0, 60.0 * ratio]), delay) == pytest.approx([0.5, 0.95])


def test_exposures_are_the_requests_times_the_share_of_labels_that_have_come(
    rng: np.random.Generator,
) -> None:
    arrays, total = named_arrays.initial(exposure.fields(), 1), 0.0
    served = rng.integers(0, 50, 300).astype(float)
    for requests in served:
        arrays, exposures = exposure.update(
            arrays, np.array([requests]), np.zeros(1), np.ones(1, bool), np.full(1, 0.1), 300.0, TWO_HOURS
        )
        total += exposures.told[0]
    ages = 300.0 * (np.arange(300, dtype=np.float64)[::-1] + 0.5)
    assert total == pytest.approx((served * exposure.distribution(ages, TWO_HOURS)).sum(), rel=5e-3)


def test_a_fresh_arm_is_not_taken_for_a_bad_one_while_its_labels_are_due(
    make_experiment: Callable[..., Experiment], rng: np.random.Generator
) -> None:
    served = canary_joins(at=200, ticks=206)
    came = late_rewards(rng, [0.10, 0.10], served)
    naive, late = make_experiment(2), make_experiment(2, delay=TWENTY_TICKS)
    shares = [assess(x, played(x, served, came), np.ones(2, bool)).shares[:, 1].mean() for x in (naive, late)]
    assert shares[0] < 0.1 < 0.4 < shares[1] < 0.7


def test_a_late_arm_that_is_no_worse_is_not_rolled_back_and_one_that_is_worse_is(
    make_experiment: Callable[..., Experiment], rng: np.random.Generator
) -> None:
    experiment = make_experiment(2, delay=TWENTY_TICKS)
    served = canary_joins(at=100, ticks=500, share=0.3)
    for rate, bounds in ((0.10, (0.0, 0.05)), (0.05, (0.95, 1.0))):
        memory = played(experiment, served, late_rewards(rng, [0.10, rate], served))
        found = rollback_evidence(experiment, memory).proven[:, 1].mean()
        assert bounds[0] <= found <= bounds[1]


def test_a_profile_that_is_much_too_short_is_suspected_and_the_right_one_is_not(
    make_experiment: Callable[..., Experiment], rng: np.random.Generator
) -> None:
    served = canary_joins(at=150, ticks=300, share=0.5)
    came = late_rewards(rng, [0.3, 0.3], served)
    right = make_experiment(2, delay=TWENTY_TICKS)
    wrong = make_experiment(2, delay=Delay(median=415.9 / 8, p95=1_797.4 / 8))
    suspected = [
        assess(x, played(x, served, came), np.ones(2, bool)).delay_profile_suspect.mean()
        for x in (right, wrong)
    ]
    assert suspected[0] == 0.0
    assert suspected[1] > 0.9


def test_an_arm_without_data_gives_up_what_it_had_waiting_and_earns_no_zero(
    make_experiment: Callable[..., Experiment],
) -> None:
    experiment = make_experiment(2, delay=TWENTY_TICKS)
    both = {"a": Observed(100.0, 5.0), "b": Observed(100.0, 5.0)}
    memory = mem.initial(experiment)
    for tick in range(5):
        memory = mem.update(experiment, memory, Window(30.0 * tick, 30.0 * (tick + 1), both))
    silent = Window(150.0, 180.0, {"a": both["a"], "b": NoData()})
    after = mem.update(experiment, memory, silent)
    assert after.trials[1] == memory.trials[1]
    assert after.trials[0] > memory.trials[0]
    assert (after.arrivals["pending"][..., 1] < memory.arrivals["pending"][..., 1]).all()


def test_another_profile_resets_all_evidence_and_says_so(
    make_experiment: Callable[..., Experiment], make_window: Callable[..., Window]
) -> None:
    before = make_experiment(2)
    memory = mem.update(before, mem.initial(before), make_window([50, 50], [5, 5]))
    after = replace(before, delay=TWO_HOURS)
    with pytest.raises(ValueError, match="call adapt"):
        mem.update(after, memory, make_window([50, 50], [5, 5]))
    adapted, notes = mem.adapt(memory, after)
    assert notes == ("delay of labels changed from none to median 7200 s, p95 86400 s: all evidence reset",)
    assert adapted.trials.tolist() == [0.0, 0.0]


def test_memory_of_late_labels_survives_json_bit_for_bit(
    make_experiment: Callable[..., Experiment], random_window: Callable[..., Window], rng: np.random.Generator
) -> None:
    experiment = make_experiment(3, delay=TWO_HOURS)
    memory = mem.initial(experiment)
    for tick in range(20):
        memory = mem.update(experiment, memory, random_window(rng, RewardType.BERNOULLI, 3, tick))
    again, notes = mem.from_json(mem.to_json(memory), experiment)
    assert (again, notes) == (memory, ())
    assert evaluate(experiment, again, {"a", "b", "c"}) == evaluate(experiment, memory, {"a", "b", "c"})


def test_gaussian_rewards_need_no_profile(
    make_experiment: Callable[..., Experiment], random_window: Callable[..., Window], rng: np.random.Generator
) -> None:
    experiment = make_experiment(2, reward_type=RewardType.GAUSSIAN, delay=TWO_HOURS)
    window = random_window(rng, RewardType.GAUSSIAN, 2, 0)
    memory = mem.update(experiment, mem.initial(experiment), window)
    assert memory.trials.tolist() == [window.arms["a"].trials, window.arms["b"].trials]
