"""Others who use an arm's Pods, speak of what is no arm, or take what arms have."""

from __future__ import annotations

from abc import abstractmethod

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from bandit_operator.core import reasons
from tests.support.fake_api import copied
from tests.support.playing import add_service
from tests.support.worlds.amiss import Amiss
from tests.support.worlds.played import ARMS, played_until
from tests.support.worlds.promised import OUT, SERVING

arms = st.sampled_from(ARMS)
LEGACY = "legacy"
"""A Service over the Pods of an arm that is no arm's backend."""
OF_OTHERS = (
    "Failed to process route rule 1 backendRef 0: service models/good not found",
    "service models/typo not found",
    "backend(typo.good.svc.cluster.local) not found",
)
"""What gateways say of backends that are no arm's."""


class Neighbours(Amiss):
    """The part of a world in which an arm is not alone with its Pods, its route and its gateway."""

    @abstractmethod
    def _pass(self, *, tick: bool = False) -> None:
        """The operator looks at the resource."""

    @abstractmethod
    def _write_weights(self, weights: list[int]) -> None:
        """Another writer sets the weights of all arms, and the operator looks."""

    @rule(arm=arms, weight=st.sampled_from([0, 1, 2000]))
    def a_backend_that_is_no_arm_is_over_the_pods_of_one(self, arm: str, weight: int) -> None:
        add_service(self.one, LEGACY, arm)
        self.promised.beside = {LEGACY: arm}
        others = [ref for ref in self._refs() if ref["name"] != LEGACY]
        self._set_refs([*others, {"name": LEGACY, "port": 80, "weight": weight}])
        self._pass()

    @rule(arm=arms, state=st.sampled_from(["Active", "Unavailable", *OUT]))
    def another_resource_has_an_arm_over_the_same_pods(self, arm: str, state: str) -> None:
        body = copied(played_until("Active", counted=False).api.objects[self.one.path])
        body["spec"]["arms"] = [one for one in body["spec"]["arms"] if one["name"] == arm]
        body["spec"]["traffic"] = {"routeRef": {"name": "elsewhere"}}
        body["metadata"] |= {"name": "neighbour", "uid": "neighbour"}
        body["status"] = {"arms": [{"name": arm, "state": state}]}
        self.one.api.put(self.one.path.replace("income", "neighbour"), body)
        self.promised.gone_back_to = {arm} - {arm for out in OUT if state == out}
        self._pass()

    @rule(words=st.sampled_from(OF_OTHERS))
    def the_gateway_speaks_of_backends_that_are_no_arms(self, words: str) -> None:
        self.one.api.failures.clear()
        for _ in range(2):
            self.one.gateway(unresolved=words)
            self._pass()
            self.one.now += 1.5
        blamed = [
            one for one in self.one.status.get("arms") or [] if one["reason"] == reasons.BACKEND_UNRESOLVED
        ]
        assert not blamed, f"{words!r} is laid to {blamed}"
        self.one.gateway()
        self._pass()

    @rule(times=st.integers(4, 8))
    def another_writer_takes_all_weights_away(self, times: int) -> None:
        self.one.api.failures.clear()
        for _ in range(times):
            self._write_weights([0, 0, 0])
            self.one.now += 5.0
            self.one.gateway()
            self._pass()
            serves = self._in_states(*SERVING) & self.promised.servable()
            dark = not any(ref.get("weight", 1) for ref in self._refs())
            assert not (dark and serves and self._is_active()), f"{serves} can serve and nobody does"

    @precondition(lambda self: self._in_states("Draining"))
    @rule()
    def the_others_break_in_the_second_in_which_pods_go(self) -> None:
        self.one.api.failures.clear()
        going = set[str]()
        for _ in range(6):
            going = {
                arm
                for arm in self._in_states(*OUT)
                if not self.one.replicas(arm) and self.promised.endpoints(arm)
            }
            if going:
                break
            self.one.now += 11.0
            self.one.gateway()
            self._pass(tick=True)
        for arm in ARMS if going else ():
            self._break(arm) if arm not in going else None
        self._pass()
        for arm in going:
            self.one.set_available(arm, 0)
        self._pass()
        self._comes_to_rest()
        left = {arm for arm in going & self._in_spec() if self.one.replicas(arm) == 0}
        called = self._in_states("Restoring") or self.promised.servable()  # one after the other
        assert left != going or not going or not self._is_active() or called, (
            f"nobody serves, and {left} were left at zero"
        )
