"""Numbers that cannot be true are not learned, and named."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.core import reasons
from bandit_operator.core.model import Implausible
from bandit_operator.status.replay import replay
from tests.support.playing import Start, learned, ready, until


@pytest.mark.parametrize(
    ("numbers", "reason", "says"),
    [
        ((100.0, 130.0), reasons.REWARDS_ABOVE_TRIALS, "130 rewards of 100 trials"),
        ((-1.0, 0.0), reasons.IMPOSSIBLE_NUMBER, "trials are -1"),
        ((100.0, -50.0), reasons.IMPOSSIBLE_NUMBER, "rewards are -50"),
        ((float("inf"), 10.0), reasons.IMPOSSIBLE_NUMBER, "trials are inf"),
        ((1e300, 10.0), reasons.IMPOSSIBLE_NUMBER, "trials are 1e+300"),
        ((1_000_440.0, 1000.0), reasons.TRIALS_JUMPED, "usually have"),
        ((30_001.0, 1000.0), reasons.TOO_MANY_TRIALS, "maxTrialsPerSecond"),
        (Implausible(reasons.COUNTER_NOT_STEADY, "went down"), reasons.COUNTER_NOT_STEADY, "went down"),
        (Implausible(reasons.SCRAPED_TWICE, "2 times"), reasons.SCRAPED_TWICE, "2 times"),
    ],
    ids=[
        "above trials",
        "negative trials",
        "negative rewards",
        "infinite",
        "beyond counting",
        "jump",
        "bound",
        "dip",
        "scraped twice",
    ],
)
async def test_numbers_that_cannot_be_hold_the_weights_and_are_not_learned(
    process: Start, numbers: Any, reason: str, says: str
) -> None:
    bounds = {"maxTrialsPerSecond": "1000"} if reason == reasons.TOO_MANY_TRIALS else {}
    reward = {"prometheus": {"successes": "good_total", "trials": "all_total", "settle": "5s"}, **bounds}
    one = await learned(process, reward=reward)
    await one.tick(12)
    before, held = one.arm("bad")["trials"], one.weights()
    one.earning = {"good": (500.0, 250.0), "bad": numbers}
    await one.tick()
    one.now += 31.0
    condition = one.condition("MetricsAvailable")
    assert (condition["status"], condition["reason"]) == ("False", reason)
    assert "arm bad" in condition["message"]
    assert says in condition["message"]
    assert one.weights() == held
    assert one.arm("bad")["trials"] == before


async def test_traffic_that_has_really_grown_is_believed_after_a_few_windows(process: Start) -> None:
    one = await learned(process)
    await one.tick(12)
    one.earning = dict.fromkeys(one.arms, (60_000.0, 30_000.0))
    await one.tick()
    assert one.condition("MetricsAvailable")["reason"] == reasons.TRIALS_JUMPED
    await one.tick(4)
    assert one.condition("MetricsAvailable")["status"] == "True"


LATE = {"type": "Bernoulli", "delay": {"median": "5m", "p95": "20m"}, "staleAfter": "24h"}


async def test_an_arm_that_gains_is_silent_only_once_labels_of_its_new_share_are_due(process: Start) -> None:
    prometheus = {"successes": "good_total", "trials": "all_total", "settle": "5s"}
    one = await learned(process, reward={**LATE, "prometheus": prometheus}, pin={"arm": "good"})
    await one.tick(3)
    assert one.weights()["bad"] == 0
    one.earning = {"good": (500.0, 250.0), "bad": (0.0, 0.0)}
    one.update_spec(pin=None)
    await one.tick(2)
    assert one.weights()["bad"] > 1000
    await one.tick(36)  # no label of it can be there for 18 minutes
    assert reasons.NO_DATA not in {record["reason"] for record in one.status["history"]}
    await until(one, lambda: one.status["history"][0]["reason"] == reasons.NO_DATA, ticks=8)
    assert "check that its labels arrive" in one.status["history"][0]["message"]


async def test_a_count_that_a_scrape_saw_in_halves_holds_no_arm(process: Start) -> None:
    one = await learned(process)
    one.earning = {"good": (500.0, 500.0), "bad": (500.0, 500.0)}
    await one.tick(3)
    for trials in (501.0, 499.0, 501.0, 499.0):  # the trial before the scrape, its success after it
        one.earning["bad"] = (trials, 500.0)
        await one.tick()
        assert ready(one)[0] == "True"
    assert float(one.arm("bad")["rewards"]) <= float(one.arm("bad")["trials"])


async def test_successes_beyond_all_trials_so_far_are_not_believed_however_few(process: Start) -> None:
    one = process()  # as where the selectors are swapped, and nearly all requests succeed
    await one.look(tick=True)
    for rewards in (500.0, 500.0, 501.0):
        one.earning = {"good": (500.0, 499.0), "bad": (500.0, rewards)}
        await one.tick()
    assert ready(one) == ("False", reasons.REWARDS_ABOVE_TRIALS)


async def test_what_came_while_scrapes_failed_is_no_jump_and_is_learned(process: Start) -> None:
    one = await learned(process)
    await one.tick(3)
    before = float(one.arm("bad")["trials"])
    one.earning = dict.fromkeys(one.arms, (0.0, 0.0))
    await one.tick(45)
    one.earning = dict.fromkeys(one.arms, (46 * 500.0, 46 * 250.0))
    await one.tick()
    one.earning = dict.fromkeys(one.arms, (500.0, 250.0))
    await one.tick()
    assert ready(one)[0] == "True"
    assert float(one.arm("bad")["trials"]) >= before + 46 * 500.0
    assert replay(one.api.objects[one.path]).agrees


async def test_a_bound_on_trials_a_second_is_about_the_time_from_one_scrape_to_the_next(
    process: Start,
) -> None:
    prometheus = {"successes": "good_total", "trials": "all_total", "settle": "5s"}
    one = process(interval="10s", reward={"prometheus": prometheus, "maxTrialsPerSecond": "100"})
    await one.look(tick=True)
    for second in range(10, 310, 10):
        scraped = second % 60 == 0
        one.earning = dict.fromkeys(one.arms, (3000.0, 1500.0) if scraped else (0.0, 0.0))
        await one.tick(seconds=10.0)
    assert float(one.arm("good")["trials"]) >= 4 * 3000.0
