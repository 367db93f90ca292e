"""Rewards in the process, as a test says them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bandit_operator.core.model import ArmReading, NoData, Observed, Shadowed, SourceDown, Window
from bandit_operator.reconcile.observe import Observer, WindowRead


class FakeRewards(Observer):
    """An observer whose rewards come from ``earning``: (trials, rewards) a window by arm, or why none."""

    earning: dict[str, tuple[float, float] | ArmReading | None] | SourceDown | BaseException
    requests: dict[str, float]
    count: Callable[[], None]
    """Called with each request, as the client of Prometheus does."""
    guards: dict[str, dict[str, float]]
    shadow: Shadowed | None
    samples_apart: float | None
    windows: list[tuple[float, float]]

    async def rewards(
        self,
        resource: Any,
        start: float,
        end: float,
        usual: float = 0.0,  # noqa: ARG002 - as the real one takes it
    ) -> WindowRead | SourceDown:
        """What one window held."""
        self.windows.append((start, end))
        self.count()
        if isinstance(self.earning, BaseException):
            raise self.earning.with_traceback(None)  # raised again, it would keep all that it has passed
        if isinstance(self.earning, SourceDown):
            return self.earning
        arms: dict[str, ArmReading] = {}
        for arm in (one.name for one in resource.spec.arms):
            numbers = self.earning.get(arm)
            if numbers is None:
                numbers = NoData("no series of trials")
            arms[arm] = Observed(*map(float, numbers)) if isinstance(numbers, tuple) else numbers
        window = Window(start, end, arms, self.guards, self.shadow, samples_apart=self.samples_apart)
        return WindowRead(window, dict(self.requests))
