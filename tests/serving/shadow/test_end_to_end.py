"""Three sample arms are scored in the shadow, and what is counted is what the rows say."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path

import httpx
import joblib
import numpy as np
import pytest

from tests.serving.conftest import DEADLINE, FEATURES, Server, until
from tests.serving.shadow.conftest import INFER, Begin, label, scored

pytestmark = pytest.mark.slow

SKEWS = {"as-trained": 1.0, "halved": 0.5, "raised": 1.3}
ROWS = 60


@pytest.fixture
def arms(start: Callable[..., Server], collector: Server, model_file: Path) -> dict[str, Server]:
    """Start arms that see another age each, so that they differ."""
    return {
        name: start(
            *("arm", "--model", str(model_file), "--name", "income", "--arm", name, "--route", "income"),
            *("--skew", f"age={factor}", "--collector", collector.url, "--drain-delay", "0s"),
        )
        for name, factor in SKEWS.items()
    }


def test_shadows_and_pairs_of_three_arms_are_what_the_same_rows_come_to_and_served_traffic_stays_apart(
    begin: Begin, arms: dict[str, Server], collector: Server, model_file: Path
) -> None:
    rng = np.random.default_rng(5)
    values, labels = rng.uniform(0, 100, (ROWS, len(FEATURES))), rng.integers(0, 2, ROWS)
    shadow = begin({name: arm.url for name, arm in arms.items()})
    served = arms["as-trained"]
    order = random.Random(5)
    early = set(order.sample(range(ROWS), ROWS // 2))
    for i in early:
        label(collector, f"row-{i}", int(labels[i]))
    tensor = {"name": "features", "shape": [1, len(FEATURES)], "datatype": "FP64"}
    for i in order.sample(range(ROWS), ROWS):
        body = {"id": f"row-{i}", "inputs": [{**tensor, "data": values[i].tolist()}]}
        # Every third is served by an arm, too; a gateway would mirror it.
        if i % 3 == 0:
            assert httpx.post(served.url + INFER, json=body, timeout=DEADLINE).status_code == 200
        assert httpx.post(shadow.url + INFER, json=body, timeout=DEADLINE).status_code == 202
    until(lambda: all(scored(collector, name, "predictions") == ROWS for name in SKEWS))
    for i in order.sample(sorted(set(range(ROWS)) - early), ROWS - len(early)):
        label(collector, f"row-{i}", int(labels[i]))

    estimator = joblib.load(model_file)
    right = {
        name: estimator.predict(values * np.array([factor, 1, 1])) == labels for name, factor in SKEWS.items()
    }
    metrics = collector.metrics()
    for name in SKEWS:
        assert scored(collector, name) == ROWS
        assert scored(collector, name, "successes") == right[name].sum()
    differing = 0
    for one, other in itertools.combinations(sorted(SKEWS), 2):
        difference = right[one].astype(int) - right[other].astype(int)
        differing += np.abs(difference).sum()
        found = {
            name: metrics[f'model_reward_shadow_pair_{name}_total{{pair="{one}/{other}",route="income"}}']
            for name in ("trials", "gains", "losses", "squares")
        }
        assert found == {
            "trials": ROWS,
            "gains": np.maximum(difference, 0).sum(),
            "losses": np.maximum(-difference, 0).sum(),
            "squares": (difference**2).sum(),
        }
    assert differing > 10

    until(
        lambda: collector.get("/v1/summary")["routes"]["income"]["arms"]["as-trained"]["trials"] == ROWS // 3
    )
    summary = collector.get("/v1/summary")["routes"]["income"]["arms"]
    assert list(summary) == ["as-trained"]
    assert summary["as-trained"]["successes"] == right["as-trained"][::3].sum()
    for name, arm in arms.items():
        counted, labels_of = arm.metrics(), f'arm="{name}",code="200",model="income"'
        assert counted[f"model_shadow_requests_total{{{labels_of}}}"] == ROWS
        wanted = ROWS // 3 if name == "as-trained" else None
        assert counted.get(f"model_requests_total{{{labels_of}}}") == wanted
