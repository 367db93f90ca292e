from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bandit_operator.api.fields import ApiModel
from bandit_operator.api.rules import (
    DecimalString,
    DurationString,
    PatternString,
    Rule,
    StringFormat,
    Term,
    cel_text,
)


@given(st.decimals(min_value=0, max_value=1, places=9))
def test_every_share_in_range_is_accepted(share: Any) -> None:
    assert DecimalString("0", "1").accepts(f"{share:f}")


@pytest.mark.parametrize(
    "text", ["", "abc", "1e-2", "1,5", ".5", "1.", "NaN", "+1", "0x1", "1\n", "1.0000000001"]
)
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    assert not DecimalString().accepts(text)


def test_an_exclusive_bound_is_outside() -> None:
    share = DecimalString("0", "1", exclusive_minimum=True)
    assert [share.accepts(text) for text in ("0", "0.0", "0.000000001", "1")] == [False, False, True, True]


def test_zero_may_turn_off_what_has_a_minimum() -> None:
    retry = DurationString("1m", or_zero=True)
    assert [retry.accepts(text) for text in ("0s", "1s", "1m")] == [True, False, True]


def test_a_pattern_must_match_the_whole_value() -> None:
    name = PatternString("[a-z]+", "a word", "word")
    assert name.accepts("word")
    assert not name.accepts("word\n")
    assert not name.accepts("two words")


def test_a_refused_value_is_named_with_what_to_write_instead() -> None:
    with pytest.raises(
        ValueError,
        match=r'"1e-2": must be a decimal of at least 0 and of at most 1, in quotes, for .* "0\.1", or 10%',
    ):
        DecimalString("0", "1").check("1e-2")


@pytest.mark.parametrize(
    ("text", "accepted"), [("0%", False), ("0.1%", True), ("100%", True), ("100.1%", False)]
)
def test_percent_keeps_to_the_bounds_of_decimals(text: str, accepted: bool) -> None:
    assert DecimalString("0", "1", exclusive_minimum=True).accepts(text) is accepted


@pytest.mark.parametrize(
    ("form", "number", "written"),
    [
        (DecimalString("0", "1"), 0.05, '0.05: a number; write "0.05" in quotes, or 5%'),
        (DecimalString("0", "1"), 5, "5: a number; write 5%"),
        (DecimalString("0", "1"), 500, f"500: {DecimalString('0', '1').advice}"),
        (DurationString(), 30, "30: a number; write 30s"),
        (DurationString(), 5400, "5400: a number; write 5400s"),
        (DurationString(), 0.5, "0.5: a number; write 500ms"),
        (DurationString(), -30, f"-30: {DurationString().advice}"),
        (DurationString("5s"), 1, f"1: {DurationString('5s').advice}"),
        (DurationString(maximum="24h"), 90000, f"90000: {DurationString(maximum='24h').advice}"),
        (DurationString("1m", or_zero=True), 0, "0: a number; write 0s"),
    ],
)
def test_a_bare_number_is_answered_with_how_to_write_it(
    form: StringFormat, number: float, written: str
) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared below
        form.refuse_number(number)
    assert str(caught.value) == written


@pytest.mark.parametrize("form", [DurationString(), DecimalString("0", "1")])
@pytest.mark.parametrize("number", [float("inf"), float("nan"), 1e300])
def test_a_number_that_nobody_can_have_meant_is_answered_with_what_is_asked(
    form: StringFormat, number: float
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(str(number))}: must be .* for example"):
        form.refuse_number(number)


def test_a_value_that_is_too_long_is_refused_and_cut_short_in_the_message() -> None:
    with pytest.raises(ValueError, match=r'^"a{80}": must be'):
        PatternString("a*", "letters", "a", max_length=99).check("a" * 100)


def test_text_is_quoted_for_cel() -> None:
    assert cel_text("it's a \\d") == "'it\\'s a \\\\d'"


class Step(ApiModel):
    """A model with a rule."""

    RULES = (
        Rule(
            "self.minChange <= self.maxStep && self.p95",
            "minChange {self.minChange} is above {largest}'s {self.inner.p95}; lower it",
            holds=lambda step: step.min_change <= step.max_step,
            field=".inner.minChange",
            forbidden=True,
            terms={"largest": Term("string(self.maxStep)", lambda step: str(step.max_step))},
        ),
        Rule("self == oldSelf", "it was {oldSelf.maxStep}", holds=None),
    )

    class Inner(ApiModel):
        """A model inside."""

        p95: str = "2h"
        """A field whose alias has a digit."""

    min_change: int
    """At most max_step."""
    max_step: int = 2
    """A bound."""
    inner: Inner = Inner()
    """A model inside."""


def test_a_rule_becomes_an_entry_of_the_definition() -> None:
    changes, fixed = (rule.schema() for rule in Step.RULES)
    assert changes == {
        "rule": "self.minChange <= self.maxStep && self.p95",
        "messageExpression": (
            "'minChange ' + self.minChange + ' is above ' + string(self.maxStep) + '\\'s '"
            " + self.inner.p95 + '; lower it'"
        ),
        "fieldPath": ".inner.minChange",
        "reason": "FieldValueForbidden",
    }
    assert fixed == {"rule": "self == oldSelf", "messageExpression": "'it was ' + oldSelf.maxStep"}


def test_a_message_without_values_stays_a_text() -> None:
    braces = Rule("self.a", 'such as m{route="x"}', holds=lambda _: True)
    assert braces.schema() == {"rule": "self.a", "message": 'such as m{route="x"}'}


def test_a_rule_refuses_a_model_at_its_field_with_the_values_in_the_message() -> None:
    with pytest.raises(ValidationError) as caught:
        Step.model_validate({"minChange": 3})
    [fault] = caught.value.errors()
    assert fault["loc"] == ("inner", "minChange")
    assert fault["msg"] == "minChange 3 is above 2's 2h; lower it"


def test_a_rule_about_a_change_refuses_no_model() -> None:
    assert Step.model_validate({"minChange": 2}).min_change == 2
