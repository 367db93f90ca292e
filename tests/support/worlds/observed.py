"""Worlds around one rollout that is left to others, or that stands still, while an arm is on its way out."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from tests.support.worlds.played import ARMS, played_until
from tests.support.worlds.rollouts import World


class ObservedWorld(World):
    """The operator may say what it would do, and must do none of it, until it is asked to go on."""

    @initialize(
        state=st.sampled_from(["Draining", "Draining", "RolledBack"]),
        mode=st.sampled_from(["Observe", "Observe", "Paused"]),
    )
    def it_begins(self, state: str, mode: str) -> None:
        self.one.go_on_from(played_until(state, counted=False))
        self.one.requests = dict.fromkeys(ARMS, 0.0)
        self.one.update_spec(mode=mode)
        self._pass(tick=True)

    @rule(mode=st.sampled_from(["Observe", "Observe", "Paused"]), ticks=st.integers(1, 4))
    def it_is_left_to_others_for_a_while(self, mode: str, ticks: int) -> None:
        self.one.update_spec(mode=mode)
        for _ in range(ticks):
            self._tick(30.0)
