"""A world as a file describes it, once it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bandit_operator.core.inference.moments import is_normal
from bandit_operator.core.model import (
    Delay,
    Guardrails,
    Promotion,
    PromotionAction,
    RewardType,
    Rollback,
    ValidationScale,
)
from bandit_operator.core.strategies import standard_error
from bandit_operator.simulation.schedule import Place, mapping, number, schedule, seconds, whole
from bandit_operator.simulation.spread import Spread
from bandit_operator.simulation.world import RATES, SupposedShadow, World

Settings = TypeVar("Settings", Guardrails, Rollback, Promotion)

_TOP = {
    "name": False,
    "ticks": True,
    "interval": False,
    "requests": True,
    "arms": True,
    "baseline": False,
    "shared": False,
    "designEffect": False,
    "delay": False,
    "assumedDelay": False,
    "guardrails": False,
    "rollback": False,
    "promotion": False,
    "shadow": False,
    "validationScale": False,
    "rewardType": False,
    "standardDeviation": False,
    "denominator": False,
}


def parse_world(place: Place, data: object) -> World:
    """Return the world that ``data`` describes; raises WorldError where it does not."""
    top = mapping(place, data, _TOP)
    ticks = int(number(place.at("ticks"), top["ticks"], 1, 1_000_000, whole=True))
    arms = _arms(place.at("arms"), top["arms"])
    names = tuple(arm["name"] for arm in arms)
    baseline = top.get("baseline", names[0])
    if baseline not in names:
        raise place.at("baseline").error(baseline, f"name one of the arms {', '.join(names)}")
    reward_type = _reward_type(place.at("rewardType"), top.get("rewardType", RewardType.BERNOULLI.value))
    low, high = RATES[reward_type]
    shared = schedule(place.at("shared"), top.get("shared", 0.0), ticks, -high, high)
    rates = np.stack([schedule(arm["place"].at("rate"), arm["rate"], ticks, low, high) for arm in arms], -1)
    total = rates + shared[:, None]
    bad = np.argwhere((total < low) | (total > high))
    if bad.size:
        tick, arm = bad[0]
        bounds = f"[{low:g}, {high:g}]"
        raise place.at("shared").error(
            float(shared[tick]), f"with it the rate of {names[arm]} leaves {bounds} at tick {tick}; lower it"
        )
    delay = _delay(place.at("delay"), top.get("delay"))
    assumed = top.get("assumedDelay", top.get("delay"))
    shadow = _shadow(place.at("shadow"), top.get("shadow"), reward_type)
    return World(
        name=str(top.get("name", Path(place.file).stem)),
        names=names,
        baseline=baseline,
        rates=total,
        requests=whole(schedule(place.at("requests"), top["requests"], ticks, 0, 1e9)),
        interval=seconds(place.at("interval"), top.get("interval", 30.0), 0.1),
        design_effect=number(place.at("designEffect"), top.get("designEffect", 1.0), 1.0),
        serves_from=_serves_from(arms, baseline, ticks),
        onboarded=tuple(_onboards(arm, baseline, shadow) for arm in arms),
        validation_scores=tuple(_score(arm) for arm in arms),
        validation_errors=tuple(_score_error(arm) for arm in arms),
        validation_scale=_scale(place.at("validationScale"), top.get("validationScale", "Reward")),
        delay=delay,
        assumed_delay=_delay(place.at("assumedDelay"), assumed),
        guardrails=_settings(place.at("guardrails"), top.get("guardrails", {}), Guardrails()),
        rollback=_settings(place.at("rollback"), top.get("rollback", {}), Rollback()),
        promotion=_settings(place.at("promotion"), top.get("promotion", {}), Promotion()),
        shadow=shadow,
        reward_type=reward_type,
        spread=_spread(place, top, arms, reward_type),
    )


def _reward_type(place: Place, value: object) -> RewardType:
    if not isinstance(value, str) or value not in list(RewardType):
        raise place.error(value, f"write one of {', '.join(RewardType)}")
    return RewardType(value)


def _spread(
    place: Place, top: Mapping[str, Any], arms: list[dict[str, Any]], reward_type: RewardType
) -> Spread | None:
    """How much rewards of Gaussian and Ratio vary; where rewards are others, that nothing is said of it."""
    of_arms = [(arm["place"], arm.get("standardDeviation", top.get("standardDeviation"))) for arm in arms]
    if not is_normal(reward_type):
        for here, name, value in (
            (place, "standardDeviation", top.get("standardDeviation")),
            (place, "denominator", top.get("denominator")),
            *((arm["place"], "standardDeviation", arm.get("standardDeviation")) for arm in arms),
        ):
            if value is not None:
                raise here.at(name).error(value, "remove it, or add rewardType: Gaussian or Ratio")
        return None
    deviations = tuple(number(here.at("standardDeviation"), value, 1e-12, 1e12) for here, value in of_arms)
    if reward_type is RewardType.GAUSSIAN:
        if "denominator" in top:
            raise place.at("denominator").error(top["denominator"], "remove it, or add rewardType: Ratio")
        return Spread(deviations)
    here = place.at("denominator")
    given = mapping(here, top.get("denominator"), {"mean": True, "standardDeviation": False})
    mean = number(here.at("mean"), given["mean"], 1e-12, 1e12)
    apart = given.get("standardDeviation", 0.0)
    return Spread(deviations, mean, number(here.at("standardDeviation"), apart, 0.0, mean / 3.0))


def _shadow(place: Place, value: object, reward_type: RewardType) -> SupposedShadow | None:
    if value is None:
        return None
    if reward_type is RewardType.RATIO:
        raise place.error(value, "remove it: two answers to one request have no difference of ratios")
    given = mapping(place, value, {"share": True, "alike": False, "margin": False})
    shadow = SupposedShadow(number(place.at("share"), given["share"], 1e-6, 1.0))
    alike = number(place.at("alike"), given.get("alike", shadow.alike), 0.0, 1.0)
    return replace(
        shadow, alike=alike, margin=number(place.at("margin"), given.get("margin", shadow.margin), 0.0)
    )


def _onboards(arm: Mapping[str, Any], baseline: str, shadow: SupposedShadow | None) -> bool:
    """Whether the arm begins in the shadow, as the API has it."""
    here, value = arm["place"].at("onboarding"), arm.get("onboarding", "Serve")
    if value not in ("Serve", "Shadow"):
        raise here.error(value, "write one of Serve, Shadow")
    if value == "Serve":
        return False
    if shadow is None:
        raise here.error(value, "add shadow: {share: 10%}, which it is to prove itself in, or write Serve")
    if arm["name"] == baseline:
        raise here.error(value, "write Serve: the baseline serves from the first tick")
    return True


def _arms(place: Place, value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not 2 <= len(value) <= 20:
        raise place.error(value, "write a list of 2 to 20 arms, each {name: …, rate: …}")
    known = {"name": True, "rate": True, "servesFrom": False, "validationScore": False}
    known |= {"standardDeviation": False, "onboarding": False}
    known |= {"validationSamples": False, "validationStandardError": False}
    arms = [
        mapping(place.at(str(i)), arm, known) | {"place": place.at(str(i))} for i, arm in enumerate(value)
    ]
    seen: set[str] = set()
    for arm in arms:
        if not isinstance(arm["name"], str) or not arm["name"] or arm["name"] in seen:
            raise arm["place"].at("name").error(arm["name"], "give every arm a name of its own")
        seen.add(arm["name"])
    return arms


def _serves_from(arms: list[dict[str, Any]], baseline: str, ticks: int) -> tuple[int, ...]:
    result = []
    for arm in arms:
        here = arm["place"].at("servesFrom")
        tick = int(number(here, arm.get("servesFrom", 0), 0, ticks - 1, whole=True))
        if tick and arm["name"] == baseline:
            raise here.error(tick, "remove it: the baseline serves from the first tick")
        result.append(tick)
    return tuple(result)


def _score(arm: Mapping[str, Any]) -> float | None:
    score = arm.get("validationScore")
    return None if score is None else number(arm["place"].at("validationScore"), score)


def _score_error(arm: Mapping[str, Any]) -> float | None:
    """Standard error of the arm's score, as the API has it."""
    samples, error = (arm.get(f"validation{name}") for name in ("Samples", "StandardError"))
    if samples is None and error is None:
        return None
    here: Place = arm["place"].at("validationStandardError" if samples is None else "validationSamples")
    value, score = error if samples is None else samples, _score(arm)
    if score is None:
        raise here.error(value, "give the arm a validationScore too, or remove this")
    if samples is None:
        return number(here, error, 1e-9)
    if error is not None:
        raise here.error(samples, "remove it, or validationStandardError: both say how exact the score is")
    if not 0.0 <= score <= 1.0:
        raise here.error(samples, "write validationStandardError: the score is not between 0 and 1")
    return standard_error(score, number(here, samples, 1, 1e9, whole=True))


