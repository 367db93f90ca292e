"""Whatever is sent to the collector is counted or refused in words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit_serving.collector.events import parse_labels, parse_predictions
from bandit_serving.collector.joiner import Joiner
from bandit_serving.collector.stores import open_store
from bandit_serving.errors import BadRequest
from bandit_serving.rewards import RouteRewards, make_reward
from tests.support.mutated import many, mutated

NOW = 1_800_000_000.0
REWARDS = RouteRewards(
    {
        "income": make_reward("accuracy", {}),
        "price": make_reward("regression-error", {"bound": 10, "power": 2}),
        "click": make_reward("revenue-per-item", {"denominator": "pieces"}),
        "formula": make_reward(
            "expression", {"formula": "1 if predict == label else predict_proba[1] / label"}
        ),
    },
    None,
)
ROUTES = ("income", "price", "click", "formula")
PREDICTIONS = [
    [
        {
            "id": "1",
            "route": route,
            "arm": "a",
            "outputs": {"predict": 1, "predict_proba": [0.2, 0.8]},
            "time": NOW,
        },
        {"id": "2", "route": route, "arm": "b", "outputs": {"predict": 3.5, "predict_proba": [0.5, 0.5]}},
    ]
    for route in ROUTES
]
LABELS = [
    [{"id": "1", "route": route, "label": 1, "time": NOW + 5}, {"id": "2", "route": route, "label": 3.5}]
    for route in ROUTES
] + [[{"id": "1", "route": "click", "label": {"revenue": 42.5, "pieces": 3}}]]


@pytest.fixture(scope="module")
def joiner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Joiner]:
    """One collector's counters, in a file."""
    made = Joiner(open_store(str(tmp_path_factory.mktemp("fuzz") / "events.sqlite")), REWARDS)
    yield made
    made.close()


@many
@given(predictions=mutated(PREDICTIONS), labels=mutated(LABELS), number=st.integers(0, 10**9))
def test_events_are_counted_or_refused(joiner: Joiner, predictions: Any, labels: Any, number: int) -> None:
    for parse, body in ((parse_predictions, predictions), (parse_labels, labels)):
        with contextlib.suppress(BadRequest):
            events = parse(body, REWARDS, NOW)
            joiner.apply([one._replace(id=f"{one.id[:200]}-{number}") for one in events], now=NOW)
    assert all(value >= 0 for key, value in joiner.counters.items() if key.route != "click")
