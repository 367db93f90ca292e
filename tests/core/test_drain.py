"""How an arm begins to go down; the steps after that are in the tests of the lifecycle."""

from __future__ import annotations

from bandit_operator.core.drain import roll_back
from bandit_operator.core.model import ArmStanding, ArmState

SERVING = ArmStanding(ArmState.ACTIVE, since=1.0, reason="Serving", template="v1")


def test_rolling_back_one_arm_leaves_the_others_as_they_are() -> None:
    before = {"a": SERVING, "b": SERVING}
    after = roll_back(before, "b", now=5.0)
    assert after["a"] == before["a"]
    assert (after["b"].state, after["b"].since, after["b"].template) == (ArmState.DRAINING, 5.0, "v1")
    assert after["b"].rollbacks == 1
