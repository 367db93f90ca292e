"""When it is decided: what a pipeline may wait for, and where the weights stop."""

from __future__ import annotations

from typing import Any

from bandit_operator.api.timestamps import to_timestamp
from bandit_operator.status.replay import replay
from tests.support.playing import WORSE, Start, learned, until, until_state
from tests.support.process import DOWN, Process


def decided(one: Process) -> tuple[str, str]:
    """Status and reason of condition Decided."""
    condition = one.condition("Decided")
    return condition["status"], condition["reason"]


async def test_it_is_decided_once_a_winner_is_proven(process: Start) -> None:
    one = await learned(process, baseline="bad")
    assert decided(one) == ("False", "Exploring")
    one.earning = WORSE
    await until(one, lambda: one.status.get("winner") == "good")
    assert decided(one) == ("True", "Promoted")
    assert "good" in one.condition("Decided")["message"]


async def test_a_name_that_wins_again_as_another_model_is_announced_again(process: Start) -> None:
    one = await learned(process, baseline="bad")
    one.earning = WORSE
    await until(one, lambda: one.status.get("winner") == "good")
    one.set_template("good", "good:2")
    await one.tick(2)
    assert one.status.get("winner") is None
    await until(one, lambda: one.status.get("winner") == "good")
    assert one.events().count("Promoted") == 2
    assert one.status["decisions"]["promotions"] == 2


async def test_what_was_found_is_told_once_however_often_the_operator_is_started(process: Start) -> None:
    one = await learned(process, promotion={"indifference": "0.2"})
    one.earning = dict.fromkeys(("good", "bad"), (50_000.0, 25_000.0))
    await until(one, lambda: decided(one) == ("True", "NoMaterialDifference"))
    for _ in range(3):
        one.start()
        await one.tick(3)
    assert one.events().count("NoMaterialDifference") == 1


async def test_an_arm_that_cannot_serve_is_not_said_to_be_beaten(process: Start) -> None:
    one = await learned(process, arms=("good", "bad", "away"), baseline="bad")
    one.set_available("away", 0)
    one.broken = {"away"}
    one.earning = {**WORSE, "away": None}
    await until(one, lambda: one.status.get("winner") == "good")
    said = "good is proven better than all other arms but away, of which nothing is known now"
    assert one.condition("Decided")["message"] == said
    assert said in [write.body["note"] for write in one.api.writes if write.what == "event"]


def kill_all(one: Process) -> None:
    one.broken = set(one.arms)
    for arm in one.arms:
        one.set_available(arm, 0)


async def test_a_winner_whose_pods_are_dead_is_promoted_only_once_it_can_serve(process: Start) -> None:
    async def promoting(ticks: int) -> tuple[Process, int]:
        one = await learned(process, baseline="bad", promotion={"action": "Promote"})
        one.earning = WORSE
        for number in range(ticks):
            if one.status.get("winner") == "good":
                return one, number
            await one.tick()
        return one, ticks

    _, needed = await promoting(80)
    one, _ = await promoting(needed - 1)
    kill_all(one)
    await one.tick()
    for _ in range(2):
        assert one.status.get("winner") is None
        assert decided(one) == ("False", "BaselineUnavailable")
        assert "Promoted" not in one.events()
        assert one.status["decisions"]["promotions"] == 0
        one.start()
        await one.look()
    assert replay(one.api.objects[one.path]).agrees
    for arm in one.arms:
        one.set_available(arm, 2)
    await until(one, lambda: one.status.get("winner") == "good")
    assert one.events().count("Promoted") == 1


async def test_that_the_arms_do_not_differ_is_not_found_again_after_an_outage_of_all(process: Start) -> None:
    one = await learned(process, promotion={"indifference": "0.2"})
    one.earning = dict.fromkeys(("good", "bad"), (50_000.0, 25_000.0))
    await until(one, lambda: decided(one) == ("True", "NoMaterialDifference"))
    kill_all(one)
    await one.tick(2)
    for arm in one.arms:
        one.set_available(arm, 2)
    await one.tick(4)
    assert decided(one) == ("True", "NoMaterialDifference")
    assert one.events().count("NoMaterialDifference") == 1


async def test_a_verdict_that_is_only_observed_is_told_as_what_would_be_done(process: Start) -> None:
    one = await learned(process, mode="Observe")
    one.earning = WORSE
    await until(one, lambda: "would roll bad back" in one.status["history"][0]["message"])
    assert one.replicas("bad") == 2


