"""What people ask for by name in the worlds of a rollout: pinned, set out, in again, brought back."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from bandit_operator.api.timestamps import to_timestamp
from tests.support.process import Process
from tests.support.worlds.played import ARMS
from tests.support.worlds.promised import OUT

arms = st.sampled_from(ARMS)


class Verbs(RuleBasedStateMachine):
    """The part of a world in which people use the verbs. The API server refuses what does not go together."""

    one: Process

    @abstractmethod
    def _pass(self, *, tick: bool = False) -> None:
        """Look at the rollout once."""

    @abstractmethod
    def _tick(self, seconds: float) -> None:
        """Let time pass, and look at it."""

    @rule(arm=st.sampled_from((*ARMS, "")), ticks=st.integers(0, 3))
    def an_arm_is_pinned_or_none(self, arm: str, ticks: int) -> None:
        if not arm:
            self.one.update_spec(pin=None)
        elif arm in self._in_spec() and self._wish(arm) == "In":
            self.one.update_spec(pin={"arm": arm, "reason": "alarm"})
        self._pass()
        for _ in range(ticks):
            self._tick(30.0)

    @rule(arm=arms, state=st.sampled_from(["In", "Out", "Out"]), ticks=st.integers(0, 3))
    def an_arm_is_set_out_or_in(self, arm: str, state: str, ticks: int) -> None:
        spec = self._spec()
        kept = (spec["baseline"], spec.get("pin", {}).get("arm")) if state == "Out" else ()
        if arm in self._in_spec() and arm not in kept:
            self.one.set_state(arm, state)
            self._pass()
            for _ in range(ticks):
                self._tick(30.0)

    @precondition(lambda self: self._in_states(*OUT))
    @rule(seconds=st.sampled_from([0.0, 0.0, -9000.0]))
    def an_arm_is_asked_back(self, seconds: float) -> None:
        arm = min(self._in_states(*OUT))
        self.one.annotate(restore=f"{arm}@{to_timestamp(self.one.now + seconds)}")
        self._pass()

    def _make_baseline(self, arm: str) -> None:
        self.one.set_state(arm, "In")
        self.one.update_spec(baseline=arm)

    def _unpin(self, arm: str) -> None:
        if self._spec().get("pin", {}).get("arm") == arm:
            self.one.update_spec(pin=None)

    def _wish(self, arm: str) -> str:
        wish: str = next(one for one in self._spec()["arms"] if one["name"] == arm).get("state", "In")
        return wish

    def _spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = self.one.api.objects[self.one.path]["spec"]
        return {name: value for name, value in spec.items() if value is not None}

    def _in_spec(self) -> set[str]:
        return {one["name"] for one in self._spec()["arms"]}

    def _in_states(self, *states: str) -> set[str]:
        return {one["name"] for one in self.one.status.get("arms") or [] if one["state"] in states}
