"""What the shadow scored in a window as the record keeps it, and the way back: all of it, to decide again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from bandit_operator.api.fields import cut
from bandit_operator.api.record import ImplausibleNumbers, Observation, PairObservation, ShadowRecord
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

_Any = ArmReading | Paired


def recorded(shadow: Shadowed | None) -> ShadowRecord | None:
    """The shadow's part of a record; None where there is no shadow."""
    if shadow is None:
        return None
    named: dict[str, _Any] = {**shadow.arms}
    named |= {pair_name(*pair): reading for pair, reading in shadow.pairs.items()}
    return ShadowRecord(
        observations={
            arm: Observation(**_texts(one)) for arm, one in shadow.arms.items() if isinstance(one, Observed)
        },
        pairs={
            pair_name(*pair): PairObservation(**_texts(one))
            for pair, one in shadow.pairs.items()
            if isinstance(one, Paired)
        },
        missing={name: one.reason for name, one in named.items() if isinstance(one, NoData)} or None,
        implausible={
            name: ImplausibleNumbers(reason=one.reason, message=cut(one.message))
            for name, one in named.items()
            if isinstance(one, Implausible)
        }
        or None,
    )


def shadow_of(record: ShadowRecord | None, names: Sequence[str]) -> Shadowed | None:
    """The shadow of a record as the core took it, or None where it has none; ``names`` are the arms'."""
    if record is None:
        return None
    without = _without_numbers(record)
    arms: dict[str, ArmReading] = {arm: without.get(arm, NoData("")) for arm in names}
    arms |= {
        arm: Observed(**_numbers(one)) for arm, one in (record.observations or {}).items() if arm in arms
    }
    pairs: dict[tuple[str, str], PairReading] = {}
    for at, first in enumerate(names):
        for second in names[at + 1 :]:
            name = pair_name(first, second)
            numbers = (record.pairs or {}).get(name)
            if numbers is not None:
                pairs[first, second] = Paired(**_numbers(numbers))
            elif name in without:
                pairs[first, second] = without[name]
    return Shadowed(arms, pairs)


def _without_numbers(record: ShadowRecord) -> Mapping[str, NoData | Implausible]:
    missing = {name: NoData(reason) for name, reason in (record.missing or {}).items()}
    faults = {name: Implausible(one.reason, one.message) for name, one in (record.implausible or {}).items()}
    return {**missing, **faults}


def _texts(reading: Observed | Paired) -> dict[str, str]:
    """The numbers in full, so that they come back as they were."""
    return {name: repr(value) for name, value in asdict(reading).items() if value is not None}


def _numbers(observation: Observation | PairObservation) -> dict[str, float]:
    return {name: float(text) for name, text in observation.model_dump(exclude_none=True).items()}
