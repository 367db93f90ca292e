"""What the guards of a resource measure, asked in the same query as its rewards."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from bandit_operator.api.guard import Guard
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core.model import Observed
from bandit_operator.routers import Located
from bandit_operator.sources.base import Counter, Query, RewardSource, Values
from bandit_operator.sources.labels import own_label
from bandit_operator.sources.presets import preset_of
from bandit_operator.sources.promql import duration_of


def guard_queries(resource: BanditDeployment, start: float, end: float) -> tuple[Query, ...]:
    """The users' own queries about the window (start, end], seconds since the Unix epoch."""
    window = duration_of(end - start)
    return tuple(
        Query(
            _part(guard),
            (guard.query or "").replace("$window", window),
            own_label(resource),
            f"guards[{at}].query",
            # An arm is as unwell as the worst of its Pods.
            several=max if guard.above is not None else min,
        )
        for at, guard in enumerate(resource.spec.guards or ())
        if guard.preset is None
    )


def guard_counters(resource: BanditDeployment, located: Located | None = None) -> tuple[Counter, ...]:
    """The counters of the presets; ``located`` is where the arms stand in the route, None while not known."""
    return tuple(
        replace(one, part=_part(guard, one.part))
        for guard in resource.spec.guards or ()
        if (source := _source(guard)) is not None
        for one in source.counters(resource, located)
    )


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
