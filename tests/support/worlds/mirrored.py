"""Worlds around one rollout whose requests are mirrored sooner or later, beside filters of others."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from bandit_operator.core import reasons
from bandit_operator.routers.mirrored_for import MIRRORS
from tests.support.fake_api import copied
from tests.support.shadows import FEATURES, FOREIGN, MANAGED, MANUAL, SERVICE, let_mirror, resource
from tests.support.worlds.rollouts import Killed, World
from tests.support.worlds.shadowed import shown

OTHER = {**MANAGED, "backendRef": {"name": "other", "port": 8080}}
SHADOWS: dict[str, dict[str, Any] | None] = {"none": None, "manual": MANUAL, "one": MANAGED, "other": OTHER}
TARGETS = ("shadow", "other")
"""Services that the operator is told to mirror to, and nobody else does."""
TROUBLES = (reasons.MIRROR_REFUSED, reasons.MIRROR_UNSUPPORTED)
"""Why a filter may be out that was asked for."""


class MirrorWorld(World):
    """A shadow that is mirrored to here, there and no longer, on a route that others write to as well."""

    def __init__(self) -> None:
        super().__init__()
        self.foreign: list[dict[str, Any]] = []
        self.stripped = False  # nothing but the status says any more whose a filter is

    @rule(shadow=st.sampled_from(sorted(SHADOWS)))
    def the_user_sets_the_shadow(self, shadow: str) -> None:
        if SERVICE not in self.one.api.objects:
            let_mirror(self.one, *FEATURES)
            self.one.api.put(SERVICE.replace("shadow", "other"), resource("other"))
        self.one.shadow = None if SHADOWS[shadow] is None else shown(None, 0.0)
        self.one.update_spec(shadow=SHADOWS[shadow])
        self._pass()
        self.one.gateway()
        self._pass()

    @rule(foreign=st.booleans(), ours=st.booleans())
    def others_write_the_filters(self, foreign: bool, ours: bool) -> None:
        self.foreign = [FOREIGN] if foreign else []
        left = [*self.foreign, *(self._ours() if ours else [])]
        self.one.update_route(lambda spec: spec["rules"][0].update(filters=left))
        self.one.gateway()
        self._pass()

    @rule(text=st.sampled_from([None, "", "[" * 2000, '{"income": 1}', '{"income": {"target": "a"}}']))
    def others_write_the_annotations(self, text: str | None) -> None:
        route = copied(self.one.api.objects[self.one.route_path])
        given = {"kept": "yes"} if text is None else {"kept": "yes", MIRRORS: text}
        route["metadata"]["annotations"] = given
        self.one.api.put(self.one.route_path, route)
        self.stripped = True
        self._pass()

    @rule(
        before=st.sampled_from(["one", "other"]),
        running=st.booleans(),
        after=st.sampled_from(sorted(SHADOWS)),
    )
    def a_resource_with_a_mirror_is_deleted_and_made_again(
        self, before: str, running: bool, after: str
    ) -> None:
        self.the_user_sets_the_shadow(before)
        self._comes_to_rest()
        body = copied(self.one.api.objects[self.one.path])
        self.one.api.delete(self.one.path)
        if running:
            self.one.cache.drop("BanditDeployment", self.one.key)
        else:
            self.one.start()
        while self._leaves() is not None:
            pass
        assert self.stripped or self._ours() == [], f"left behind: {self._ours()}"
        assert self._others() == self.foreign
        if self.stripped:  # somebody clears up
            route = copied(self.one.api.objects[self.one.route_path])
            route["metadata"].pop("annotations", None)
            route["spec"]["rules"][0]["filters"] = self.foreign
            self.one.api.put(self.one.route_path, route)
        self.stripped = False
        body.pop("status", None)
        body["metadata"] |= {"uid": f"{body['metadata']['uid']}y"}
        body["spec"]["shadow"] = SHADOWS[after]
        self.one.api.put(self.one.path, body)
        self.one.start()
        self.cursor = ""
        self._pass(tick=True)

    def _leaves(self) -> Any:
        """A pass after the resource went; None where nothing is left to be done."""
        self.one.watch()
        try:
            return self.loop.run_until_complete(self.one.reconciler.reconcile(self.one.key, tick=False))
        except Killed:
            self.one.start()
            return "again"

    def _comes_to_rest(self) -> None:
        super()._comes_to_rest()
        assert self._others() == self.foreign, "filters of others were touched"
        if not self._is_active():
            return
        wanted = (self.one.api.objects[self.one.path]["spec"].get("shadow") or {}).get("backendRef")
        ours = [one["requestMirror"]["backendRef"] for one in self._ours()]
        said = [one for one in self.one.status["conditions"] if one["type"] == "ShadowAvailable"]
        is_out = bool(said) and said[0]["reason"] in TROUBLES
        assert self.stripped or ours == ([] if wanted is None or is_out else [wanted]), (wanted, ours, said)

    def _filters(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.one.api.objects[self.one.route_path]["spec"]["rules"][0].get(
            "filters", []
        )
        return found

    def _ours(self) -> list[dict[str, Any]]:
        """Filters that mirror to where nobody else does."""
        return [
            one
            for one in self._filters()
            if one["type"] == "RequestMirror" and one["requestMirror"]["backendRef"]["name"] in TARGETS
        ]

    def _others(self) -> list[dict[str, Any]]:
        ours = self._ours()
        return [one for one in self._filters() if one not in ours]
