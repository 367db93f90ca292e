"""Worlds around one rollout that has a shadow sooner or later, whose numbers may be anything."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from bandit_operator.core import reasons
from bandit_operator.core.model import (
    ArmReading,
    Implausible,
    NoData,
    Observed,
    Paired,
    PairReading,
    Shadowed,
)
from tests.support.shadows import MANUAL
from tests.support.worlds.played import ARMS
from tests.support.worlds.rollouts import World, arms

SCORED = 2000.0
"""Requests that a window of the shadow has."""
PAIRS = list(itertools.combinations(ARMS, 2))
ODD: dict[str, PairReading] = {
    "impossible": Paired(10.0, 50.0, 10.0),
    "infinite": Paired(float("inf"), 0.0, 0.0),
    "implausible": Implausible(reasons.IMPOSSIBLE_NUMBER, "11 in 10"),
    "missing": NoData("no series of pairTrials"),
    "nothing": Paired(0.0, 0.0, 0.0),
}


def shown(worse: str | None, by: float) -> Shadowed:
    """A window in which one arm earned so much less than the others on the same requests, or none did."""
    rates = {arm: 0.8 - by * (arm == worse) for arm in ARMS}
    scored: dict[str, ArmReading] = {arm: Observed(SCORED, SCORED * rate) for arm, rate in rates.items()}
    pairs: dict[tuple[str, str], PairReading] = {}
    for first, second in PAIRS:
        gap = SCORED * (rates[first] - rates[second])
        pairs[first, second] = Paired(SCORED, gap, abs(gap) + 0.04 * SCORED)
    return Shadowed(scored, pairs)


class ShadowWorld(World):
    """A shadow that is added, lies, is silent, says what cannot be, and is taken out again."""

    onboarded: frozenset[str] = frozenset()

    @rule(onboarded=st.sets(arms))
    def the_user_adds_a_shadow(self, onboarded: set[str]) -> None:
        self._add_shadow(onboarded)
        self._pass()

    @rule(
        arm=arms,
        worse=st.sampled_from([None, *ARMS]),
        by=st.sampled_from([0.02, 0.8]),
        ticks=st.integers(1, 12),
    )
    def another_model_proves_itself_in_the_shadow(
        self, arm: str, worse: str | None, by: float, ticks: int
    ) -> None:
        self._add_shadow({arm})
        self.one.earning = dict.fromkeys(ARMS, (500.0, 400.0))
        self.one.broken.clear()
        for one in ARMS:
            self.one.set_available(one, self.one.replicas(one))
        self._tick(30.0)
        self.another_model_is_deployed_under_an_arm_in_the_shadow(arm)
        self.the_shadow_scores_for_a_while(worse, by, ticks, served=False)

    @precondition(lambda self: self._has_shadow())
    @rule()
    def the_user_takes_the_shadow_out(self) -> None:
        self.onboarded = frozenset()
        spec = self.one.api.objects[self.one.path]["spec"]
        self.one.update_spec(arms=self._written(spec["arms"]))
        self.one.update_spec(shadow=None)
        self.one.shadow = None
        self._pass()

    @precondition(lambda self: self._has_shadow())
    @rule(
        worse=st.sampled_from([None, *ARMS]),
        by=st.sampled_from([0.02, 0.3, 0.8]),
        ticks=st.integers(1, 12),
        served=st.booleans(),
    )
    def the_shadow_scores_for_a_while(self, worse: str | None, by: float, ticks: int, served: bool) -> None:
        self.one.shadow = shown(worse, by)
        if served:  # else it may lie
            self.one.earning = {arm: (500.0, 500.0 * (0.8 - by * (arm == worse))) for arm in ARMS}
        for _ in range(ticks):
            self._tick(30.0)
            self._nobody_in_the_shadow_serves()

    @precondition(lambda self: self._has_shadow())
    @rule(odd=st.sampled_from(sorted(ODD)), pair=st.sampled_from(PAIRS), ticks=st.integers(1, 4))
    def the_shadow_says_what_nobody_can_use(self, odd: str, pair: tuple[str, str], ticks: int) -> None:
        good = shown(None, 0.0)
        self.one.shadow = Shadowed(good.arms, {**good.pairs, pair: ODD[odd]})
        self._pass()  # a process that was refused a write has forgotten, and reads what it had learned
        before = self._paired(pair)
        for _ in range(ticks):
            self._tick(30.0)
        after = self._paired(pair)
        # Less, where it had learned more than it had written, and forgot that.
        assert before is None or after is None or after <= before, f"{pair} learned from what was {odd}"

    @rule(arm=arms)
    def another_model_is_deployed_under_an_arm_in_the_shadow(self, arm: str) -> None:
        self.made += 1
        self.one.set_template(arm, f"{arm}:shadow-{self.made}")
        self._pass()
        self._nobody_in_the_shadow_serves()

    @rule(arm=arms)
    def a_resource_is_made_of_which_an_arm_is_to_begin_in_the_shadow(self, arm: str) -> None:
        self._add_shadow({arm})
        weights = {one: weight for one, weight in self.one.weights().items() if one in ARMS}
        self.the_resource_is_made_again()
        for one in self.one.status.get("arms") or []:
            few = 2 * weights.get(one["name"], 0) <= sum(weights.values())
            assert not (few and one["name"] in self.onboarded and one["state"] == "Active"), one

    def _add_shadow(self, onboarded: set[str]) -> None:
        spec = self.one.api.objects[self.one.path]["spec"]
        self.onboarded = frozenset(onboarded - {spec["baseline"]})
        self.one.update_spec(shadow=MANUAL, arms=self._written(spec["arms"]))

    def _nobody_in_the_shadow_serves(self) -> None:
        """Weight 0 is what status says of an arm that is to prove itself, from the moment it says so."""
        for arm in self.one.status.get("arms") or []:
            if arm["state"] == "Shadowing" and self._is_active():
                assert arm["weight"] == 0, arm

    def _has_shadow(self) -> bool:
        return self.one.api.objects[self.one.path]["spec"].get("shadow") is not None

    def _paired(self, pair: tuple[str, str]) -> float | None:
        """Requests of a pair that the process has learned from; None where it has no shadow."""
        tracked = self.one.reconciler._tracked.get(self.one.key)
        memory = None if tracked is None else tracked.committed.memory
        if memory is None or memory.shadow is None or not set(pair) <= set(memory.arms):
            return None
        first, second = (memory.index(arm) for arm in pair)
        return float(memory.shadow.paired["paired_trials"][first, second])

    def _written(self, arms: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """With the onboarding that the user of this world wants."""
        return [{**arm, "onboarding": "Shadow" if arm["name"] in self.onboarded else "Serve"} for arm in arms]

    def _make_baseline(self, baseline: str) -> None:
        """The baseline is never onboarded in the shadow; whoever names another one says so."""
        self.onboarded -= {baseline}
        spec = self.one.api.objects[self.one.path]["spec"]
        self.one.update_spec(arms=self._written(spec["arms"]))
        super()._make_baseline(baseline)
