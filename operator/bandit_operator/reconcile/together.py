"""When new weights are written: with those of other resources, or at once where that cannot wait."""

from __future__ import annotations

from collections.abc import Mapping

from bandit_operator.core import windows
from bandit_operator.reconcile.tracked import Tracked

LARGE_LOSS = 0.2
"""An arm that loses more than this part of the traffic loses it at once."""


def write_at(
    tracked: Tracked, before: Mapping[str, int], after: Mapping[str, int], now: float, resources: int
) -> float:
    """When weights are written, seconds since the Unix epoch; ``now`` for at once.

    Args:
        tracked: the resource.
        before: what its route carries, by arm.
        after: what it shall carry.
        now: seconds since the Unix epoch.
        resources: how many there are in all.
    """
    if tracked.experiment.pin is not None:
        return now  # whoever pins an arm does not want to wait
    if max(before[arm] - weight for arm, weight in after.items()) > LARGE_LOSS * sum(before.values()):
        return now
    return windows.write_moment(now, tracked.experiment.interval, tracked.settle, resources)