async def test_what_was_decided_is_still_said_while_paused(process: Start) -> None:
    one = await learned(process, baseline="bad")
    one.earning = WORSE
    await until(one, lambda: one.status.get("winner") == "good")
    since = one.condition("Decided")["lastTransitionTime"]
    one.update_spec(mode="Paused")
    await one.look()
    assert decided(one) == ("True", "Promoted")
    assert one.condition("Decided")["lastTransitionTime"] == since


async def test_it_is_decided_that_the_best_do_not_differ(process: Start) -> None:
    one = await learned(process, promotion={"indifference": "0.2"})
    one.earning = dict.fromkeys(("good", "bad"), (50_000.0, 25_000.0))
    await until(one, lambda: decided(one) == ("True", "NoMaterialDifference"))


SLIGHTLY_WORSE = {"good": (500.0, 275.0), "bad": (500.0, 250.0)}
"""Enough for the weights to move, and too little for a verdict within a few windows."""


async def after_an_hour(process: Start, duration: str) -> Process:
    """A rollout that an hour has passed over, and which may take as long as that."""
    one = process(maxDuration=duration)
    made = one.api.objects[one.path]
    made["metadata"]["creationTimestamp"] = to_timestamp(one.now)
    one.start()
    await one.look(tick=True)
    await one.tick(3)
    one.now += 3600.0
    await one.tick()
    return one


async def test_the_weights_stay_once_the_time_is_over(process: Start) -> None:
    one = await after_an_hour(process, "1h")
    assert decided(one) == ("True", "MaxDurationReached")
    assert one.status["phase"] == "Decided"
    weights, holds = one.weights(), one.status["decisions"]["holds"]
    one.earning = SLIGHTLY_WORSE
    await one.tick(5)
    assert one.weights() == weights
    assert one.status["decisions"]["holds"] == holds
    assert one.condition("Ready")["status"] == "True"
    assert one.status["history"][0]["reason"] == "MaxDurationReached"
    assert replay(one.api.objects[one.path]).agrees


async def test_the_weights_go_on_until_the_time_is_over(process: Start) -> None:
    one = await after_an_hour(process, "2h")
    weights = one.weights()
    one.earning = SLIGHTLY_WORSE
    await one.tick(5)
    assert one.weights() != weights
    assert decided(one) == ("False", "Exploring")


async def test_losers_are_taken_out_after_that_all_the_same(process: Start) -> None:
    one = await after_an_hour(process, "1h")
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    assert one.weights() == {"good": 10000, "bad": 0}


async def test_a_least_share_that_is_raised_is_given_though_nothing_is_earned_by_it(process: Start) -> None:
    one = await learned(process)
    one.earning = {"good": (500.0, 400.0), "bad": (500.0, 380.0)}
    await until(one, lambda: one.weights()["bad"] < 300)
    guardrails = one.api.objects[one.path]["spec"]["guardrails"]
    one.update_spec(guardrails={**guardrails, "minShare": "0.05"})
    await one.tick(2)
    assert 500 <= one.weights()["bad"] <= 1000
    one.api.writes.clear()
    await one.tick(3)
    assert "route" not in one.api.what_was_written()


async def led(process: Start, **spec: Any) -> Process:
    """A rollout of which good has nearly all of the traffic."""
    one = process(**spec)
    one.api.objects[one.path]["metadata"]["creationTimestamp"] = to_timestamp(one.now)
    one.start()
    await one.look(tick=True)
    one.earning = {"good": (500.0, 400.0), "bad": (500.0, 380.0)}
    await until(one, lambda: one.weights()["good"] > 9500)
    one.earning = {"good": (500.0, 400.0), "bad": (500.0, 398.0)}  # not enough for a verdict
    return one


async def flapped(one: Process, arm: str) -> None:
    """An arm cannot serve for three seconds."""
    one.set_available(arm, 0)
    await one.look()
    assert one.weights()[arm] == 0
    one.now += 3.0
    one.set_available(arm, 2)
    await one.look()


