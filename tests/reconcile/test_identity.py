"""Evidence is about an arm and what serves it; whatever else is put under its name starts anew."""

from __future__ import annotations

import pytest

from bandit_operator.core import reasons
from tests.support.fake_api import copied, endpoints_of
from tests.support.playing import WORSE, Start, learned, ready, until, until_state


async def test_a_new_backend_under_an_old_name_starts_again_with_a_small_share(process: Start) -> None:
    one = await learned(process, scale_target=None)
    one.earning = {"good": (500.0, 200.0), "bad": (500.0, 450.0)}
    await until(one, lambda: one.weights()["bad"] > 9000)
    one.rename_backend("bad", "other")
    one.gateway()
    one.earning = {"good": (500.0, 200.0), "bad": (10.0, 1.0)}
    await one.look()
    assert one.weights()["bad"] <= 1000
    assert (one.arm("bad")["state"], one.arm("bad")["reason"]) == ("Joining", reasons.NEW_BACKEND)
    assert one.arm("bad")["trials"] == "0"


async def test_what_the_old_backend_earned_in_the_window_of_the_change_is_not_the_new_ones(
    process: Start,
) -> None:
    one = await learned(process, scale_target=None)
    one.earning = {"good": (500.0, 200.0), "bad": (500.0, 450.0)}
    await until(one, lambda: one.weights()["bad"] > 9000)
    one.rename_backend("bad", "other")
    one.gateway()
    await one.look()
    await one.tick()  # the label is the same, and most of this window was the old one's
    assert one.arm("bad")["trials"] == "0"
    assert one.weights()["bad"] <= 1000
    one.earning = {"good": (500.0, 200.0), "bad": (50.0, 5.0)}
    await one.tick()
    assert one.arm("bad")["trials"] == "50"
    assert one.weights()["bad"] <= 1000


async def test_an_arm_taken_out_of_the_spec_is_named_with_the_traffic_that_it_keeps(process: Start) -> None:
    one = await learned(process, arms=("good", "bad", "late"))
    assert one.condition("Accepted")["message"] == "the route carries all arms"
    one.update_spec(arms=one.api.objects[one.path]["spec"]["arms"][:2])
    await one.look(tick=True)
    weights = one.weights()
    assert f"have {weights['late'] / sum(weights.values()):.1%}" in one.condition("Accepted")["message"]
    assert "(index 2)" in one.condition("Accepted")["message"]
    one.set_weights(late=0)
    one.gateway()
    one.earning = {"good": (500.0, 250.0), "bad": (500.0, 250.0)}
    await one.tick(12)
    assert one.condition("Accepted")["message"] == "the route carries all arms"


async def test_an_arm_that_is_put_back_starts_again_and_learns_nothing_at_weight_zero(process: Start) -> None:
    one = await learned(process, arms=("good", "bad", "late"))
    arms = one.api.objects[one.path]["spec"]["arms"]
    one.update_spec(arms=arms[:2])
    await one.look(tick=True)
    one.set_weights(late=0)
    one.gateway()
    await one.tick(2)
    one.broken = {"late"}
    one.set_available("late", 0)
    one.update_spec(arms=arms)
    await one.look(tick=True)
    one.earning = dict.fromkeys(one.arms, (500.0, 250.0))  # its old Pods are still counted
    await one.tick(4)
    assert one.arm("late")["trials"] == "0"


async def test_a_baseline_that_is_at_zero_is_brought_back_and_the_old_one_is_not_taken_out_for_it(
    process: Start,
) -> None:
    one = await learned(process)
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    one.update_spec(baseline="bad")
    await one.look(tick=True)
    assert one.replicas("bad") == 2
    assert one.arm("good")["state"] == "Active"
    one.earning = {"good": (500.0, 400.0), "bad": (20.0, 2.0)}
    await one.tick(2)
    assert one.arm("bad")["state"] in ("Joining", "Active")
    assert one.arm("good")["state"] == "Active"


