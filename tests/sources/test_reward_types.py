"""Gaussian and ratio rewards from a manifest through Prometheus' samples to a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from bandit_operator.api.v1alpha1 import BanditDeployment, parse, to_experiment
from bandit_operator.core import memory as mem
from bandit_operator.core.model import Implausible, NoData, Observed, Window
from bandit_operator.sources import source_of
from bandit_operator.sources.resets import growth_of
from tests.support.evaluated import evaluate, proven_worse

EXAMPLES = Path(__file__).parents[2] / "crds" / "examples"
TRIALS = 60
COMPLETE = {
    "gaussian": {"trials": 2, "rewards": 4, "losses": 1, "squares": 17},
    "ratio": {
        "trials": 2,
        "rewards": 6,
        "squares": 20,
        "denominators": 3,
        "denominator_squares": 5,
        "cross_products": 10,
    },
}


def example(name: str) -> BanditDeployment:
    return parse(yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text()))


def earned(rng: np.random.Generator, name: str, level: Any) -> dict[str, float]:
    """What each counter of an arm grows by in a window, by part."""
    x = rng.uniform(0.5, 1.5, TRIALS)
    if name == "gaussian":
        y = rng.normal(level, 3.0, TRIALS)
        return {
            "trials": TRIALS,
            "rewards": y[y > 0].sum(),
            "losses": -y[y < 0].sum(),
            "squares": (y * y).sum(),
        }
    y = np.maximum(level * x + rng.normal(0.0, 0.3, TRIALS), 0.0)
    return {
        "trials": TRIALS,
        "rewards": y.sum(),
        "squares": (y * y).sum(),
        "denominators": x.sum(),
        "denominator_squares": (x * x).sum(),
        "cross_products": (x * y).sum(),
    }


class Exporter:
    """An arm's counters as Prometheus sees them: samples at the end of each window."""

    def __init__(self) -> None:
        self.samples: dict[str, list[tuple[float, float]]] = {}

    def grow(self, time: Any, sums: Any) -> None:
        for part, grown in sums.items():
            series = self.samples.setdefault(part, [(0.0, 0.0)])
            series.append((time, series[-1][1] + grown))

    def restart(self, time: Any) -> None:
        for series in self.samples.values():
            series.append((time, 0.0))


def windows(rng: np.random.Generator, name: str, resource: Any, levels: Any, ticks: int) -> Iterator[Window]:
    """The windows of an exporter that restarts in the tenth one, read as the operator reads them."""
    source = source_of(resource)
    parts = [counter.part for counter in source.counters(resource)]
    exporters = {arm: Exporter() for arm in levels}
    for number in range(ticks):
        start, end = 30.0 * number, 30.0 * (number + 1)
        values: dict[str, dict[str, float]] = {part: {} for part in parts}
        for arm, level in levels.items():
            if number == 9:
                exporters[arm].restart(start + 1)
            exporters[arm].grow(end, earned(rng, name, level))
            for part in parts:
                values[part][arm] = growth_of(exporters[arm].samples[part], start).amount
        yield Window(start, end, source.readings(resource, values))


@pytest.mark.parametrize(
    ("name", "levels", "winner"),
    [
        ("gaussian", {"logistic": 1.0, "boosting": -1.0}, None),
        ("gaussian", {"logistic": -1.0, "boosting": 1.0}, "boosting"),
        ("ratio", {"logistic": 12.0, "boosting": 11.7}, None),
        ("ratio", {"logistic": 11.7, "boosting": 12.0}, "boosting"),
    ],
)
def test_a_manifest_becomes_a_verdict(name: str, levels: Any, winner: str | None) -> None:
    resource = example(name)
    experiment = to_experiment(resource)
    memory = mem.initial(experiment)
    for window in windows(np.random.default_rng(7), name, resource, levels, ticks=60):
        memory = mem.update(experiment, memory, window)
    found = evaluate(experiment, memory, set(experiment.names))
    assert found.promoted == (winner or "logistic")
    assert proven_worse(found) == (set() if winner else {"boosting"})
    assert {arm: found.mean[arm] for arm in levels} == pytest.approx(levels, abs=0.25)


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("gaussian", Observed(2, 3, squares=17)),
        ("ratio", Observed(2, 6, squares=20, denominators=3, denominator_squares=5, cross_products=10)),
    ],
)
def test_losses_are_subtracted_and_all_other_sums_are_taken_as_they_are(name: str, outcome: Any) -> None:
    values = {part: {"logistic": float(value)} for part, value in COMPLETE[name].items()}
    assert source_of(example(name)).readings(example(name), values)["logistic"] == outcome


@pytest.mark.parametrize(
    ("name", "part", "field"),
    [
        ("gaussian", "losses", "losses"),
        ("gaussian", "squares", "squares"),
        ("ratio", "denominators", "denominators"),
        ("ratio", "denominator_squares", "denominatorSquares"),
        ("ratio", "cross_products", "crossProducts"),
    ],
)
def test_an_arm_that_lacks_a_counter_has_no_data_and_the_counter_is_named(
    name: str, part: str, field: str
) -> None:
    values = {one: {"logistic": float(value)} for one, value in COMPLETE[name].items()}
    values[part] = {}
    found = source_of(example(name)).readings(example(name), values)["logistic"]
    assert found == NoData(f"no series of {field}; expose it from the start, at 0")


@pytest.mark.parametrize("name", COMPLETE)
def test_without_trials_absent_sums_are_nothing(name: str) -> None:
    values = {part: {"logistic": 0.0} if part == "trials" else {} for part in COMPLETE[name]}
    found = source_of(example(name)).readings(example(name), values)["logistic"]
    assert (found.trials, found.rewards, found.squares) == (0, 0, 0)


@pytest.mark.parametrize(
    ("name", "part", "value", "field"),
    [
        ("gaussian", "squares", 4.0, "squares is too small for successes"),
        ("ratio", "squares", 17.0, "squares is too small for successes"),
        ("ratio", "denominator_squares", 4.0, "denominatorSquares is too small for denominators"),
        ("ratio", "cross_products", 11.0, "crossProducts is too large for squares"),
    ],
)
def test_sums_that_no_rewards_can_have_are_not_believed(
    name: str, part: str, value: float, field: str
) -> None:
    values = {one: {"logistic": float(number)} for one, number in COMPLETE[name].items()}
    values[part] = {"logistic": value}
    found = source_of(example(name)).readings(example(name), values)["logistic"]
    assert isinstance(found, Implausible)
    assert field in found.message


def test_rewards_that_are_all_alike_do_not_contradict_their_squares() -> None:
    values = {"trials": 1000.0, "rewards": 700.0, "losses": 0.0, "squares": 490.0000000001}
    resource = example("gaussian")
    by_part = {part: {"logistic": value} for part, value in values.items()}
    assert source_of(resource).readings(resource, by_part)["logistic"] == Observed(
        1000, 700, squares=490.0000000001
    )


def test_sums_beyond_what_can_be_squared_are_no_exception() -> None:
    values = {"trials": 1000.0, "rewards": 1e200, "losses": 0.0, "squares": 1e10}
    by_part = {part: {"logistic": value} for part, value in values.items()}
    found = source_of(example("gaussian")).readings(example("gaussian"), by_part)["logistic"]
    assert isinstance(found, Implausible)
