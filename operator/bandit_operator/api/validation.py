"""Scores of offline validation: what must go together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bandit_operator.api.rules import DECIMAL_PATTERN, Rule, cel_number
from bandit_operator.api.strategy import types_that_compare_validation_scores
from bandit_operator.core.model import RewardType, ValidationScale
from bandit_operator.core.quantities import parse_decimal

_SCORE, _ERROR = "self.validationScore", "self.validationStandardError"
_SAMPLES = "self.validationSamples"


def score_rules() -> tuple[Rule, ...]:
    """Return the rules of an arm about its validation score."""
    # The number of samples is in no message: a number as text has no bound on its estimated cost.
    return (
        Rule(
            f"!has({_SAMPLES}) || !has({_ERROR})",
            f"validationSamples and validationStandardError {{{_ERROR}}} both say how exact"
            " validationScore is; remove one of them",
            holds=lambda arm: arm.validation_samples is None or arm.validation_standard_error is None,
            field=".validationSamples",
        ),
        _needs_score("validationSamples", lambda arm: arm.validation_samples),
        _needs_score("validationStandardError", lambda arm: arm.validation_standard_error),
        Rule(
            f"!has({_SAMPLES}) || !has({_SCORE}) || !{_SCORE}.matches('{DECIMAL_PATTERN}')"
            f" || ({cel_number(_SCORE)} >= 0.0 && {cel_number(_SCORE)} <= 1.0)",
            f"validationScore {{{_SCORE}}} is not between 0 and 1, so its standard error does not follow from"
            " validationSamples; give validationStandardError instead",
            holds=lambda arm: (
                arm.validation_samples is None
                or arm.validation_score is None
                or 0.0 <= parse_decimal(arm.validation_score) <= 1.0
            ),
            field=".validationSamples",
        ),
    )


def _needs_score(field: str, value: Callable[[Any], object]) -> Rule:
    return Rule(
        f"!has(self.{field}) || has({_SCORE})",
        f"{field} says how exact validationScore is, and there is none; set validationScore,"
        f" or remove {field}",
        holds=lambda arm: value(arm) is None or arm.validation_score is not None,
        field=f".{field}",
    )


def validation_rules() -> Iterator[Rule]:
    """Yield the rules of a spec about its arms' validation scores."""
    # Naming the arm would need a filter in the message, whose estimated cost is unbounded.
    compared = types_that_compare_validation_scores()
    yield Rule(
        f"!(self.strategy.type in {compared}) || self.arms.all(a, has(a.validationScore))",
        "type {self.strategy.type} compares validation scores, and some arm has none;"
        " set validationScore on every arm, or choose another type",
        holds=lambda spec: (
            spec.strategy.type not in compared or all(arm.validation_score is not None for arm in spec.arms)
        ),
        field=".arms",
    )
    # The variance of one reward of these is not that of a value between 0 and 1.
    unbounded = [str(one) for one in RewardType if not one.bounded]
    yield Rule(
        f"!(self.reward.type in {unbounded}) || self.validationScale == 'Ranking'"
        " || self.arms.all(a, !has(a.validationSamples))",
        "some arm has validationSamples, from which the standard error of a mean {self.reward.type} reward"
        " does not follow; give validationStandardError instead, or set validationScale to Ranking",
        holds=lambda spec: (
            spec.reward.type.bounded
            or spec.validation_scale is ValidationScale.RANKING
            or all(arm.validation_samples is None for arm in spec.arms)
        ),
        field=".arms",
    )
