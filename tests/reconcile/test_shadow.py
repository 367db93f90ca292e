"""What a resource says of its shadow, and what it lets depend on it."""

from __future__ import annotations

import pytest

from bandit_operator.core import reasons
from bandit_operator.core.model import Implausible, NoData, Observed, Paired, Shadowed
from bandit_operator.status.replay import replay
from tests.support.fake_api import copied, deployment_of
from tests.support.playing import EQUAL, Start, ready, until
from tests.support.shadows import MANUAL, SCORED, available, installed, with_shadow


async def test_numbers_of_the_shadow_that_cannot_be_are_told_and_ready_stays(process: Start) -> None:
    one = await with_shadow(process, shadow=MANUAL)
    one.shadow = Shadowed(SCORED.arms, {("good", "bad"): Implausible(reasons.IMPOSSIBLE_NUMBER, "11 in 10")})
    await one.tick()
    assert available(one) == ("False", reasons.SHADOW_IMPLAUSIBLE)
    assert one.condition("ShadowAvailable")["message"] == "arms good and bad: 11 in 10"
    assert ready(one)[0] == "True"


async def test_a_shadow_without_series_is_told_with_its_cause(process: Start) -> None:
    one = await with_shadow(process, shadow=MANUAL)
    nothing = NoData("no series of trials: at http://prometheus, there is no metric of that name")
    one.shadow = Shadowed(dict.fromkeys(("good", "bad"), nothing), {})
    await one.tick()
    assert available(one) == ("False", reasons.NO_SHADOW_DATA)
    assert one.condition("ShadowAvailable")["message"] == f"arm good: {nothing.reason}"
    assert ready(one)[0] == "True"


async def test_a_shadow_that_scores_nothing_for_long_is_told(process: Start) -> None:
    one = await with_shadow(process, shadow=MANUAL)
    idle = dict.fromkeys(("good", "bad"), Observed(0, 0))
    one.shadow = Shadowed(idle, {("good", "bad"): Paired(0, 0, 0)})
    await one.tick()
    assert available(one)[0] == "True"
    await one.tick(12)
    assert available(one) == ("False", reasons.NO_SHADOW_DATA)


async def test_where_traffic_rests_on_the_shadow_ready_does_as_well(process: Start) -> None:
    one = await with_shadow(process, shadow=MANUAL, guardrails={"minShare": "0"})
    assert ready(one)[0] == "True"
    one.shadow = Shadowed(dict.fromkeys(("good", "bad"), NoData("no series of trials")), {})
    await one.tick()
    assert ready(one) == ("False", reasons.NO_SHADOW_DATA)
    assert one.condition("MetricsAvailable")["status"] == "True"


async def test_without_a_window_since_a_start_what_was_said_stays(process: Start) -> None:
    one = await with_shadow(process, shadow=MANUAL)
    said = one.condition("ShadowAvailable")
    one.start()
    await one.look()
    assert one.condition("ShadowAvailable") == said


ALL = ("good", "bad", "late")


def better() -> Shadowed:
    """A window in which the arm late earns a fifth more than the others on the same requests."""
    arms = {"good": Observed(1000, 500), "bad": Observed(1000, 500), "late": Observed(1000, 700)}
    pairs = {
        ("good", "bad"): Paired(1000, 0, 100),
        ("good", "late"): Paired(1000, -200, 300),
        ("bad", "late"): Paired(1000, -200, 300),
    }
    return Shadowed(arms, pairs)


async def test_an_arm_that_is_new_serves_nobody_before_the_shadow_shows_it_no_worse(process: Start) -> None:
    one = await with_shadow(process, arms=ALL, shadow=MANUAL)
    deployment = copied(one.api.objects[deployment_of("late", "models")])
    deployment["status"]["observedGeneration"] = 1  # no rolling update is under way
    one.api.put(deployment_of("late", "models"), deployment)
    arms = one.api.objects[one.path]["spec"]["arms"]
    one.update_spec(arms=arms[:2])
    await one.look(tick=True)
    await one.tick()
    one.update_spec(arms=[*arms[:2], {**arms[2], "onboarding": "Shadow"}])
    one.earning = {**EQUAL, "late": (500.0, 350.0)}
    nothing = NoData("no series of trials")
    one.shadow = Shadowed({**SCORED.arms, "late": nothing}, SCORED.pairs)
    await one.tick(2)
    assert one.arm("late")["state"] == "Shadowing"
    assert one.weights()["late"] == 0
    assert ready(one) == ("False", reasons.NO_SHADOW_DATA), "what is served depends on the shadow now"
    one.shadow = better()
    await until(one, lambda: one.arm("late")["state"] != "Shadowing")
    assert one.arm("late")["reason"] == reasons.SHOWN_NO_WORSE
    await one.tick(2)
    assert one.weights()["late"] > 0
    assert float(one.arm("late")["shadow"]["difference"]) == pytest.approx(0.2)
    assert ready(one)[0] == "True"


async def test_an_arm_of_a_new_resource_serves_nobody_before_the_shadow_shows_it_no_worse(
    process: Start,
) -> None:
    one = installed(process, shadow=MANUAL)
    good, bad = one.api.objects[one.path]["spec"]["arms"]
    one.update_spec(arms=[good, {**bad, "onboarding": "Shadow"}])
    assert one.weights() == {"good": 5000, "bad": 5000}
    await one.look(tick=True)
    one.earning = EQUAL
    await one.tick()
    assert one.arm("bad")["state"] == "Shadowing"
    assert one.weights()["bad"] == 0
    await until(one, lambda: one.arm("bad")["state"] != "Shadowing", ticks=400)
    assert one.arm("bad")["reason"] == reasons.SHOWN_NO_WORSE


async def test_recorded_ticks_with_a_shadow_come_out_again_as_they_did(process: Start) -> None:
    one = await with_shadow(process, arms=ALL, shadow=MANUAL)
    one.shadow = better()
    await one.tick(14)
    again = replay(one.api.objects[one.path])
    assert again.replayed
    assert again.agrees, [replayed.differences for replayed in again.replayed]