async def test_a_resource_that_is_made_again_beside_an_arm_at_zero_brings_it_back(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    body = one.api.objects[one.path]
    del body["status"]
    body["metadata"] = {**body["metadata"], "uid": "another"}
    one.start()
    await one.look(tick=True)
    assert one.replicas("bad") == 2
    assert one.arm("bad")["state"] == "Restoring"


async def test_a_backend_that_is_changed_right_after_a_rollback_starts_again(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await until_state(one, "bad", "Draining")
    one.rename_backend("bad", "other")
    one.gateway()
    await one.look()
    assert one.arm("bad")["reason"] == reasons.NEW_BACKEND
    assert one.arm("bad")["trials"] == "0"


async def test_a_rolling_update_behind_an_arm_without_a_scale_target_is_seen_by_its_pods(
    process: Start,
) -> None:
    one = await learned(process, scale_target=None)
    assert one.arm("bad")["trials"] == "500"
    one.set_template("bad", "bad:2", old_pods=1)
    await one.look()
    assert one.arm("bad")["reason"] == reasons.ROLLING_UPDATE
    await one.tick(3)
    assert one.arm("bad")["trials"] == "0"
    one.end_rolling_update("bad")
    await one.look()
    assert one.arm("bad")["reason"] == reasons.NEW_POD_TEMPLATE
    await one.tick(2)
    assert one.arm("bad")["trials"] == "500"
    assert one.arm("good")["trials"] != "500"


async def test_that_the_pods_behind_an_arm_are_gone_or_unknown_is_no_other_template(process: Start) -> None:
    one = await learned(process, scale_target=None)
    one.set_available("bad", 0)
    await one.look()
    one.set_available("bad", 2)
    one.start()
    await one.look()
    assert one.arm("bad")["reason"] != reasons.NEW_POD_TEMPLATE
    assert one.arm("bad")["trials"] == "500"


async def test_a_service_before_pods_of_two_deployments_has_no_template(process: Start) -> None:
    one = await learned(process, scale_target=None)
    for service in ("good", "bad"):
        path = endpoints_of(service)
        body = copied(one.api.objects[path])
        body["endpoints"] = [
            {"conditions": {"ready": True}, "targetRef": {"kind": "Pod", "name": f"{arm}-7d4b9c6f5d-x2b2c"}}
            for arm in one.arms
        ]
        one.api.put(path, body)
    one.set_template("bad", "bad:2")
    await one.look()
    assert one.arm("bad")["reason"] == reasons.SERVING
    assert one.arm("bad")["trials"] == "500"


async def test_an_arm_that_was_taken_out_of_the_spec_at_zero_has_its_pods_again_when_it_is_put_back(
    process: Start,
) -> None:
    one = await learned(process, arms=("good", "bad", "fair"))
    one.earning = {"good": (500.0, 400.0), "bad": (500.0, 50.0), "fair": (500.0, 400.0)}
    await until_state(one, "bad", "RolledBack")
    await until(one, lambda: one.replicas("bad") == 0)
    arms = copied(one.api.objects[one.path]["spec"]["arms"])
    one.update_spec(arms=[arm for arm in arms if arm["name"] != "bad"])
    await one.look(tick=True)
    one.update_spec(arms=arms)
    await one.look(tick=True)
    assert (one.replicas("bad"), one.weights()["bad"]) == (2, 0)
    one.earning = {"good": (500.0, 400.0), "bad": (50.0, 5.0), "fair": (500.0, 400.0)}
    await one.tick()
    assert (one.arm("bad")["state"], one.arm("bad")["reason"]) == ("Joining", reasons.FOUND_AT_ZERO)
    assert 0 < one.weights()["bad"] <= 1000


async def test_an_arm_at_zero_that_has_another_name_now_has_its_pods_again(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    arms = copied(one.api.objects[one.path]["spec"]["arms"])
    arms[1]["name"] = "renamed"
    one.update_spec(arms=arms)
    await one.look(tick=True)
    assert one.replicas("bad") == 2
    assert one.arm("renamed")["reason"] == reasons.FOUND_AT_ZERO


async def test_what_was_earned_by_another_metric_is_no_evidence_and_that_is_said(process: Start) -> None:
    one = await learned(process, baseline="bad")
    one.earning = WORSE
    await until(one, lambda: one.status.get("winner") == "good")
    reward = copied(one.api.objects[one.path]["spec"]["reward"])
    reward["prometheus"]["successes"] = "purchases_total"
    one.update_spec(reward=reward)
    one.earning = {"good": (500.0, 10.0), "bad": (500.0, 25.0)}
    await one.tick()
    assert one.status.get("winner") is None
    assert float(one.arm("good")["trials"]) <= 500.0
    said = [write.body["note"] for write in one.api.writes if write.what == "event"]
    assert any("names other metrics: all evidence reset" in note for note in said)


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_default_that_is_written_out_changes_nothing(process: Start, restarted: bool) -> None:
    one = await learned(process)
    await one.tick(3)
    before = [(one.arm(arm)["state"], float(one.arm(arm)["trials"])) for arm in one.arms]
    spec = copied(one.api.objects[one.path]["spec"])
    spec["reward"]["prometheus"]["armLabel"] = "arm"
    spec["reward"]["prometheus"]["address"] = "http://thanos.monitoring:9090"
    arms = [{**arm, "labelValue": arm["name"]} for arm in spec["arms"]]
    one.update_spec(reward=spec["reward"], arms=arms)
    if restarted:
        one.start()
    await one.look()
    for arm, (state, trials) in zip(one.arms, before, strict=True):
        assert one.arm(arm)["state"] == state
        assert float(one.arm(arm)["trials"]) >= trials


async def test_rewards_of_an_arm_that_is_out_do_not_make_those_of_the_others_fresh(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    one.earning = {"good": (0.0, 0.0), "bad": (500.0, 50.0)}
    await one.tick(14)
    assert ready(one)[0] == "False"
