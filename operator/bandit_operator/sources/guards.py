"""What the guards of a resource measure, asked in the same query as its rewards."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from bandit_operator.api.guard import Guard
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core.model import Observed
from bandit_operator.routers import Located
from bandit_operator.sources.base import Query, RewardSource, Values
from bandit_operator.sources.labels import own_label
from bandit_operator.sources.presets import preset_of
from bandit_operator.sources.promql import increase


def guard_queries(
    resource: BanditDeployment, start: float, end: float, located: Located | None = None
) -> tuple[Query, ...]:
    """What is asked for the guards about the window (start, end], seconds since the Unix epoch.

    ``located`` is where the arms stand in the route, or None while the route is not known.
    """
    return tuple(_queries(resource, start, end, located))


def guard_values(resource: BanditDeployment, values: Values) -> dict[str, dict[str, float]]:
    """What each guard measured, by guard and arm; what is no number is left out."""
    names = {arm.name for arm in resource.spec.arms}
    return {
        guard.name: {
            arm: value
            for arm, value in _measured(resource, guard, values).items()
            if arm in names and math.isfinite(value)
        }
        for guard in resource.spec.guards or ()
    }


def _queries(
    resource: BanditDeployment, start: float, end: float, located: Located | None
) -> Iterator[Query]:
    window = f"{round(end - start)}s"
    for at, guard in enumerate(resource.spec.guards or ()):
        field, source = f"guards[{at}]", _source(guard)
        if source is None:
            promql = (guard.query or "").replace("$window", window)
            # An arm is as unwell as the worst of its Pods.
            worst = max if guard.above is not None else min
            yield Query(_part(guard), promql, own_label(resource), f"{field}.query", several=worst)
            continue
        for one in source.counters(resource, located):
            promql = increase(one.selector, one.label.name, start, end)
            yield Query(
                _part(guard, one.part),
                promql,
                one.label,
                f"{field}.preset",
                shared=one.shared,
                several=sum,
            )


def _measured(resource: BanditDeployment, guard: Guard, values: Values) -> Mapping[str, float]:
    source = _source(guard)
    if source is None:
        return values.get(_part(guard), {})
    parts = {one.part: values.get(_part(guard, one.part), {}) for one in source.counters(resource)}
    readings = source.readings(resource, parts)
    return {
        arm: reading.rewards / reading.trials
        for arm, reading in readings.items()
        if isinstance(reading, Observed) and reading.trials > 0
    }


def _source(guard: Guard) -> RewardSource | None:
    """What reads the counters of a preset; None where the guard has a query of the user's."""
    if guard.preset is None:
        return None
    return preset_of(guard.preset, guard.implementation, guard.latency_target)


def _part(guard: Guard, part: str = "") -> str:
    return f"guard {guard.name} {part}".rstrip()
