"""Rollouts in a state that it takes long to come to, played once."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

from bandit_operator.core import reasons
from bandit_operator.core.model import Implausible
from tests.support.process import Process

ARMS = ("good", "bad", "fair")
OUTCOMES: dict[str, Any] = {
    "well": (500.0, 400.0),
    "fair": (500.0, 250.0),
    "badly": (500.0, 20.0),
    "hardly": (3.0, 1.0),
    "nothing": (0.0, 0.0),
    "missing": None,
    "too much": (100.0, 130.0),
    "a life": (1e7, 5e6),
    "negative": (-5.0, 0.0),
    "infinite": (float("inf"), 1.0),
    "dips": Implausible(reasons.COUNTER_NOT_STEADY, "went down"),
}
ROLLBACK = {"drain": "20s", "retryAfter": "10m"}


@functools.cache
def played_until(state: str, counted: bool) -> Process:
    """A rollout whose arm bad is in a state: it takes seven windows to get there, so it is played once."""
    one = Process(ARMS, rollback=ROLLBACK | ({"requests": "requests_total"} if counted else {}))
    one.earning = {arm: OUTCOMES["badly" if arm == "bad" else "well"] for arm in ARMS}
    one.requests = dict.fromkeys(ARMS, 0.0)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(one.look(tick=True))
    loop.run_until_complete(one.tick())
    for _ in range(20):
        if one.arm("bad")["state"] == state:
            break
        loop.run_until_complete(one.tick())
    loop.close()
    assert one.arm("bad")["state"] == state, one.status
    return one
