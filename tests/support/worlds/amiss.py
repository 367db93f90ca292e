"""Specs and routes in which something is wrong with one arm, or with which rule is meant."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from bandit_operator.core import reasons
from bandit_operator.errors import APIError, Conflict
from tests.support.fake_api import copied
from tests.support.objects import NAMESPACE
from tests.support.process import GATEWAY
from tests.support.worlds.played import ARMS
from tests.support.worlds.promised import SERVING, Promised
from tests.support.worlds.verbs import Verbs

arms = st.sampled_from(ARMS)
REFUSED: dict[str, dict[str, Any]] = {
    "no arms": {"arms": []},
    "baseline": {"baseline": "nobody"},
    "interval": {"interval": "soon"},
    "route": {"traffic": {"routeRef": {"name": "elsewhere"}}, "reward": None},
}
"""Edits after which a spec cannot be read."""


class Amiss(Verbs):
    """The part of a world in which people make mistakes, while arms go on breaking."""

    promised: Promised

    @abstractmethod
    def _is_active(self) -> bool:
        """Whether the resource is one of which something is decided."""

    @abstractmethod
    def _comes_to_rest(self) -> None:
        """Nothing fails any more, gateway and kubelet keep up, and what holds then is checked."""

    @rule(lacks=st.sampled_from(["rule", "scale target"]), broken=arms)
    def an_arm_is_added_that_lacks_something(self, lacks: str, broken: str) -> None:
        """It stays for as long as another arm breaks, which must lose its weight all the same."""
        spec = self.one.api.objects[self.one.path]["spec"]
        arm = copied({**spec["arms"][0], "name": "typo", "state": "In"})
        arm["backendRef"]["name"] = "typo"
        arm["scaleTargetRef"]["name"] = "tyop"
        self.one.cache.services[(NAMESPACE, "typo")] = {}
        if lacks == "scale target":
            self._set_refs([*self._refs(), {"name": "typo", "port": 80, "weight": 0}])
        self.one.update_spec(arms=[*spec["arms"], arm])
        self._break(broken)
        self._comes_to_rest()
        self.promised.check()
        left = self.one.api.objects[self.one.path]["spec"]["arms"][:-1]
        self.one.update_spec(arms=left)
        self._set_refs([ref for ref in self._refs() if ref["name"] != "typo"])
        self._pass()

    @rule(arm=arms, times=st.integers(1, 5))
    def pods_come_and_go(self, arm: str, times: int) -> None:
        returns, alone = 0, False
        for _ in range(times):
            for available in (0, self.one.replicas(arm)):
                self.one.set_available(arm, available)
                self._pass()
                self.one.now += 2.0
            returns += arm in self._in_states(*SERVING)
            alone = alone or not self._in_states(*SERVING) - {arm}
        assert returns <= 2 or alone or not self._is_active(), f"{arm} served {returns} times"

    @rule(words=st.sampled_from(["Service models/bad not found", "some backend is missing", None]))
    def the_gateway_speaks_of_backends(self, words: str | None) -> None:
        self.one.api.failures.clear()
        self.promised.unresolved = words
        for _ in range(2):
            self.one.gateway(unresolved=words)
            self._pass()
            self.one.now += 1.5
        weights, servable = self.one.weights(), self.promised.servable()
        named = {arm for arm in self._in_spec() if words and self.one.services[arm] in words}
        dead = {arm for arm in named if weights.get(arm, 0) > 0}
        assert not (dead and servable and self._is_active()), f"{dead} keep what the gateway fails: {weights}"
        self.promised.unresolved = None
        self.one.gateway()

    @precondition(lambda self: self._in_states("Draining"))
    @rule(error=st.sampled_from([Conflict(409, "changed"), APIError(403, "forbidden")]))
    def replicas_cannot_be_set(self, error: Exception) -> None:
        tried = 0
        for _ in range(5):
            before = len(self.one.api.failed)
            self.one.api.failures.clear()
            self.one.api.fail("patch", "/scale", error)
            self._tick(30.0)
            tried += len(self.one.api.failed) > before
        stuck = [one for one in self.one.status["arms"] if one["reason"] == reasons.SCALING_TO_ZERO]
        said = self.one.condition("Ready")
        # One that is paused tries nothing, and of a conflict it is told when it lasts.
        told = said["status"] == "False" or not self._is_active() or tried < 2
        assert not stuck or told, f"nobody is told of {stuck}: {said}"
        self.one.api.failures.clear()

    @precondition(lambda self: self._in_states("Draining"))
    @rule()
    def losers_keep_their_pods_and_then_do_not(self) -> None:
        spec = self._spec()
        for to_zero in (False, True):
            self.one.update_spec(rollback={**spec["rollback"], "scaleToZero": to_zero})
            for _ in range(3):
                self._tick(30.0)
        self._comes_to_rest()
        said = self.one.condition("Ready")
        others = said["message"] if said["reason"] == reasons.SCALE_TARGET_MISMATCH else ""  # are not scaled
        kept = [
            one
            for one in self.one.status["arms"]
            if one["reason"] == reasons.DRAINED and f"of arm {one['name']} " not in others
        ]
        assert not kept or not self._is_active(), f"these are to lose their Pods: {kept}"

    @rule(broken=arms)
    def another_rule_carries_all_arms(self, broken: str) -> None:
        """Then the spec does not tell the rule, and the dead lose their weight in the one that it told."""
        rules = self.one.api.objects[self.one.route_path]["spec"]["rules"]
        other = {**copied(rules[0]), "name": "other", "matches": [{"path": {"value": "/other"}}]}
        self.one.api.failures.clear()
        self._pass()
        ran = self.one.status.get("phase") != "Rejected"
        self.one.update_route(lambda spec: spec["rules"].append(other))
        self.one.gateway()
        self._pass()  # may be given up where the view of it is an old one
        self._tick(60.0)  # what changes little is written within a minute
        states, held = self._said("state"), self._said("weight")
        self._tick(30.0)
        # What was decided, for the route may differ, and be set back, while others write it.
        assert self._said("state") != states or self._said("weight") == held
        self._break(broken)
        assert not ran or self.one.status["phase"] != "Rejected", self.one.status["conditions"]
        self._comes_to_rest()
        assert self.one.condition("Ready")["status"] != "True", "nobody is told that two rules carry all arms"
        self.one.update_route(lambda spec: spec["rules"].pop())
        self.one.gateway()
        self._pass()

    @rule(fault=st.sampled_from(sorted(REFUSED)), broken=arms, restarted=st.booleans())
    def the_spec_cannot_be_read_any_more(self, fault: str, broken: str, restarted: bool) -> None:
        """Then nothing is learned, and the dead lose their weight by the last spec that could be read."""
        self.one.api.failures.clear()
        self._pass()
        ran = self._is_active() and self.one.condition("Accepted")["status"] == "True"
        body = copied(self.one.api.objects[self.one.path])
        edited = {**body["spec"], **REFUSED[fault]}
        self.one.api.put(self.one.path, {**body, "spec": edited})
        if restarted:
            self.one.start()
        self._pass()
        learned, windows = self._said("trials"), len(self.one.observer.windows)
        self._break(broken)
        self._tick(30.0)
        for _ in range(3):
            self.one.now += 1.5
            self.one.gateway()
            self._pass()
        now = self._said("trials")
        more = {arm for arm, trials in now.items() if float(trials) > float(learned[arm])}
        assert not more, f"learned under a spec that cannot be read: {learned}, then {now}"
        assert len(self.one.observer.windows) == windows
        assert self.one.condition("Ready")["status"] != "True", "nobody is told that the spec cannot be read"
        named = {arm["name"] for arm in body["spec"]["arms"]}
        weights, servable = self.one.weights(), self._endpoints_of(named)
        dead = {arm for arm in named - servable if weights.get(arm, 0) > 0}
        serves = {arm for arm in self._in_states(*SERVING) if arm in servable}
        assert not (ran and serves and dead), f"{dead} keep their weight: {weights}"
        self.one.api.put(self.one.path, {**self.one.api.objects[self.one.path], "spec": body["spec"]})
        self._pass()

    @rule(broken=arms)
    def an_arm_dies_under_a_gateway_that_refuses_the_route(self, broken: str) -> None:
        """What it refuses goes by older weights with it, and by the newest with the others."""
        self.one.api.failures.clear()
        self.one.gateway(second=True)
        self._pass()
        self._break(broken)
        for _ in range(4):
            self.one.now += 1.5
            self.one.gateway(second=False)
            self._pass()
        weights, servable = self.one.weights(), self.promised.servable()
        dead = {arm for arm in self._in_spec() - servable if weights.get(arm, 0) > 0}
        serves = self._in_states(*SERVING) & servable
        assert not (dead and serves and self._is_active()), f"{dead} keep their weight: {weights}"
        self.one.gateway()

    @rule(deleted=st.booleans(), ticks=st.integers(1, 4))
    def the_gateway_does_not_carry_what_it_accepts(self, deleted: bool, ticks: int) -> None:
        """Its data plane goes by the weights that it had; whoever is gone has none, and still counts."""
        self.one.api.failures.clear()
        self._pass()
        gateway = copied(self.one.api.objects[GATEWAY])
        if deleted:
            self.one.delete_gateway()
        else:
            self.one.program("no data plane")
        for _ in range(ticks):
            self._tick(30.0)
            said = self.one.condition("Ready")
            told = said["status"] != "True" or not self._is_active()
            assert told, f"nobody is told that the gateway does not carry the route: {said}"
        self.one.api.put(GATEWAY, gateway)
        self.one.program()
        self._pass()

    def _endpoints_of(self, named: set[str]) -> set[str]:
        return {arm for arm in named if arm in self.one.weights() and self.promised.endpoints(arm)}

    def _said(self, what: str) -> dict[str, Any]:
        return {arm["name"]: arm[what] for arm in self.one.status.get("arms") or []}

    def _break(self, arm: str) -> None:
        self.one.broken.add(arm)
        self.one.set_available(arm, 0)

    def _refs(self) -> list[dict[str, Any]]:
        rule_of_arms = self.one.api.objects[self.one.route_path]["spec"]["rules"][0]
        return [dict(ref) for ref in rule_of_arms["backendRefs"]]

    def _set_refs(self, refs: list[dict[str, Any]]) -> None:
        self.one.update_route(lambda spec: spec["rules"][0].update(backendRefs=refs))
        self.one.gateway()
