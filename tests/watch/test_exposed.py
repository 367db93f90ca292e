"""Metrics say what the statuses say, on the replica whose they are, and nothing where a figure is none."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bandit_operator.watch.cache import Cache
from bandit_operator.watch.exposed import Exposed
from tests.support.playing import learned
from tests.support.process import Process

OWN = {"resource_namespace": "models", "resource": "income"}
STATUS: dict[str, Any] = {
    "phase": "Learning",
    "conditions": [
        {"type": "Ready", "status": "False", "reason": "NoData"},
        {"type": "Accepted", "status": "True", "reason": "Accepted"},
    ],
    "recentActs": [
        {"kind": "Moved", "time": "2026-01-01T00:00:00.000Z", "until": "2026-01-01T00:01:00.000Z"},
        {"kind": "Joined", "time": "2025-12-31T00:00:00.000Z"},
    ],
    "rewardsUntil": "2026-01-01T00:02:00.000Z",
    "lookedAt": "2026-01-01T00:03:00.000Z",
    "arms": [
        {
            "name": "good", "state": "Active", "reason": "Serving", "weight": 7500, "trials": "1200",
            "mean": "0.81", "interval": {"lower": "0.79", "upper": "0.83"}, "probabilityBest": "0.97",
            "realisedShare": "0.742",
        },
        {"name": "bad", "state": "Draining", "reason": "WorseThanBaseline", "weight": 2500,
         "evidence": "22.6", "threshold": "20", "shadow": {"trials": "398", "difference": "-0.05"}},
    ],
}  # fmt: skip


def exposed(cache: Cache, *, ours: bool = True) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Labels, without those of the resource, and values by metric."""
    registry = CollectorRegistry()
    registry.register(Exposed(cache, lambda _: ours))
    text = generate_latest(registry).decode()
    return {
        family.name.removeprefix("bandit_operator_"): [
            ({key: value for key, value in sample.labels.items() if key not in OWN}, sample.value)
            for sample in family.samples
        ]
        for family in text_string_to_metric_families(text)
    }


def cache_with(status: Any, **spec: Any) -> Cache:
    cache = Cache()
    cache.resources["models", "income"] = {"spec": spec, "status": status}
    return cache


def test_state_figures_and_times_of_a_status_are_shown() -> None:
    found = exposed(cache_with(STATUS))
    assert found["phase"] == [({"phase": "Learning"}, 1)]
    assert found["condition"][0] == ({"type": "Ready", "status": "False", "reason": "NoData"}, 1)
    assert found["arm_state"][1] == ({"arm": "bad", "state": "Draining", "reason": "WorseThanBaseline"}, 1)
    assert found["arm_share"] == [({"arm": "good"}, 0.75), ({"arm": "bad"}, 0.25)]
    assert found["arm_mean_reward"] == [({"arm": "good"}, 0.81)]
    assert found["arm_mean_reward_lower"] == [({"arm": "good"}, 0.79)]
    assert found["arm_realised_share"] == [({"arm": "good"}, 0.742)]
    assert found["arm_evidence"] == [({"arm": "bad"}, 22.6)]
    assert found["arm_evidence_threshold"] == [({"arm": "bad"}, 20.0)]
    assert found["arm_shadow_trials"] == [({"arm": "bad"}, 398.0)]
    assert found["arm_shadow_difference"] == [({"arm": "bad"}, -0.05)]
    assert found["last_act_timestamp_seconds"] == [({"kind": "Moved"}, 1767225660.0)]
    assert found["rewards_until_timestamp_seconds"] == [({}, 1767225720.0)]


def test_of_a_resource_that_others_or_none_look_at_a_replica_shows_only_when_one_did() -> None:
    found = exposed(cache_with(STATUS, interval="1m30s"), ours=False)
    assert found.pop("looked_at_timestamp_seconds") == [({}, 1767225780.0)]
    assert found.pop("interval_seconds") == [({}, 90.0)]
    assert not any(found.values())


@pytest.mark.parametrize("interval", ["soon", None, 30, []])
def test_an_interval_that_cannot_be_read_costs_the_other_figures_nothing(interval: Any) -> None:
    found = exposed(cache_with(STATUS, interval=interval))
    assert found["phase"] == [({"phase": "Learning"}, 1)]
    assert found["interval_seconds"] == []


@pytest.mark.parametrize("status", [None, {}, {"arms": None, "conditions": [], "recentActs": None}])
def test_a_resource_without_a_status_shows_nothing(status: Any) -> None:
    assert not any(exposed(cache_with(status)).values())


@pytest.mark.parametrize(
    "status",
    [
        {"arms": "none"},
        {"arms": [None]},
        {"arms": [{"name": "good", "weight": "much", "interval": [], "mean": {}}]},
        {"conditions": [{}], "phase": 7},
        {"recentActs": [{"kind": "Moved", "time": "yesterday"}], "rewardsUntil": 3},
        "Ready",
    ],
)
def test_a_status_that_somebody_broke_costs_the_others_nothing(status: Any) -> None:
    cache = cache_with(status)
    cache.resources["models", "other"] = {"status": STATUS}
    found = exposed(cache)
    assert ({"phase": "Learning"}, 1) in found["phase"]
    assert ({"arm": "good"}, 0.75) in found["arm_share"]


def test_a_figure_that_is_no_number_is_left_out_and_costs_the_others_of_its_resource_nothing() -> None:
    arms = [{**STATUS["arms"][0], "mean": "much", "interval": {"lower": "", "upper": "0.83"}}]
    status = {**STATUS, "arms": arms, "lookedAt": "yesterday", "rewardsUntil": 3}
    found = exposed(cache_with(status))
    assert found["phase"] == [({"phase": "Learning"}, 1)]
    assert found["arm_trials"] == [({"arm": "good"}, 1200)]
    assert found["arm_mean_reward_upper"] == [({"arm": "good"}, 0.83)]
    assert found["last_act_timestamp_seconds"] == [({"kind": "Moved"}, 1767225660.0)]
    for left_out in ("mean_reward", "mean_reward_lower"):
        assert found[f"arm_{left_out}"] == []
    assert found["looked_at_timestamp_seconds"] == found["rewards_until_timestamp_seconds"] == []


def test_a_label_that_is_no_text_does_not_hide_the_metrics_of_all() -> None:
    odd = {"conditions": [{"type": 3, "status": True, "reason": ["NoData"]}]}
    assert exposed(cache_with(odd))["condition"] == [
        ({"type": "3", "status": "True", "reason": "['NoData']"}, 1)
    ]


async def test_what_is_shown_of_a_real_rollout_is_what_its_status_says() -> None:
    one = await learned(Process)
    found = exposed(one.cache)
    arms = {arm["name"]: arm for arm in one.status["arms"]}
    assert found["arm_mean_reward"] == [({"arm": arm}, float(arms[arm]["mean"])) for arm in ("good", "bad")]
    assert found["arm_trials"] == [({"arm": arm}, float(arms[arm]["trials"])) for arm in ("good", "bad")]
    assert ({"type": "Ready", "status": "True", "reason": "InSync"}, 1) in found["condition"]
