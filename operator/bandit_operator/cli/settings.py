"""Settings of strategies on the command line, under the rules that the resource has for them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import click
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from bandit_operator.api.faults import sentence
from bandit_operator.api.strategy import Strategy, block_name
from bandit_operator.core.quantities import format_duration
from bandit_operator.core.strategies import STRATEGIES, settings_of
from bandit_operator.core.strategies import Strategy as CoreStrategy


def strategies_of(names: Sequence[str], given: Sequence[str], arms: Sequence[str]) -> list[CoreStrategy]:
    """The strategies of these names, each with those of the given settings that it has.

    Args:
        names: of the strategies.
        given: settings as ``NAME=VALUE``, and shares of arms as ``NAME.ARM=SHARE``.
        arms: names of the arms that are played.

    Raises:
        BadParameter: No strategy that is played has such a setting, or the resource would refuse its value.
    """
    known = {setting: one.metadata["kind"] for name in names for setting, one in _settings(name).items()}
    values: dict[str, Any] = {}
    for text in given:
        written, equals, value = text.partition("=")
        setting, dot, arm = written.partition(".")
        if not equals or setting not in known or (known[setting] == "share-map") != bool(dot):
            forms = (f"{one}.ARM" if kind == "share-map" else one for one, kind in sorted(known.items()))
            offered = f"write NAME=VALUE with one of {', '.join(forms)}" if known else "leave it out"
            raise _bad(f"{text!r} sets nothing of {', '.join(names)}; {offered}")
        if not dot:
            values[setting] = _value(known[setting], value)
        elif arm in arms:
            values.setdefault(setting, {})[arm] = _value("decimal", value)
        else:
            raise _bad(f"{text!r}: {arm!r} is no arm; name one of {', '.join(arms)}")
    return [_strategy(name, values) for name in names]


def _settings(name: str) -> Mapping[str, Any]:
    return settings_of(STRATEGIES[name])


def _strategy(name: str, values: Mapping[str, Any]) -> CoreStrategy:
    """The strategy with those of the values that are its settings'."""
    own = {to_camel(setting): value for setting, value in values.items() if setting in _settings(name)}
    try:
        strategy = Strategy.model_validate({"type": name} | ({block_name(name): own} if own else {}))
    except ValidationError as error:
        raise _bad("; ".join(sentence(fault, Strategy) for fault in error.errors())) from error
    return strategy.to_core()


def _value(kind: str, text: str) -> Any:
    """What the resource would have for it: durations may be seconds here, and numbers need no quotes."""
    if kind == "duration":
        try:
            seconds = float(text)
        except ValueError:
            return text
        return format_duration(seconds) if math.isfinite(seconds) and seconds >= 0.0 else text
    return f"0{text}" if text.startswith(".") else text


def _bad(fault: str) -> click.BadParameter:
    return click.BadParameter(fault, param_hint="--setting")
