"""What the guards of a resource measure, asked in the same query as its rewards."""

from __future__ import annotations

import math

from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.sources.base import Query, Values
from bandit_operator.sources.labels import own_label


def guard_queries(resource: BanditDeployment, start: float, end: float) -> tuple[Query, ...]:
    """One query for each guard, about the window (start, end], seconds since the Unix epoch."""
    window, label = f"{round(end - start)}s", own_label(resource)
    return tuple(
        Query(_part(guard.name), guard.query.replace("$window", window), label, f"guards[{at}].query")
        for at, guard in enumerate(resource.spec.guards or ())
    )


def guard_values(resource: BanditDeployment, values: Values) -> dict[str, dict[str, float]]:
    """What each guard measured, by guard and arm; what is no number is left out."""
    names = {arm.name for arm in resource.spec.arms}
    return {
        guard.name: {
            arm: value
            for arm, value in values.get(_part(guard.name), {}).items()
            if arm in names and math.isfinite(value)
        }
        for guard in resource.spec.guards or ()
    }


def _part(name: str) -> str:
    return f"guard {name}"
