"""An arm that comes and goes must stay up before it gets traffic, and longer each time."""

from __future__ import annotations

from bandit_operator.core import reasons
from tests.support.playing import Start, learned


async def test_an_arm_that_comes_and_goes_must_stay_up_longer_each_time(process: Start) -> None:
    one = await learned(process)
    returns = 0
    for _ in range(24):
        one.set_available("bad", 0)
        one.gateway()
        await one.look()
        one.now += 1.0
        one.set_available("bad", 2)
        one.gateway()
        await one.look()
        returns += one.arm("bad")["state"] != "Unavailable"
        one.now += 5.0
    assert returns == 1
    assert one.arm("bad")["reason"] == reasons.STAYING_UP
    one.now += 301.0
    await one.look()
    assert one.arm("bad")["state"] != "Unavailable"


async def test_an_arm_that_stays_up_is_believed_also_where_the_clock_was_ahead_when_it_came_up(
    process: Start,
) -> None:
    one = await learned(process)
    for available in (0, 2, 0, 2):
        one.set_available("bad", available)
        one.gateway()
        await one.look()
        one.now += 1.0
    assert one.arm("bad")["reason"] == reasons.STAYING_UP
    one.now -= 3600.0
    for _ in range(12):
        one.now += 1.0
        await one.look()
    assert one.arm("bad")["state"] != "Unavailable"


async def test_a_wait_for_an_arm_to_stay_up_ends_by_itself(process: Start) -> None:
    one = await learned(process, interval="10m", reward={
        "prometheus": {"successes": "a_total", "trials": "b_total"}, "staleAfter": "1h",
    })  # fmt: skip
    requeue = None
    for _ in range(2):
        one.set_available("bad", 0)
        await one.look()
        one.set_available("bad", 2)
        requeue = await one.look()
    assert requeue is not None
    assert 4.0 < requeue.after < 6.0
