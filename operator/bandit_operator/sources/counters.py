"""Rewards from counters, the exact mode: nothing lost, nothing counted twice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bandit_operator.api.reward_counters import FURTHER_COUNTERS
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core.model import ArmReading, Implausible, NoData, Observed
from bandit_operator.core.plausibility import impossible
from bandit_operator.routers import Located
from bandit_operator.sources.base import Counter, Values, WithoutQueries
from bandit_operator.sources.labels import own_label

_FIELDS = {"rewards": "successes", **{one.part: one.field for one in FURTHER_COUNTERS}}
"""The field of ``spec.reward.prometheus`` by the part that it fills."""
_ROUNDING = 1e-6
"""How far, relatively, sums may contradict each other because counters are rounded."""


@dataclass(frozen=True, slots=True)
class Counters(WithoutQueries):
    """``successes``, ``trials`` and what else the reward's type needs select counters.

    Their increases in the window are the sums that the core learns from.
    """

    def counters(
        self,
        resource: BanditDeployment,
        located: Located | None = None,  # noqa: ARG002 - part of the protocol
    ) -> tuple[Counter, ...]:
        """All that the user names, told apart by the label that the user names."""
        prometheus, label = resource.spec.reward.prometheus, own_label(resource)
        counters = [
            Counter("rewards", prometheus.successes or "", label, _field("successes")),
            Counter("trials", prometheus.trials or "", label, _field("trials")),
        ]
        for counter in FURTHER_COUNTERS:
            selector: str | None = counter.selector(prometheus)
            if selector is not None:
                counters.append(Counter(counter.part, selector, label, _field(counter.field)))
        return tuple(counters)

    def readings(self, resource: BanditDeployment, values: Values) -> dict[str, ArmReading]:
        """An arm whose trials are unknown, or whose numbers cannot be, has no data."""
        trials = values["trials"]
        sums = {part: by_arm for part, by_arm in values.items() if part in _FIELDS}
        return {
            arm.name: _outcome(
                trials.get(arm.name), {part: by_arm.get(arm.name) for part, by_arm in sums.items()}
            )
            for arm in resource.spec.arms
        }


def _field(name: str) -> str:
    return f"reward.prometheus.{name}"


def _outcome(trials: float | None, sums: Mapping[str, float | None]) -> ArmReading:
    if trials is None:
        return NoData("no series of trials")
    increases: dict[str, float] = {}
    for part, value in sums.items():
        if value is None and trials != 0:
            # A counter that nobody has touched may not exist yet. Whether that means none or a
            # broken exporter is not ours to guess.
            return NoData(f"no series of {_FIELDS[part]}; expose it from the start, at 0")
        increases[part] = value or 0.0
    for field, value in (("trials", trials), *((_FIELDS[part], sum_) for part, sum_ in increases.items())):
        if not math.isfinite(value):
            return impossible(f"{field} grew by {value:g}; no counter does")
    increases["rewards"] -= increases.pop("losses", 0.0)
    observed = Observed(trials, **increases)
    return _contradiction(observed) or observed


def _contradiction(observed: Observed) -> Implausible | None:
    """What sums of the same trials can never be: (Σab)² > Σa² Σb² (Cauchy–Schwarz), or negative.

    It is the mark of a counter that sums something else, and would make a verdict too sure.
    """
    squares, x, xx, xy = (
        observed.squares,
        observed.denominators,
        observed.denominator_squares,
        observed.cross_products,
    )
    if squares is None:
        return None
    if _beyond(observed.rewards, squares, observed.trials):
        return impossible("squares is too small for successes; it must sum the square of every reward")
    if x is None or xx is None or xy is None:
        return None
    if _beyond(x, xx, observed.trials):
        return impossible(
            "denominatorSquares is too small for denominators; it must sum the square of every one"
        )
    if _beyond(xy, squares, xx):
        return impossible("crossProducts is too large for squares; it must sum reward times denominator")
    return None


def _beyond(product: float, first: float, second: float) -> bool:
    return product * product > first * second * (1 + _ROUNDING)
