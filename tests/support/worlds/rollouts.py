"""Worlds around one rollout of three arms.

The real reconciler, caches and core run against the fake API server while Pods come and go, Services,
backends and routes appear and vanish and are shared, other writers set weights and replicas, specs
change, gateways lag, Prometheus answers anything, the clock is set and the process dies at any write.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from bandit_operator.core import reasons
from bandit_operator.core.model import SourceDown
from bandit_operator.errors import APIError, APIUnreachable, Conflict
from tests.support.fake_api import copied
from tests.support.process import Process
from tests.support.worlds.neighbours import Neighbours
from tests.support.worlds.played import ARMS, OUTCOMES, ROLLBACK, played_until
from tests.support.worlds.promised import OUT, Promised

arms = st.sampled_from(ARMS)
IMPOSSIBLE = ("too much", "negative", "infinite", "dips")
"""Outcomes that nothing may be learned from."""
SLOW = ("refuses", "one of two lags", "one of two refuses")
"""What gateways may do besides keeping up."""
SECOND = {"two keep up": True, "one of two refuses": False}
"""Whether a second gateway accepts the route, where there is one."""
TROUBLES = (*SLOW, "requests go on", "requests are unknown", "another route uses it", "the others break")
"""What an arm that drains may meet with."""


class Killed(BaseException):
    """The process ends here."""


class World(Neighbours):
    """One rollout, and everything that may befall it."""

    def __init__(self) -> None:
        super().__init__()
        self.one = Process(ARMS, rollback=ROLLBACK)
        self.promised = Promised(self.one)
        self.cursor = ""
        self.gateways = "keep up"
        self.made = 1
        self.loop = asyncio.new_event_loop()

    @initialize(
        counted=st.booleans(),
        state=st.sampled_from(["Draining", "Draining", "RolledBack", "Active"]),
        trouble=st.sampled_from(TROUBLES),
    )
    def it_begins(self, counted: bool, state: str, trouble: str) -> None:
        self.promised.counted = counted or trouble == "requests go on"
        self.one.go_on_from(played_until(state, self.promised.counted))
        self.one.requests = dict.fromkeys(ARMS, 0.0)
        self._pass(tick=True)
        self._have(trouble, ticks=3)

    # ---- what happens ---------------------------------------------------------------------

    @rule(
        seconds=st.sampled_from([1.0, 10.0, 30.0, 30.0, 30.0, 90.0, 700.0]),
        earned=st.fixed_dictionaries({arm: st.sampled_from(sorted(OUTCOMES)) for arm in ARMS}),
    )
    def time_passes(self, seconds: float, earned: dict[str, str]) -> None:
        self.one.earning = {arm: OUTCOMES[name] for arm, name in earned.items()}
        before = self._trials()
        self._tick(seconds)
        for arm, trials in self._trials().items():
            learned = before and trials > before[arm]  # fewer are those that a process took along
            assert not learned or earned[arm] not in IMPOSSIBLE, f"{arm} learned from what it {earned[arm]}"

    @rule(loser=arms, ticks=st.integers(3, 12), gateways=st.sampled_from(["keep up", "two keep up"]))
    def one_arm_is_much_worse_for_a_while(self, loser: str, ticks: int, gateways: str) -> None:
        self.gateways = gateways
        self.one.earning = {arm: OUTCOMES["badly" if arm == loser else "well"] for arm in ARMS}
        for _ in range(ticks):
            self._tick(30.0)
            if self._in_states("Draining"):
                if gateways == "two keep up":
                    self._have("one of two refuses", ticks=3)
                break  # what comes next comes in the middle of a drain
        self.gateways = "keep up"

    @precondition(lambda self: self._in_states("Draining"))
    @rule(trouble=st.sampled_from(TROUBLES), ticks=st.integers(1, 3))
    def there_is_trouble_while_an_arm_drains(self, trouble: str, ticks: int) -> None:
        self._have(trouble, ticks)

    @precondition(lambda self: self._in_states(*OUT) & self.promised.in_spec())
    @rule()
    def an_arm_that_is_out_is_the_baseline(self) -> None:
        self._make_baseline(min(self._in_states(*OUT) & self.promised.in_spec()))
        self._tick(30.0)

    @rule(reason=st.sampled_from(sorted(reasons.SOURCE_FAULTS)))
    def prometheus_is_away(self, reason: str) -> None:
        self.one.earning = SourceDown(reason, "no answer")
        self._tick(30.0)

    @rule()
    def the_source_fails_unexpectedly(self) -> None:
        self.one.earning = RuntimeError("boom")
        self._tick(30.0)
        self.one.earning = dict.fromkeys(ARMS, (500.0, 250.0))

    @rule(broken=st.sets(arms, min_size=1, max_size=2))
    def pods_break(self, broken: set[str]) -> None:
        for arm in sorted(broken):
            self._break(arm)
        self._pass()

    @rule(arm=arms)
    def pods_are_well_again(self, arm: str) -> None:
        self.one.broken.discard(arm)  # however many Pods it is to have, which may be none
        self.one.set_available(arm, self.one.replicas(arm))
        self._pass()

    @rule(arm=arms, version=st.integers(1, 9))
    def another_image_is_deployed(self, arm: str, version: int) -> None:
        self.one.set_template(arm, f"{arm}:{version}")
        self._pass()

    @rule(arm=arms)
    def another_backend_is_put_under_an_arm(self, arm: str) -> None:
        if arm not in self._in_spec():
            return
        self.made += 1
        self.one.rename_backend(arm, f"{arm}-{self.made}")
        self.one.gateway()
        self.one.api.failures.clear()
        self._pass()
        if self._is_active():
            trials = self.one.arm(arm)["trials"]
            assert trials == "0", f"another backend of {arm} has the {trials} trials of the one before"

    @rule(weights=st.lists(st.sampled_from([0, 1, 5000, 10000]), min_size=3, max_size=3))
    def another_writer_sets_weights(self, weights: list[int]) -> None:
        self._write_weights(weights)
        self.one.now += 1.0
        self._pass()

    @rule(only=arms, dead=st.booleans(), times=st.integers(4, 9))
    def another_writer_insists(self, only: str, dead: bool, times: int) -> None:
        if dead:
            self._break(only)
        for _ in range(times):
            self._write_weights([10000 * (arm == only) for arm in ARMS])
            self.one.now += 1.5
            self._pass()
        self._comes_to_rest()

    @rule(
        weights=st.lists(st.sampled_from([1, 2]), min_size=3, max_size=3), stranger=st.sampled_from([0, 1, 9])
    )
    def the_user_writes_small_weights_beside_another_backend(self, weights: list[int], stranger: int) -> None:
        self.one.update_spec(mode="Paused")
        self._pass()
        refs = [ref for ref in self._refs() if ref["name"] in self.one.services.values()]
        for ref, weight in zip(refs, weights, strict=False):
            ref["weight"] = weight
        self._set_refs([*refs, {"name": "stranger", "port": 80, "weight": stranger}])
        self.one.update_spec(mode="Active")
        self.one.earning = dict(zip(ARMS, map(OUTCOMES.get, ("well", "badly", "fair")), strict=True))
        for _ in range(4):
            self._tick(30.0)

    @rule(arm=arms, replicas=st.integers(0, 3))
    def another_hand_scales(self, arm: str, replicas: int) -> None:
        self.promised.scaled_by_hand.add(arm)
        self.one.scale(arm, replicas)
        self.one.kubelet()
        self._pass()

    @rule(arm=arms, weight=st.sampled_from([0, 1]))
    def another_route_uses_an_arm(self, arm: str, weight: int) -> None:
        self._share(arm, weight)
        self._pass()

    @rule(arm=arms)
    def a_backend_leaves_the_rule(self, arm: str) -> None:
        refs = self._refs()
        left = [one for one in refs if one["name"] != self.one.services[arm]]
        if any(one["name"] in self.one.services.values() for one in left):
            self._set_refs(left)
            self._pass()

    @rule(arm=arms, weight=st.sampled_from([0, 1, 3000]))
    def a_backend_is_in_the_rule_again(self, arm: str, weight: int) -> None:
        refs, name = self._refs(), self.one.services[arm]
        if all(one["name"] != name for one in refs):
            self._set_refs([*refs, {"name": name, "port": 80, "weight": weight}])
            self._pass()

    @rule(slow=st.sampled_from(SLOW), ticks=st.integers(1, 3))
    def gateways_lag_or_refuse(self, slow: str, ticks: int) -> None:
        self._have(slow, ticks)

    @rule(baseline=arms)
    def another_baseline(self, baseline: str) -> None:
        if baseline in self._in_spec():
            self._make_baseline(baseline)
            self._pass()

    @rule(
        arm=st.sampled_from(ARMS[1:]),
        removed_arms=st.sampled_from(["Drain", "Drain", "Keep"]),
        ticks=st.integers(0, 2),
    )
    def an_arm_is_taken_out_of_the_spec(self, arm: str, removed_arms: str, ticks: int) -> None:
        if all(ref["name"] != "stranger" for ref in self._refs()):
            self._set_refs([*self._refs(), {"name": "stranger", "port": 80, "weight": ticks * 500}])
        spec = self.one.api.objects[self.one.path]["spec"]
        left = [one for one in spec["arms"] if one["name"] != arm]
        if len(left) >= 2 and spec["baseline"] != arm:
            self._unpin(arm)
            self.one.update_spec(arms=left, traffic={**spec["traffic"], "removedArms": removed_arms})
            for _ in range(1 + ticks):
                self._tick(30.0 * ticks)
            self._comes_to_rest()

    @rule()
    def all_arms_are_in_the_spec_again(self) -> None:
        if len(self._in_spec()) < len(ARMS):
            all_arms = copied(
                played_until("Active", counted=False).api.objects[self.one.path]["spec"]["arms"]
            )
            for one in all_arms:
                one["backendRef"]["name"] = self.one.services[one["name"]]
            self.one.update_spec(arms=self._written(all_arms))
            self._pass()

    @rule(mode=st.sampled_from(["Active", "Active", "Observe", "Paused"]))
    def another_mode(self, mode: str) -> None:
        self.one.update_spec(mode=mode)
        self._pass()

    @rule(seconds=st.sampled_from([-3600.0, 0.0, 3600.0]))
    def the_clock_is_set(self, seconds: float) -> None:
        self.one.api.failures.clear()  # a process that starts by a wrong clock cannot know that it is wrong
        self.one.clock_offset = seconds
        self._tick(30.0)
        self.one.clock_offset = 0.0
        for _ in range(4):
            self._tick(30.0)

    @rule(
        part=st.sampled_from(["/status", "httproutes", "/scale"]), after=st.booleans(), skip=st.integers(0, 2)
    )
    def the_process_will_die_at_a_write(self, part: str, after: bool, skip: int) -> None:
        self.one.api.fail("patch", part, Killed(), after=after, skip=skip)

    @rule(
        part=st.sampled_from(["/status", "httproutes", "/scale"]),
        error=st.sampled_from(
            [Conflict(409, "changed"), APIError(403, "forbidden"), APIUnreachable("no answer")]
        ),
        after=st.booleans(),
    )
    def a_write_will_fail(self, part: str, error: Exception, after: bool) -> None:
        self.one.api.fail("patch", part, error, after=after)

    @rule()
    def the_process_starts_again(self) -> None:
        self.one.start()
        self._pass(tick=True)

    @rule()
    def the_resource_is_made_again(self) -> None:
        body = self.one.api.objects[self.one.path]
        body.pop("status", None)
        body["metadata"] = {**body["metadata"], "uid": f"{body['metadata']['uid']}x"}
        self.one.start()
        self.cursor = ""
        self.one.api.failures.clear()
        self._pass(tick=True)
        arms = self.one.status.get("arms") or []
        left = {arm["name"] for arm in arms if arm["reason"] == reasons.NO_REPLICAS}
        left -= self.promised.set_out()
        assert not self._is_active() or not left, f"found without Pods and left so: {left}"

    # ---- how it is done -------------------------------------------------------------------

    def _have(self, trouble: str, ticks: int) -> None:
        """Let time pass under some trouble of the arms that drain, or of all where none does."""
        draining = self._in_states("Draining")
        if trouble in SLOW:
            if trouble == "one of two refuses" and self.gateways != "two keep up":
                self.one.gateway(second=True)
                self._pass()  # what it refuses it has accepted before
            self.gateways = trouble
        elif trouble == "requests go on":
            self.one.requests = dict.fromkeys(ARMS, 7.0)
        elif trouble == "requests are unknown":
            self.one.requests = {}
        elif trouble == "another route uses it":
            for arm in sorted(draining)[:1]:
                self._share(arm, 1)
        else:
            for arm in set(ARMS) - draining:
                self._break(arm)
        for _ in range(ticks):
            self._tick(30.0)
        self.gateways, self.one.requests = "keep up", dict.fromkeys(ARMS, 0.0)

    def _tick(self, seconds: float) -> None:
        self.one.now += seconds
        self.one.gateway(
            accepted=self.gateways != "refuses",
            lagging=self.gateways == "one of two lags",
            second=SECOND.get(self.gateways),
        )
        self.one.kubelet()
        self._pass(tick=True)

    def _pass(self, *, tick: bool = False) -> None:
        self.promised.begin()
        try:
            self.loop.run_until_complete(self.one.look(tick=tick))
        except Killed:
            self.one.start()
            self._pass(tick=True)

    def _comes_to_rest(self) -> None:
        """Nothing fails any more, and gateway and kubelet keep up."""
        self.one.api.failures.clear()
        for _ in range(4):
            self.one.now += 1.5
            self.one.gateway()
            self.one.kubelet()
            self._pass()
        if self._is_active():
            self.promised.check_at_rest()
        self.promised.check_observed()

    def _is_active(self) -> bool:
        """Whether the resource is one of which something is decided."""
        return self.one.status.get("phase") not in (None, "Paused", "Observing", "Rejected")

    def _trials(self) -> dict[str, float]:
        """What the process has learned so far, which it need not have written yet."""
        tracked = self.one.reconciler._tracked.get(self.one.key)
        memory = None if tracked is None else tracked.committed.memory
        return {} if memory is None else dict(zip(memory.arms, memory.trials.tolist(), strict=True))

    def _share(self, arm: str, weight: int) -> None:
        metadata = {"name": "other", "namespace": "models", "uid": "other"}
        refs = [{"name": self.one.services[arm], "port": 80, "weight": weight}]
        path = self.one.route_path.replace("income", "other")
        self.one.api.put(path, {"metadata": metadata, "spec": {"rules": [{"backendRefs": refs}]}})

    def _written(self, arms: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The arms as the user of this world writes them."""
        return arms

    def _write_weights(self, weights: list[int]) -> None:
        self.one.set_weights(**dict(zip(ARMS, weights, strict=True)))
        self.one.gateway()
        self._pass()

    # ---- what must hold -------------------------------------------------------------------

    @invariant()
    def promises_are_kept(self) -> None:
        self.promised.check()

    @invariant()
    def rewards_are_read_in_order_and_once(self) -> None:
        cursor = self.one.status.get("cursor", "")
        assert cursor >= self.cursor or self.one.clock_offset != 0.0
        self.cursor = cursor
        windows = [one["window"] for one in self.one.status.get("history", []) if "window" in one]
        for newer, older in itertools.pairwise(windows):
            assert older["end"] <= newer["start"] or older["end"] <= older["start"]

    def teardown(self) -> None:
        """In the end: no more failures, gateway and kubelet keep up, and things come to rest."""
        try:
            self._comes_to_rest()
        finally:
            self.loop.close()
