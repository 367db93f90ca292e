"""What every router offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bandit_operator.core.model import Backend


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
    """Index of each arm's backendRef in that rule."""
    weights: Mapping[str, int]
    """Weight that each arm's backendRef carries now."""
    foreign: bool
    """Whether the rule has backends that are no arm, which share its traffic."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the weights cannot be moved: one of ``core.reasons``, and a sentence with the fix."""

    reason: str
    message: str


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
        """Find the one rule that carries all arms.

        Args:
            route: The route object.
            section: Name of the rule, or None to take the only rule with all arms.
            arms: Backend of each arm.
        """

    def patch(
        self, route: Mapping[str, Any], located: Located, weights: Mapping[str, int]
    ) -> list[dict[str, Any]]:
        """JSON Patch (RFC 6902) that sets the weights and tests all that it relies on.

        Empty where the route carries these weights already.
        """

    def accepted(self, route: Mapping[str, Any]) -> bool:
        """Whether a gateway has accepted the route at its present generation."""

    def unresolved(self, route: Mapping[str, Any]) -> str | None:
        """The gateway's own words where it cannot resolve a backend of the route, or None."""
