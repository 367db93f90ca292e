"""The strategy part of the API, built from the core's registry of strategies.

The registry holds one frozen dataclass a strategy. Its settings become one optional block
of ``spec.strategy``, named after the type, so that a new strategy is a new file and a new
line in the registry, and nothing here.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, create_model
from pydantic.alias_generators import to_camel

from bandit_operator.api.fields import MAX_ARMS, ApiModel, Share
from bandit_operator.api.rules import DECIMAL_PATTERN, DecimalString, DurationString, Rule, cel_number
from bandit_operator.core.quantities import format_decimal, format_duration, parse_decimal, parse_duration
from bandit_operator.core.strategies import DEFAULT_STRATEGY, STRATEGIES, settings_of
from bandit_operator.core.strategies import Strategy as CoreStrategy

MAX_DURATION = 8760 * 3600.0
"""Longest duration of a setting that names no maximum: a year, in seconds."""
_ALL_WITH_ROUNDING = 1.000000001
"""Shares that add up to all of the traffic, which have at most nine decimals."""


class StrategyBase(ApiModel):
    """How the next weights are chosen, and the settings of that choice."""

    type: str = DEFAULT_STRATEGY

    def settings(self) -> ApiModel | None:
        """Return the settings block of the type, or None where none was written."""
        block: ApiModel | None = getattr(self, block_name(self.type), None)
        return block

    def to_core(self) -> CoreStrategy:
        """Return the core's strategy with these settings.

        Raises:
            ValueError: if a setting is out of its range.
        """
        strategy, block = STRATEGIES[self.type], self.settings()
        if block is None:
            return strategy()
        settings: dict[str, Any] = {}
        for setting in settings_of(strategy).values():
            text = getattr(block, setting.name)
            if text is not None:
                settings[setting.name] = _PARSERS[setting.metadata["kind"]](text)
        return strategy(**settings)


def block_name(type_name: str) -> str:
    """Return the field that holds the settings of a type: ``ABTest`` has ``abTest``.

    A leading acronym goes down as a whole, as the Kubernetes API conventions ask.
    """
    return re.sub("^[A-Z]+(?=[A-Z][a-z])|^[A-Z]+(?![a-z])|^[A-Z]", lambda m: m.group().lower(), type_name)


def summary(strategy: type[CoreStrategy]) -> str:
    """Return the first paragraph of a strategy's docstring as one line."""
    return " ".join(inspect.cleandoc(strategy.__doc__ or "").split("\n\n")[0].split())


def share_maps() -> list[tuple[str, str, str]]:
    """Return (type, block, field) of every setting that maps names of arms to shares."""
    return [
        (name, block_name(name), to_camel(setting.name))
        for name, strategy in STRATEGIES.items()
        for setting in settings_of(strategy).values()
        if setting.metadata["kind"] == "share-map"
    ]


def types_that_compare_validation_scores() -> list[str]:
    """Return the types that need a validation score of every arm."""
    return [name for name, strategy in STRATEGIES.items() if strategy.compares_validation_scores]


def _setting(setting: dataclasses.Field[Any]) -> tuple[Any, Any]:
    """Return the annotation and the field information of one setting."""
    meta = setting.metadata
    if setting.default_factory is not dataclasses.MISSING:
        default: Any = setting.default_factory()
    else:
        default = setting.default
    annotation: Any
    match meta["kind"]:
        case "decimal":
            default = None if default is None else format_decimal(default)
            annotation = Annotated[str, _decimal(meta, default)]
        case "duration":
            default = None if default is None else format_duration(default)
            annotation = Annotated[str, _duration(meta, default)]
        case "share-map":
            default = {name: format_decimal(share) for name, share in dict(default or {}).items()}
            # Not ArmName: that every name is an arm's is a rule of the spec, here and in the CRD.
            annotation = Annotated[dict[str, Share], Field(max_length=MAX_ARMS)]
        case kind:
            raise TypeError(f"setting {setting.name}: kind {kind} has no place in the API")
    if default is None:
        annotation = annotation | None
    return annotation, Field(default, description=meta["doc"])


