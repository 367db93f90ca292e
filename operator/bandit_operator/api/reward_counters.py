"""Which counters each type of reward is read from, and the rules that follow.

The same table makes the rules of the API and the queries of ``bandit_operator.sources.counters``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic.alias_generators import to_camel

from bandit_operator.api.rules import Rule
from bandit_operator.core.model import RewardType

BOUNDED_TYPES = [str(one) for one in RewardType if one.bounded]
"""Types of which one reward lies in [0, 1], as a rule of the definition lists them."""


@dataclass(frozen=True, slots=True)
class RewardCounter:
    """A counter beside those of rewards and trials, which every type has.

    ``part`` is the field of ``core.model.Observed`` that it fills, and in camel case the field of
    ``spec.reward.prometheus``; ``example`` is a metric by that name.
    """

    part: str
    types: tuple[RewardType, ...]
    meaning: str
    example: str
    optional: bool = False

    @property
    def field(self) -> str:
        """Name of the field in ``spec.reward.prometheus``."""
        return to_camel(self.part)

    def selector(self, prometheus: Any) -> str | None:
        """Its selector in ``spec.reward.prometheus``, or None where there is none."""
        selector: str | None = getattr(prometheus, self.part)
        return selector


_BOTH, _RATIO = (RewardType.GAUSSIAN, RewardType.RATIO), (RewardType.RATIO,)
FURTHER_COUNTERS = (
    RewardCounter("squares", _BOTH, "the sum of squared rewards", "model_reward_squares_total"),
    RewardCounter(
        "losses", (RewardType.GAUSSIAN,), "what negative rewards lose", "model_reward_losses_total", True
    ),
    RewardCounter("denominators", _RATIO, "the sum of denominators", "model_reward_denominators_total"),
    RewardCounter(
        "denominator_squares",
        _RATIO,
        "the sum of squared denominators",
        "model_reward_denominator_squares_total",
    ),
    RewardCounter(
        "cross_products",
        _RATIO,
        "the sum of reward times denominator",
        "model_reward_cross_products_total",
    ),
)
"""In the order of the fields."""


def counter_rules() -> Iterator[Rule]:
    """Yield the rules of ``spec.reward``: each type has its own counters, all of them and no others."""
    for counter in FURTHER_COUNTERS:
        yield _belongs_to_its_types(counter)
        if not counter.optional:
            yield _is_there(counter)


def _belongs_to_its_types(counter: RewardCounter) -> Rule:
    path, types = f"self.prometheus.{counter.field}", [str(one) for one in counter.types]
    return Rule(
        f"!has({path}) || self.type in {types}",
        f"{counter.field} belongs to type {' or '.join(types)}, but type is {{self.type}};"
        f" remove {counter.field} or change type",
        holds=lambda reward: counter.selector(reward.prometheus) is None or reward.type in counter.types,
        field=f".prometheus.{counter.field}",
        forbidden=True,
    )


def _is_there(counter: RewardCounter) -> Rule:
    """Where rewards come from a query or a preset, another rule says that they cannot."""
    path, types = f"self.prometheus.{counter.field}", [str(one) for one in counter.types]
    return Rule(
        f"!(self.type in {types}) || !has(self.prometheus.trials) || has({path})",
        f"type {{self.type}} needs the counter {counter.field}, {counter.meaning};"
        f" set it, for example to {counter.example}",
        holds=lambda reward: (
            reward.type not in counter.types
            or reward.prometheus.trials is None
            or counter.selector(reward.prometheus) is not None
        ),
        field=".prometheus",
    )
