"""Specs and routes in which something is wrong with one arm, or with which rule is meant."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.support.fake_api import copied
from tests.support.objects import NAMESPACE
from tests.support.worlds.played import ARMS
from tests.support.worlds.verbs import Verbs

arms = st.sampled_from(ARMS)


class Amiss(Verbs):
    """The part of a world in which people make mistakes, while arms go on breaking."""

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
        self.one.cache.services.add((NAMESPACE, "typo"))
        if lacks == "scale target":
            self._set_refs([*self._refs(), {"name": "typo", "port": 80, "weight": 0}])
        self.one.update_spec(arms=[*spec["arms"], arm])
        self._break(broken)
        self._comes_to_rest()
        left = self.one.api.objects[self.one.path]["spec"]["arms"][:-1]
        self.one.update_spec(arms=left)
        self._set_refs([ref for ref in self._refs() if ref["name"] != "typo"])
        self._pass()

    @rule(broken=arms)
    def another_rule_carries_all_arms(self, broken: str) -> None:
        """Then the spec does not tell the rule, and the dead lose their weight in the one that it told."""
        rules = self.one.api.objects[self.one.route_path]["spec"]["rules"]
        other = {**copied(rules[0]), "name": "other", "matches": [{"path": {"value": "/other"}}]}
        self.one.update_route(lambda spec: spec["rules"].append(other))
        self.one.gateway()
        self._pass()
        before = self.one.weights()
        self._tick(30.0)
        assert self._in_states("Draining", "Restoring") or self.one.weights() == before
        self._break(broken)
        if self.one.status.get("phase") != "Rejected":
            self._comes_to_rest()
        self.one.update_route(lambda spec: spec["rules"].pop())
        self.one.gateway()
        self._pass()

    def _break(self, arm: str) -> None:
        self.one.broken.add(arm)
        self.one.set_available(arm, 0)

    def _refs(self) -> list[dict[str, Any]]:
        rule_of_arms = self.one.api.objects[self.one.route_path]["spec"]["rules"][0]
        return [dict(ref) for ref in rule_of_arms["backendRefs"]]

    def _set_refs(self, refs: list[dict[str, Any]]) -> None:
        self.one.update_route(lambda spec: spec["rules"][0].update(backendRefs=refs))
        self.one.gateway()
