"""Which reward function counts for which route."""

from __future__ import annotations

from collections.abc import Mapping

from bandit_serving.rewards.base import RewardFunction


class RouteRewards:
    """The reward functions of a collector: one a route, and one for all other routes or none."""

    def __init__(self, by_route: Mapping[str, RewardFunction], other: RewardFunction | None = None) -> None:
        """Keep the functions.

        Args:
            by_route: Functions of routes by name.
            other: The function of all other routes; None refuses their events.
        """
        self._by_route, self._other = dict(by_route), other

    @property
    def routes(self) -> list[str]:
        """The routes that have a function of their own, sorted."""
        return sorted(self._by_route)

    def find(self, route: str) -> RewardFunction | None:
        """Return the function of a route, None where it has none."""
        return self._by_route.get(route, self._other)
