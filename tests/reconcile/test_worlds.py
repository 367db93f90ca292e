"""Worlds that nobody thought of, made up by a machine, and what must hold in all of them.

The real reconciler, caches and core run against the fake API server while Pods come and go, Services,
backends and routes appear and vanish and are shared, other writers set weights and replicas, specs
change, Prometheus answers anything, the clock is set and the process dies at any write.
``WORLDS`` says how many are played: 300 unless the environment says otherwise (``make fuzz``).
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bandit_operator.core import reasons
from bandit_operator.core.model import Implausible, SourceDown
from bandit_operator.errors import APIError, APIUnreachable, Conflict
from tests.support.fake_api import Write
from tests.support.process import Process

WORLDS = int(os.environ.get("WORLDS", "300"))
PARTS = 3
ARMS = ("good", "bad", "fair")
arms = st.sampled_from(ARMS)
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


class Killed(BaseException):
    """The process ends here."""


class World(RuleBasedStateMachine):
    """One rollout of three arms, and everything that may befall it."""

    def __init__(self) -> None:
        super().__init__()
        self.one = Process(ARMS, rollback={"drain": "20s", "retryAfter": "10m"})
        self.one.api.on_write.append(self._look_at)
        self.faults: list[str] = []
        self.cursor = ""
        self.loop = asyncio.new_event_loop()
        self._pass(tick=True)

    # ---- what happens ---------------------------------------------------------------------

    @rule(
        seconds=st.sampled_from([1.0, 10.0, 30.0, 30.0, 30.0, 90.0, 700.0]),
        earned=st.fixed_dictionaries({arm: st.sampled_from(sorted(OUTCOMES)) for arm in ARMS}),
    )
    def time_passes(self, seconds: float, earned: dict[str, str]) -> None:
        self.one.earning = {arm: OUTCOMES[name] for arm, name in earned.items()}
        self._tick(seconds)

    @rule(loser=arms, ticks=st.integers(3, 12))
    def one_arm_is_much_worse_for_a_while(self, loser: str, ticks: int) -> None:
        self.one.earning = {arm: OUTCOMES["badly" if arm == loser else "well"] for arm in ARMS}
        for _ in range(ticks):
            self._tick(30.0)
            if any(one["state"] == "Draining" for one in self.one.status.get("arms", [])):
                return  # what comes next comes in the middle of a drain

    @rule(reason=st.sampled_from(sorted(reasons.SOURCE_FAULTS)))
    def prometheus_is_away(self, reason: str) -> None:
        self.one.earning = SourceDown(reason, "no answer")
        self._tick(30.0)

    @rule()
    def the_source_fails_unexpectedly(self) -> None:
        self.one.earning = RuntimeError("boom")
        self._tick(30.0)
        self.one.earning = dict.fromkeys(ARMS, (500.0, 250.0))

    @rule(arm=arms)
    def pods_break(self, arm: str) -> None:
        self.one.broken.add(arm)
        self.one.set_available(arm, 0)
        self._pass()

    @rule(left=arms)
    def the_pods_of_all_but_one_break(self, left: str) -> None:
        for arm in ARMS:
            if arm != left:
                self.one.broken.add(arm)
                self.one.set_available(arm, 0)
        self._pass()

    @rule(arm=arms)
    def pods_are_well_again(self, arm: str) -> None:
        self.one.broken.discard(arm)
        self.one.set_available(arm, self.one.replicas(arm))
        self._pass()

    @rule(arm=arms, times=st.integers(1, 5))
    def pods_come_and_go(self, arm: str, times: int) -> None:
        for _ in range(times):
            for available in (0, self.one.replicas(arm)):
                self.one.set_available(arm, available)
                self._pass()
                self.one.now += 2.0

    @rule(arm=arms, version=st.integers(1, 9))
    def another_image_is_deployed(self, arm: str, version: int) -> None:
        self.one.set_template(arm, f"{arm}:{version}")
        self._pass()

    @rule(weights=st.lists(st.sampled_from([0, 1, 5000, 10000]), min_size=3, max_size=3))
    def another_writer_sets_weights(self, weights: list[int]) -> None:
        self.one.set_weights(**dict(zip(ARMS, weights, strict=True)))
        self.one.gateway()
        self._pass()
        self.one.now += 1.0
        self._pass()

    @rule(arm=arms, replicas=st.integers(0, 3))
    def another_hand_scales(self, arm: str, replicas: int) -> None:
        self.one.scale(arm, replicas)
        self.one.kubelet()
        self._pass()

    @rule(arm=arms, weight=st.sampled_from([0, 1]))
    def another_route_uses_an_arm(self, arm: str, weight: int) -> None:
        metadata = {"name": "other", "namespace": "models", "uid": "other"}
        refs = [{"name": arm, "port": 80, "weight": weight}]
        path = self.one.route_path.replace("income", "other")
        self.one.api.put(path, {"metadata": metadata, "spec": {"rules": [{"backendRefs": refs}]}})
        self._pass()

    @rule(arm=arms)
    def a_backend_leaves_the_rule(self, arm: str) -> None:
        refs = self._refs()
        if len(refs) > 1:
            self.one.update_route(
                lambda spec: spec["rules"][0].update(backendRefs=[one for one in refs if one["name"] != arm])
            )
            self.one.gateway()
            self._pass()

    @rule(arm=arms, weight=st.sampled_from([0, 1, 3000]))
    def a_backend_is_in_the_rule_again(self, arm: str, weight: int) -> None:
        refs = self._refs()
        if all(one["name"] != arm for one in refs):
            added = [*refs, {"name": arm, "port": 80, "weight": weight}]
            self.one.update_route(lambda spec: spec["rules"][0].update(backendRefs=added))
            self.one.gateway()
            self._pass()

    @rule(words=st.sampled_from(["Service models/bad not found", "some backend is missing", None]))
    def the_gateway_speaks_of_backends(self, words: str | None) -> None:
        self.one.gateway(unresolved=words)
        self._pass()

    @rule(times=st.integers(1, 3))
    def the_gateway_lags_or_refuses(self, times: int) -> None:
        for _ in range(times):
            self.one.gateway(accepted=False)
            self._pass()
            self.one.now += 30.0
            self._pass(tick=True)

    @rule(baseline=arms)
    def another_baseline(self, baseline: str) -> None:
        self.one.update_spec(baseline=baseline)
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
        self._pass(tick=True)

    # ---- how it is done -------------------------------------------------------------------

    def _tick(self, seconds: float) -> None:
        self.one.now += seconds
        self.one.gateway()
        self.one.kubelet()
        self._pass(tick=True)

    def _pass(self, *, tick: bool = False) -> None:
        try:
            self.loop.run_until_complete(self.one.look(tick=tick))
        except Killed:
            self.one.start()
            self._pass(tick=True)

    def _refs(self) -> list[dict[str, Any]]:
        refs: list[dict[str, Any]] = self.one.api.objects[self.one.route_path]["spec"]["rules"][0][
            "backendRefs"
        ]
        return copy.deepcopy(refs)

    def _settled(self) -> bool:
        """Let what is under way come to its end: no more failures, gateway and kubelet keep up."""
        self.one.api.failures.clear()
        for _ in range(4):
            self.one.now += 1.5
            self.one.gateway()
            self.one.kubelet()
            self._pass()
        return self.one.status.get("phase") not in (None, "Paused", "Observing", "Rejected")

    def _servable(self) -> set[str]:
        """What can serve, as the cluster has it."""
        named = {one["name"] for one in self._refs()}
        ready = {
            arm
            for arm in ARMS
            if any(
                path.endswith(f"/endpointslices/{arm}-1") and body.get("endpoints")
                for path, body in self.one.api.objects.items()
            )
        }
        return named & ready

    def _look_at(self, write: Write) -> None:
        """What must hold at the very moment of a write."""
        if write.what != "scale":
            return
        arm = write.path.split("/")[-2]
        replicas = next(one["value"] for one in write.body if one["op"] == "add")
        if replicas == 0 and self.one.accepted.get(arm, 0) > 0:
            self.faults.append(f"{arm} was scaled to 0 while the gateway still gave it {self.one.accepted}")
        for path, body in self.one.api.objects.items():
            if replicas == 0 and "/httproutes/" in path:
                for given in body["spec"]["rules"]:
                    for ref in given["backendRefs"]:
                        if ref["name"] == arm and ref.get("weight", 1) > 0:
                            self.faults.append(f"{arm} was scaled to 0 under weight {ref} of {path}")

    # ---- what must hold -------------------------------------------------------------------

    @invariant()
    def nothing_is_scaled_down_that_a_route_gives_weight_to(self) -> None:
        assert self.faults == []

    @invariant()
    def rewards_are_read_in_order_and_once(self) -> None:
        cursor = self.one.status.get("cursor", "")
        assert cursor >= self.cursor or self.one.clock_offset != 0.0
        self.cursor = cursor
        windows = [one["window"] for one in self.one.status.get("history", []) if "window" in one]
        for newer, older in itertools.pairwise(windows):
            assert older["end"] <= newer["start"] or older["end"] <= older["start"]

    @invariant()
    def no_pass_fails_for_a_reason_of_ours(self) -> None:
        ready = {one["type"]: one for one in self.one.status.get("conditions", [])}.get("Ready")
        if ready is not None and ready["reason"] == reasons.INTERNAL_ERROR:
            assert "RuntimeError" in ready["message"]

    @precondition(lambda self: self.one.status.get("arms"))
    @invariant()
    def weights_are_whole_and_in_bounds(self) -> None:
        assert all(0 <= arm["weight"] <= 1_000_000 for arm in self.one.status["arms"])

    def teardown(self) -> None:
        """In the end: whatever can serve serves, and Ready=True says so."""
        try:
            self._judge()
        finally:
            self.loop.close()

    def _judge(self) -> None:
        if not self._settled():
            return
        weights, servable = self.one.weights(), self._servable()
        status = {arm["name"]: arm["weight"] for arm in self.one.status["arms"]}
        carried = {arm: weights.get(arm, 0) for arm in ARMS}
        if servable and sum(carried.values()) > 0:
            assert any(carried[arm] > 0 for arm in servable), (carried, servable, self.one.status["arms"])
        if not servable:
            out = {
                arm["name"] for arm in self.one.status["arms"] if arm["state"] in ("Draining", "RolledBack")
            }
            well = {one["name"] for one in self._refs()} - self.one.broken
            assert not out & well, (out, well, self.one.status["arms"])
        ready = self.one.condition("Ready")
        if ready["status"] == "True":
            assert {arm: carried[arm] for arm in status} == status
            idle = {arm for arm in ARMS if arm not in servable}
            assert all(carried[arm] == 0 for arm in idle), (carried, servable)
            assert servable


def _case(number: int) -> type[Any]:
    """The test of a share of the worlds, so that workers can divide them."""
    case: type[Any] = type(f"World{number}", (World,), {}).TestCase  # type: ignore[attr-defined]  # of World
    case.settings = settings(
        max_examples=WORLDS // PARTS,
        stateful_step_count=12 if WORLDS <= 300 else 40,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    return hypothesis_seed(number)(case)


for number in range(PARTS):
    globals()[f"TestWorlds{number}"] = _case(number)
