"""What the shadow scored: counters by arm, and by pair of arms on the same requests.

They are read as served rewards are, in the same query. A pair goes through it as an arm would, under a name
of its own: its two arms in the order of the spec, whereas the label's value joins theirs by the alphabet.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter as Counted
from collections.abc import Iterator, Mapping

from bandit_operator.api.arm import Arm
from bandit_operator.api.presets.base import ArmLabel
from bandit_operator.api.shadow import SHADOW_COUNTERS, ShadowPrometheus
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core import reasons
from bandit_operator.core.model import (
    ArmReading,
    Implausible,
    NoData,
    Observed,
    Paired,
    PairReading,
    Shadowed,
    pair_name,
)
from bandit_operator.core.plausibility import LARGEST, ROUNDING, impossible
from bandit_operator.core.quantities import parse_decimal
from bandit_operator.sources.base import Counter, Values
from bandit_operator.sources.labels import own_label

_ARM_PARTS = {one.part: one.field for one in SHADOW_COUNTERS if not one.pairs}
_PAIR_PARTS = {one.part: one.field for one in SHADOW_COUNTERS if one.pairs}
"""The field of ``spec.shadow.prometheus`` by the part that it fills."""
ARM_TRIALS, PAIR_TRIALS = "shadow trials", "pair trials"
"""The parts that count requests."""


def shadow_counters(resource: BanditDeployment) -> tuple[tuple[Counter, ...], tuple[Counter, ...]]:
    """The counters by arm, and those by pair; none where there is no shadow."""
    shadow = resource.spec.shadow
    if shadow is None:
        return (), ()
    found: dict[bool, list[Counter]] = {False: [], True: []}
    labels = {False: own_label(resource), True: _pair_label(resource, shadow.prometheus)}
    for one in SHADOW_COUNTERS:
        selector = shadow.prometheus.selector(one)
        if selector is not None and resource.spec.reward.type in one.types:
            field = one.field if shadow.prometheus.collector is None else "collector"
            counter = Counter(one.part, selector, labels[one.pairs], f"shadow.prometheus.{field}")
            found[one.pairs].append(counter)
    return tuple(found[False]), tuple(found[True])


def arm_readings(resource: BanditDeployment, values: Values, seconds: float) -> dict[str, ArmReading]:
    """What each arm's answers earned in a window of so many seconds."""
    parts = [part for part in _ARM_PARTS if part in values]
    most = resource.spec.reward.max_trials_per_second
    return {
        arm.name: _outcome(
            {part: values[part].get(arm.name) for part in parts},
            between_0_and_1=resource.spec.reward.type.bounded,
            most=math.inf if most is None else parse_decimal(most) * seconds,
        )
        for arm in resource.spec.arms
    }


def pair_readings(resource: BanditDeployment, values: Values) -> dict[str, PairReading]:
    """What each pair earned on the same requests, by the pair's name: the first arm's less the second's."""
    parts = [part for part in _PAIR_PARTS if part in values]
    bounded = resource.spec.reward.type.bounded
    named = Counted(_label_value(*pair) for pair in _pairs(resource))
    readings: dict[str, PairReading] = {}
    for first, second in _pairs(resource):
        name, value = pair_name(first.name, second.name), _label_value(first, second)
        if named[value] > 1:  # of names with a slash; what the series says is of one pair or the other
            readings[name] = NoData(
                f'"{value}" names another pair of arms too; take labelValues without slashes'
            )
            continue
        reading = _paired({part: values[part].get(name) for part in parts}, between_0_and_1=bounded)
        if isinstance(reading, Paired) and second.labelled < first.labelled:
            reading = Paired(reading.trials, -reading.difference, reading.squares)
        readings[name] = reading
    return readings


def shadowed(
    resource: BanditDeployment, arms: Mapping[str, ArmReading], pairs: Mapping[str, PairReading]
) -> Shadowed:
    """The two of them together, pairs by the names of their arms."""
    names = [(first.name, second.name) for first, second in _pairs(resource)]
    return Shadowed(arms, {pair: pairs[pair_name(*pair)] for pair in names})


def _pairs(resource: BanditDeployment) -> Iterator[tuple[Arm, Arm]]:
    return itertools.combinations(resource.spec.arms, 2)


def _label_value(first: Arm, second: Arm) -> str:
    """What the label of a pair's series has: the values of both arms, the first by the alphabet first."""
    return pair_name(*sorted((first.labelled, second.labelled)))


def _pair_label(resource: BanditDeployment, prometheus: ShadowPrometheus) -> ArmLabel:
    names = (
        (pair_name(first.name, second.name), re.escape(_label_value(first, second)))
        for first, second in _pairs(resource)
    )
    return ArmLabel(prometheus.pair_label, tuple(names))


def _increases(
    sums: Mapping[str, float | None], trials: str, fields: Mapping[str, str]
) -> dict[str, float] | NoData | Implausible:
    """What each counter grew by, or why that cannot be told."""
    if sums[trials] is None:
        return NoData(f"no series of {fields[trials]}")
    increases = {}
    for part, value in sums.items():
        if value is None and sums[trials] != 0:
            return NoData(f"no series of {fields[part]}; expose it from the start, at 0")
        increases[part] = value or 0.0
        if not 0 <= increases[part] <= LARGEST:
            return impossible(f"{fields[part]} grew by {value:g}; no counter does")
    return increases


def _outcome(sums: Mapping[str, float | None], *, between_0_and_1: bool, most: float) -> ArmReading:
    found = _increases(sums, ARM_TRIALS, _ARM_PARTS)
    if isinstance(found, NoData | Implausible):
        return found
    trials, squares = found[ARM_TRIALS], found.get("shadow squares")
    rewards = found["shadow rewards"] - found.get("shadow losses", 0.0)
    if trials > most:
        return Implausible(
            reasons.TOO_MANY_TRIALS,
            f"{trials:g} trials in a window are more than reward.maxTrialsPerSecond allows, {most:g}",
        )
    if between_0_and_1 and _exceeds(rewards, trials):
        return Implausible(reasons.REWARDS_ABOVE_TRIALS, f"{rewards:g} rewards of {trials:g} trials")
    if squares is not None and _exceeds(rewards * rewards, trials * squares):
        return impossible(
            f"squares grew by {squares:g}, too little for rewards of {rewards:g} in {trials:g} trials; it "
            f"must sum the square of every reward"
        )
    return Observed(trials, rewards, squares)


def _paired(sums: Mapping[str, float | None], *, between_0_and_1: bool) -> PairReading:
    found = _increases(sums, PAIR_TRIALS, _PAIR_PARTS)
    if isinstance(found, NoData | Implausible):
        return found
    trials, squares = found[PAIR_TRIALS], found["pair squares"]
    gains, losses = found["pair gains"], found["pair losses"]
    if between_0_and_1:
        for what, value in (("pairGains and pairLosses", gains + losses), ("pairSquares", squares)):
            if _exceeds(value, trials):
                return impossible(
                    f"{what} grew by {value:g} in {trials:g} pairTrials; two rewards in [0, 1] differ by 1 "
                    f"at most"
                )
    if _exceeds((gains + losses) ** 2, trials * squares):  # Cauchy-Schwarz
        return impossible(
            f"pairSquares grew by {squares:g}, too little for differences of {gains:g} and {losses:g} in "
            f"{trials:g} pairTrials; it must sum the square of every difference"
        )
    return Paired(trials, gains - losses, squares)


def _exceeds(value: float, bound: float) -> bool:
    """Whether it does by more than sums may that are rounded."""
    return value > bound * (1 + ROUNDING) + ROUNDING