def _decimal(meta: Mapping[str, Any], default: str | None) -> DecimalString:
    low = meta["minimum"] if meta["exclusive_minimum"] is None else meta["exclusive_minimum"]
    return DecimalString(
        None if low is None else format_decimal(low),
        None if meta["maximum"] is None else format_decimal(meta["maximum"]),
        exclusive_minimum=meta["exclusive_minimum"] is not None,
        example=default or "0.1",
    )


def _duration(meta: Mapping[str, Any], default: str | None) -> DurationString:
    low = meta["minimum"] or 0.0
    if meta["exclusive_minimum"] is not None:
        low = meta["exclusive_minimum"] + 0.001  # the next duration that can be written
    high = MAX_DURATION if meta["maximum"] is None else meta["maximum"]
    return DurationString(format_duration(low), format_duration(high), example=default or "6h")


def _settings_model(strategy: type[CoreStrategy]) -> type[ApiModel]:
    settings = settings_of(strategy)
    fields: dict[str, Any] = {name: _setting(setting) for name, setting in settings.items()}
    doc = f"Settings of type {strategy.type}. {summary(strategy)}"
    model = create_model(
        f"{strategy.type}Settings", __base__=ApiModel, __doc__=doc, __module__=__name__, **fields
    )
    maps = (name for name, setting in settings.items() if setting.metadata["kind"] == "share-map")
    model.RULES = tuple(_at_most_everything(name) for name in maps)
    return model


def _at_most_everything(name: str) -> Rule:
    field = to_camel(name)
    shares = f"self.{field}"
    return Rule(
        f"!has({shares}) || !{shares}.all(n, {shares}[n].matches('{DECIMAL_PATTERN}'))"
        f" || {shares}.map(n, {cel_number(f'{shares}[n]')}).sum() <= {_ALL_WITH_ROUNDING}",
        f"the shares of {field} add up to more than 1; lower some",
        holds=lambda settings: (
            sum(parse_decimal(share) for share in getattr(settings, name).values()) <= _ALL_WITH_ROUNDING
        ),
        field=f".{field}",
    )


def build(registry: Mapping[str, type[CoreStrategy]]) -> type[StrategyBase]:
    """Return the model of ``spec.strategy`` for the strategies of ``registry``."""
    kinds = "\n".join(f"- {name}: {summary(strategy)}" for name, strategy in registry.items())
    description = f"What chooses the weights. One of:\n{kinds}"
    fields: dict[str, Any] = {
        "type": (Literal[tuple(registry)], Field(DEFAULT_STRATEGY, description=description))
    }
    rules = []
    for name, strategy in registry.items():
        if not settings_of(strategy):
            continue
        model, block = _settings_model(strategy), block_name(name)
        fields[block] = (model | None, Field(None, alias=block, description=model.__doc__))
        rules.append(_settings_are_of_the_type(name, block))
    doc = StrategyBase.__doc__
    model = create_model("Strategy", __base__=StrategyBase, __doc__=doc, __module__=__name__, **fields)
    model.RULES = tuple(rules)
    return model


def _settings_are_of_the_type(name: str, block: str) -> Rule:
    return Rule(
        f"!has(self.{block}) || self.type == '{name}'",
        f"{block} holds settings of type {name}, but type is {{self.type}};"
        f" remove {block} or set type to {name}",
        holds=lambda strategy: getattr(strategy, block) is None or strategy.type == name,
        field=f".{block}",
        forbidden=True,
    )


def _parse_shares(shares: Mapping[str, str]) -> dict[str, float]:
    return {name: parse_decimal(share) for name, share in shares.items()}


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "decimal": parse_decimal,
    "duration": parse_duration,
    "share-map": _parse_shares,
}

if TYPE_CHECKING:
    Strategy = StrategyBase
else:
    Strategy = build(STRATEGIES)
