"""Faults about who else uses an arm's Pods, speaks of the route, or takes its weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bandit_operator.core import lifecycle
from bandit_operator.core.model import Backend
from bandit_operator.reconcile import blame, gateways, neighbours
from bandit_operator.reconcile.route_sync import RouteSync
from tests.mutations.registry import fault
from tests.mutations.shares import FAULTS

__all__ = ["FAULTS"]


@fault("words-of-others", "an arm is blamed for each word of a gateway that is its Service's name")
def _words_of_others(patch: pytest.MonkeyPatch) -> None:
    def blamed(words: str, _: int, backends: Mapping[str, Backend]) -> frozenset[str]:
        named = {arm for arm, one in backends.items() if re.search(rf"\b{re.escape(one.name)}\b", words)}
        return frozenset(named)

    patch.setattr(blame, "blamed", blamed)


@fault("beside-in-the-rule", "Pods are scaled down that the rule reaches by a backend that is no arm")
def _beside_in_the_rule(patch: pytest.MonkeyPatch) -> None:
    real = neighbours.used_elsewhere

    def used(cache: Any, resource: Any, backend: Any, reference: Any, located: Any) -> str | None:
        return real(cache, resource, backend, reference, replace(located, other_backends={}))

    patch.setattr(neighbours, "used_elsewhere", used)


@fault("standby-of-another", "Pods are scaled down that another resource may go back to")
def _standby_of_another(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(neighbours, "_other_resource", lambda *_: None)


@fault("called-back-at-zero", "an arm is called back by the endpoints of Pods that go")
def _called_back_at_zero(patch: pytest.MonkeyPatch) -> None:
    real = lifecycle._call_back

    def called(standings: Any, snapshot: Any, best_first: Any) -> Any:
        some = {arm: replace(facts, replicas=facts.replicas or 1) for arm, facts in snapshot.arms.items()}
        up = any(facts.ready_endpoints for facts in snapshot.arms.values())
        return real(standings, replace(snapshot, arms=some) if up else snapshot, best_first)

    patch.setattr(lifecycle, "_call_back", called)
    patch.setattr(lifecycle, "_undo_scale_down", lambda _, standing, *__: (standing, ()))


@fault("dark-weights", "in a contest, weights of 0 everywhere are left for minutes like others")
def _dark_weights(patch: pytest.MonkeyPatch) -> None:
    real = RouteSync.may_assert

    def may_assert(self: Any, monotonic: float, *, harmful: bool) -> bool:
        return real(self, monotonic, harmful=harmful and not self.is_contested(monotonic))

    patch.setattr(RouteSync, "may_assert", may_assert)


@fault("programmed-unread", "what a gateway does not carry of what it has accepted is not asked for")
def _programmed_unread(patch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: Any) -> None:
        return None

    patch.setattr(gateways, "unprogrammed", nothing)
