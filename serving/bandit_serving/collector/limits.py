"""What one collector takes at most, so that no client can fill its memory or its metrics."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence

from bandit_serving.collector.counters import Counters, by_kind
from bandit_serving.collector.events import Event, Label
from bandit_serving.errors import BadRequest, Overloaded

Name = tuple[str, str]
"""A route, and an arm of it or ""."""
LONGEST_BODIES_AT_ONCE = 8  # so many bodies of the longest kind may be in memory together


@dataclasses.dataclass(frozen=True)
class Limits:
    """The limits of a collector, each an option of its command line."""

    routes: int = 50
    """Most routes that are ever counted."""
    arms: int = 100
    """Most arms that are ever counted for a route."""
    arm_names: frozenset[str] = frozenset()
    """The only arms whose predictions are taken; empty takes any."""
    body_bytes: int = 8_000_000
    """Longest body of a request; all of them together may have eight times as much."""
    body_seconds: float = 10.0
    """Longest time for a body to arrive."""
    requests: int = 200
    """Most requests in flight."""


class KnownNames:
    """The routes and arms that are counted; counters stay for ever, so there must be an end to new ones."""

    def __init__(self, limits: Limits, counters: Counters) -> None:
        """Begin with what is counted already, which stays welcome whatever the limits."""
        self._limits = limits
        self._arms: dict[str, set[str]] = {}
        served, shadows, _ = by_kind(counters)
        self._counted: set[Name] = {(key.route, key.arm) for key in (*served, *shadows)}
        self._counted |= {(key.route, "") for key in (*served, *shadows)}
        self._under_way: collections.Counter[Name] = collections.Counter()
        for route, arm in self._counted:
            self._arms.setdefault(route, set()).update({arm} - {""})

    def admit(self, events: Sequence[Event]) -> frozenset[Name]:
        """Note the names of a batch, and return them for ``settle``.

        Raises:
            BadRequest: One is beyond a limit; it names the event and the limit, and nothing is noted.
        """
        new: dict[str, set[str]] = {}
        names: set[Name] = set()
        for i, event in enumerate(events):
            known = self._arms.get(event.route)
            arm = None if isinstance(event, Label) else event.arm
            names |= {(event.route, ""), (event.route, arm or "")}
            welcome = arm is None or not self._limits.arm_names or arm in self._limits.arm_names
            if welcome and known is not None and (arm is None or arm in known):
                continue
            try:
                self._check(new, event.route, arm)
            except ValueError as error:
                raise BadRequest(f"event {i}: {error}; none of the batch was taken") from error
            new.setdefault(event.route, set()).update(() if arm is None else (arm,))
        for route, arms in new.items():
            self._arms.setdefault(route, set()).update(arms)
        self._under_way.update(names)
        return frozenset(names)

    def settle(self, names: frozenset[Name], *, refused: bool) -> None:
        """Forget those names of a batch that nothing counts because it was refused after all.

        Args:
            names: What ``admit`` gave.
            refused: Whether nothing of the batch was stored.
        """
        self._under_way.subtract(names)
        self._under_way = +self._under_way
        if not refused:
            self._counted |= names
        for route, arm in names - self._counted - self._under_way.keys():
            if arm:
                self._arms.get(route, set()).discard(arm)
            else:
                self._arms.pop(route, None)

    def _check(self, new: dict[str, set[str]], route: str, arm: str | None) -> None:
        limits = self._limits
        if len(self._arms.keys() | new.keys() | {route}) > limits.routes and route not in self._arms:
            raise ValueError(
                f"route: {route!r} would be one more than the {limits.routes} of --max-routes; correct the"
                " name or raise the limit"
            )
        if arm is None:
            return
        if limits.arm_names and arm not in limits.arm_names:
            raise ValueError(f"arm: {arm!r} is none of --arms, {', '.join(sorted(limits.arm_names))}")
        if len(self._arms.get(route, set()) | new.get(route, set()) | {arm}) > limits.arms:
            raise ValueError(
                f"arm: {arm!r} would be one more than the {limits.arms} of --max-arms for route {route!r};"
                " correct the name or raise the limit"
            )


class InFlight:
    """Requests under way and the bytes of their bodies; for one event loop."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._requests = self._bytes = 0

    @contextlib.contextmanager
    def request(self) -> Iterator[Callable[[int], None]]:
        """Count a request while it lasts, and give what is to be called with each piece of its body.

        Raises:
            Overloaded: There is no room for one more, or for what its body brings.
        """
        if self._requests >= self._limits.requests:
            raise Overloaded(
                f"{self._requests} requests are under way, the most of --max-requests; come again"
            )
        held = 0

        def hold(count: int) -> None:
            nonlocal held
            if self._bytes + count > LONGEST_BODIES_AT_ONCE * self._limits.body_bytes:
                raise Overloaded(f"requests of {self._bytes} bytes are under way; come again")
            self._bytes += count
            held += count

        self._requests += 1
        try:
            yield hold
        finally:
            self._requests -= 1
            self._bytes -= held