def _scale(place: Place, value: str) -> ValidationScale:
    if value not in list(ValidationScale):
        raise place.error(value, f"write one of {', '.join(ValidationScale)}")
    return ValidationScale(value)


def _delay(place: Place, value: object) -> Delay | None:
    if value is None:
        return None
    given = mapping(place, value, {"median": True, "p95": True})
    median = seconds(place.at("median"), given["median"], 0)
    return Delay(median, seconds(place.at("p95"), given["p95"], max(median, 1e-3)))


def _settings(place: Place, value: object, defaults: Settings) -> Settings:
    """The defaults with what the file says instead; the keys are those of the API."""
    attributes = {
        _camel(entry.name): entry.name for entry in fields(defaults) if entry.name not in _NOT_SIMULATED
    }
    given = mapping(place, value, dict.fromkeys(attributes, False))
    changed: dict[str, Any] = {name: getattr(defaults, name) for name in _field_names(defaults)}
    for key, entry in given.items():
        name, default = attributes[key], getattr(defaults, attributes[key])
        if isinstance(default, Enum):
            if entry not in list(PromotionAction):
                raise place.at(key).error(entry, f"write one of {', '.join(PromotionAction)}")
            changed[name] = PromotionAction(entry)
        elif name == "retry_after":
            changed[name] = seconds(place.at(key), entry, 0.0) or None  # 0s means never, as in the resource
        else:
            changed[name] = number(place.at(key), entry, 0.0, None if name == "min_trials" else 1.0)
    return type(defaults)(**changed)


_NOT_SIMULATED = ("drain", "requests_counted", "scale_to_zero")


def _field_names(settings: Guardrails | Rollback | Promotion) -> list[str]:
    return [entry.name for entry in fields(settings)]


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
