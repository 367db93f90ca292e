"""Worlds around one rollout whose route is made from a template sooner or later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.support.fake_api import copied
from tests.support.objects import TEMPLATE
from tests.support.worlds.rollouts import World

EDITS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "hostnames": lambda spec: spec.update(hostnames=["other.example.com"]),
    "matches": lambda spec: spec["rules"][0].update(matches=[]),
    "parents": lambda spec: spec.pop("parentRefs", None),
    "ports": lambda spec: spec["rules"][0]["backendRefs"][0].update(port=81),
}
LOOKS = 8
"""Passes within which a route that was deleted is there again."""


class TemplateWorld(World):
    """A route that is handed over, edited and deleted, beside all else that befalls a rollout."""

    @precondition(lambda self: not self._is_made())
    @rule()
    def the_route_is_made_from_a_template(self) -> None:
        route = copied(self.one.api.objects[self.one.route_path])
        route["metadata"]["annotations"] = {"bandit-operator.dev/owner": self.one.name}
        self.one.api.put(self.one.route_path, route)
        spec = self.one.api.objects[self.one.path]["spec"]
        traffic = {name: value for name, value in spec["traffic"].items() if name != "routeRef"}
        self.one.update_spec(traffic={**traffic, "routeTemplate": copied(TEMPLATE)})
        self.one.update_spec(arms=self._written(spec["arms"]))
        self._pass()

    @precondition(lambda self: self._is_made())
    @rule(edit=st.sampled_from(sorted(EDITS)), times=st.integers(1, 7))
    def somebody_edits_the_route(self, edit: str, times: int) -> None:
        for _ in range(times):
            self.one.update_route(EDITS[edit])
            self._pass()
            self.one.now += 1.0

    @precondition(lambda self: self._is_made())
    @rule()
    def somebody_deletes_the_route(self) -> None:
        route = copied(self.one.api.objects[self.one.route_path])
        self.one.delete_route()
        for _ in range(LOOKS):
            self._pass()
            if self.one.route_path in self.one.api.objects:
                self.one.gateway()
                return
            self.one.now += 1.5
        active = self.one.status.get("phase") not in ("Observing", "Paused", "Rejected", None)
        assert not active, f"nobody made the route again: {self.one.status}"
        self.one.api.put(self.one.route_path, route)  # somebody thinks better of it

    def _is_made(self) -> bool:
        return "routeTemplate" in self.one.api.objects[self.one.path]["spec"]["traffic"]

    def _written(self, arms: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """With the ports that a template needs."""
        if not self._is_made():
            return arms
        return [{**arm, "backendRef": {**arm["backendRef"], "port": 80}} for arm in arms]