async def test_the_leader_has_its_traffic_again_after_a_moment_of_outage_once_the_time_is_over(
    process: Start,
) -> None:
    one = await led(process, maxDuration="1h")
    one.now += 3600.0
    await one.tick(2)
    assert decided(one) == ("True", "MaxDurationReached")
    before = one.weights()
    await flapped(one, "good")
    one.start()
    await one.tick(3)
    assert one.weights() == before
    assert replay(one.api.objects[one.path]).agrees
    one.api.writes.clear()
    await one.tick()
    assert "route" not in one.api.what_was_written()


async def test_the_leader_has_its_traffic_again_after_a_moment_of_outage_while_prometheus_is_down(
    process: Start,
) -> None:
    one = await led(process)
    one.earning = DOWN
    await one.tick()
    before = one.weights()
    await flapped(one, "good")
    await flapped(one, "good")
    one.now += 6.0  # for which it must stay up after several outages
    await one.look()
    await one.tick()
    assert one.weights() == before
    assert replay(one.api.objects[one.path]).agrees


async def test_the_leader_has_its_traffic_again_though_rewards_stay_away_for_long(process: Start) -> None:
    one = await led(process)
    before = one.weights()
    await flapped(one, "good")
    one.earning = {"good": None, "bad": None}
    await one.tick(2)
    assert one.weights()["good"] == 0  # it may be that these are still to come
    await one.tick(6)
    assert one.weights() == before
    assert replay(one.api.objects[one.path]).agrees


async def test_what_had_a_pin_goes_back_to_what_was_before_once_the_time_is_over(process: Start) -> None:
    one = await led(process, maxDuration="1h")
    one.now += 3600.0
    await one.tick(2)
    before = one.weights()
    one.update_spec(pin={"arm": "bad", "reason": "a look"})
    await one.tick(2)
    assert one.weights() == {"good": 0, "bad": 10000}
    one.update_spec(pin=None)
    await one.tick(2)
    assert one.weights() == before


async def test_weights_that_others_set_in_mode_observe_stay_once_the_time_is_over(process: Start) -> None:
    one = await led(process, maxDuration="1h")
    one.now += 3600.0
    await one.tick(2)
    for mode in ("Observe", "Paused"):
        one.update_spec(mode=mode)
        await one.tick()
        one.set_weights(good=4000, bad=6000)
        await one.tick()
        one.update_spec(mode="Active")
        await one.tick(3)
        assert one.weights() == {"good": 4000, "bad": 6000}


async def test_a_loser_that_would_get_no_traffic_is_not_tried_again_once_the_time_is_over(
    process: Start,
) -> None:
    one = await led(process, maxDuration="1h", rollback={"drain": "10s", "retryAfter": "10m"})
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    one.now += 3600.0
    await one.tick(3)
    assert (one.arm("bad")["state"], one.replicas("bad")) == ("RolledBack", 0)


async def test_a_leader_with_a_new_image_has_its_traffic_again_once_it_is_known_and_the_time_is_over(
    process: Start,
) -> None:
    one = await led(process, maxDuration="1h")
    one.now += 3600.0
    await one.tick(2)
    before = one.weights()
    one.set_template("good", "good:2")
    await one.look()
    assert one.weights()["good"] <= 1000
    await one.tick(4)
    assert one.weights() == before


async def test_an_arm_that_was_unwell_comes_back_with_a_small_share_once_the_time_is_over(
    process: Start,
) -> None:
    guard = {"name": "errors", "query": "error_share", "above": "0.05", "windows": 1}
    one = await led(process, maxDuration="1h", guards=[guard])
    one.now += 3600.0
    await one.tick(2)
    one.guards = {"errors": {"good": 0.2}}
    await one.tick()
    assert one.weights()["good"] == 0
    one.guards = {}
    await one.tick(14)
    assert one.weights()["good"] == 1000


async def test_an_arm_that_is_asked_back_gets_a_small_share_also_once_the_time_is_over(
    process: Start,
) -> None:
    one = await led(process, maxDuration="1h", rollback={"drain": "10s", "retryAfter": "0s"})
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    one.now += 3600.0
    await one.tick(2)
    one.earning = {"good": (500.0, 400.0), "bad": (50.0, 40.0)}
    one.annotate(restore=f"bad@{to_timestamp(one.now)}")
    await one.tick(5)
    assert one.weights() == {"good": 9000, "bad": 1000}
    await one.tick(5)
    assert one.weights() == {"good": 9000, "bad": 1000}
    assert replay(one.api.objects[one.path]).agrees
