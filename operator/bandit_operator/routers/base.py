"""What every router offers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from bandit_operator.core.model import Backend, Problem
from bandit_operator.routers.mirror import Mirroring, MirrorTarget

GATEWAY_API, GATEWAY_API_VERSION = "gateway.networking.k8s.io", "v1"
"""Group and version of the Gateway API."""


@dataclass(frozen=True, slots=True)
class RouteReference:
    """The route, and in it the rule, whose weights are moved.

    ``section`` is the name of the rule, or None where the rule is found by its backends.
    """

    group: str
    kind: str
    namespace: str
    name: str
    section: str | None


@dataclass(frozen=True, slots=True)
class Located:
    """The rule whose weights are moved, and where each arm stands in it."""

    rule: int
    """Index of the rule in the route."""
    positions: Mapping[str, int]
    """Index of each arm's backendRef in that rule; an arm whose backend is not there is left out."""
    weights: Mapping[str, int]
    """Weight that each arm's backendRef carries now; 0 for an arm that is not there."""
    other_weights: Mapping[int, int]
    """Weight of the backends that are no arm, which share the rule's traffic, by their index."""
    other_backends: Mapping[int, Backend] = field(default_factory=dict)
    """Which backends these are."""
    ports: Mapping[str, int] = field(default_factory=dict)
    """Port of its Service that each arm's backendRef names; arms of other kinds may have none."""
    mark: str = ""
    """By what the rule can be told from all others when the spec no longer tells it."""
    rewritten: frozenset[str] = frozenset()
    """Arms whose backendRef has filters of its own, by which the same Pods may answer otherwise."""
    sessions_persist: bool = False
    """Whether the rule keeps each client with the backend that it met first."""


class Router(Protocol):
    """Reads and patches the weights of one kind of route.

    What it declares of itself is all that the rest goes by: the API's ``routeRef`` and the limit
    of arms, what is watched, and the rights that the chart grants.
    """

    @property
    def group(self) -> str:
        """API group of the route."""

    @property
    def version(self) -> str:
        """API version that is read and patched."""

    @property
    def kind(self) -> str:
        """Kind of the route."""

    @property
    def plural(self) -> str:
        """Resource name of the kind in API paths."""

    @property
    def verbs(self) -> tuple[str, ...]:
        """What the operator must be allowed to do with it (RBAC)."""

    @property
    def max_backends(self) -> int:
        """Most backends that one rule of the route can carry, and so most arms."""

    def locate(
        self, route: Mapping[str, Any], section: str | None, arms: Mapping[str, Backend]
    ) -> Located | Problem:
        """Find the one rule that carries the arms.

        Args:
            route: The route object.
            section: Name of the rule, or None to take the only rule with all arms, or failing that
                the only one with any.
            arms: Backend of each arm.
        """

    def find_again(self, route: Mapping[str, Any], mark: str, arms: Mapping[str, Backend]) -> Located | None:
        """The rule that was located before, or None where it is not there once or carries no arm any more.

        Where the route has only one rule, it is that one, whatever it is called by now.

        Args:
            route: The route object.
            mark: What ``Located.mark`` was.
            arms: Backend of each arm. One that the rule names several times counts as not there.
        """

    def patch(
        self,
        route: Mapping[str, Any],
        located: Located,
        weights: Mapping[str, int],
        other_weights: Mapping[int, int],
    ) -> list[dict[str, Any]]:
        """JSON Patch (RFC 6902) that sets the weights and tests all that it relies on.

        Empty where nothing is to change.

        Args:
            route: The route object.
            located: Where the arms stand in it.
            weights: What each arm is to carry.
            other_weights: What the other backends of the rule are to carry, by their index.
        """

    def mirrors(self, route: Mapping[str, Any], rule: int) -> tuple[MirrorTarget, ...]:
        """Where a rule sends copies of its requests, in the order of its filters. None of it serves."""

    def mirror_patch(
        self,
        route: Mapping[str, Any],
        rule: int,
        wanted: Mirroring | None,
        ours: Collection[MirrorTarget],
    ) -> list[dict[str, Any]]:
        """JSON Patch that makes a rule mirror what is wanted and tests all that it relies on.

        Empty where nothing is to change.

        Args:
            route: The route object.
            rule: Index of the rule.
            wanted: What is to be mirrored where; None for nothing.
            ours: Targets whose filters are the operator's; all others are left alone.
        """

    def backends(self, route: Mapping[str, Any], rule: int) -> list[Backend]:
        """The backends of a rule, in its order."""

    def parents(self, route: Mapping[str, Any]) -> tuple[str, ...]:
        """The gateways that the route asks to be carried by, in words."""

    def accepting(self, route: Mapping[str, Any], before: Collection[str] = ()) -> tuple[str, ...]:
        """The gateways that accept the route at some generation, or did, by their names.

        Args:
            route: The route object.
            before: What this was when it was asked last. Of these only such are kept as still say something.
        """

    def pending(self, route: Mapping[str, Any], gateways: Collection[str]) -> tuple[str, ...]:
        """Those of these gateways that have not accepted the route as it is: they may use older weights."""

    def left(self, route: Mapping[str, Any]) -> tuple[str, ...]:
        """The gateways that say something of the route, and that it does not name any more."""

    def refused(self, route: Mapping[str, Any]) -> str | None:
        """A gateway's own words where it refuses the route as it is, or None."""

    def unresolved(self, route: Mapping[str, Any]) -> str | None:
        """Gateways' own words where they cannot resolve a backend of the route, or None.

        What they said last stands until they speak of the route as it is.
        """

    def uses(self, route: Mapping[str, Any], backend: Backend, *, besides: int | None = None) -> bool:
        """Whether a rule gives this backend weight; the rule ``besides`` is not looked at."""

    def writers(self, route: Mapping[str, Any]) -> tuple[str, ...]:
        """Field managers that have written the rules, the newest first."""
