from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import pytest
from pydantic import ValidationError

from bandit_operator.api.strategy import (
    Strategy,
    block_name,
    build,
    share_maps,
    types_that_compare_validation_scores,
)
from bandit_operator.core.strategies import STRATEGIES, setting, settings_of
from bandit_operator.core.strategies import Strategy as CoreStrategy
from bandit_operator.core.strategies.ab_test import ABTest
from bandit_operator.core.strategies.thompson import Thompson


@dataclass(frozen=True)
class Newcomer:
    """Follow the weather.

    A second paragraph that is for readers of the code only.
    """

    type: ClassVar[str] = "Newcomer"

    rain: float = setting(0.5, "Least rain.", minimum=0, maximum=1)
    memory: float | None = setting(None, "How long to remember.", "duration", exclusive_minimum=0.0)
    places: Mapping[str, float] = setting({}, "Where to look.", "share-map")


NEWCOMER = cast("type[CoreStrategy]", Newcomer)  # of a strategy, the API reads the settings only


@pytest.mark.parametrize(
    ("type_name", "block"),
    [
        ("ABTest", "abTest"),
        ("UCB1", "ucb1"),
        ("KLUCB", "klucb"),
        ("TopTwo", "topTwo"),
        ("Thompson", "thompson"),
    ],
)
def test_a_settings_block_is_named_after_its_type_by_the_conventions_of_kubernetes(
    type_name: str, block: str
) -> None:
    assert block_name(type_name) == block


@pytest.mark.parametrize("type_name", STRATEGIES)
def test_a_strategy_without_settings_is_the_cores_with_its_defaults(type_name: str) -> None:
    assert Strategy.model_validate({"type": type_name}).to_core() == STRATEGIES[type_name]()


@pytest.mark.parametrize(
    "type_name", [name for name, strategy in STRATEGIES.items() if settings_of(strategy)]
)
def test_an_empty_block_means_the_defaults(type_name: Any) -> None:
    parsed = Strategy.model_validate({"type": type_name, block_name(type_name): {}})
    assert parsed.to_core() == STRATEGIES[type_name]()


def test_settings_reach_the_core_as_numbers_and_seconds() -> None:
    thompson = Strategy.model_validate({"type": "Thompson", "thompson": {"halfLife": "6h"}}).to_core()
    assert thompson == Thompson(half_life=21600.0)
    test = Strategy.model_validate(
        {"type": "ABTest", "abTest": {"split": {"a": "0.8", "b": "0.2"}}}
    ).to_core()
    assert test == ABTest(split={"a": 0.8, "b": 0.2})


def test_a_strategy_that_is_not_registered_is_refused() -> None:
    with pytest.raises(ValidationError, match="ABTest"):
        Strategy.model_validate({"type": "Thomson"})


def test_a_new_strategy_gets_its_block_its_texts_and_its_bounds_from_its_own_file() -> None:
    model = build({"Thompson": STRATEGIES["Thompson"], "Newcomer": NEWCOMER})
    schema = model.model_json_schema()
    assert schema["properties"]["type"]["enum"] == ["Thompson", "Newcomer"]
    assert "- Newcomer: Follow the weather." in schema["properties"]["type"]["description"]
    block = schema["$defs"]["NewcomerSettings"]["properties"]
    assert {name: field["description"] for name, field in block.items()} == {
        "rain": "Least rain.",
        "memory": "How long to remember.",
        "places": "Where to look.",
    }
    assert block["rain"]["default"] == "0.5"


@pytest.mark.parametrize(
    "settings",
    [{"rain": "1.5"}, {"memory": "0s"}, {"places": {"a": "2"}}],
)
def test_a_setting_out_of_its_bounds_is_refused(settings: Any) -> None:
    model = build({"Thompson": STRATEGIES["Thompson"], "Newcomer": NEWCOMER})
    with pytest.raises(ValidationError):
        model.model_validate({"type": "Newcomer", "newcomer": settings})


def test_a_setting_of_a_kind_that_the_api_cannot_show_is_an_error_at_once() -> None:
    @dataclass(frozen=True)
    class Odd:
        """Odd."""

        type: ClassVar[str] = "Odd"
        colour: str = setting("red", "A colour.", "colour")  # type: ignore[arg-type]  # the fault

    with pytest.raises(TypeError, match="setting colour: kind colour has no place in the API"):
        build({"Odd": cast("type[CoreStrategy]", Odd)})


def test_shares_by_arm_are_known_so_that_rules_can_check_their_names() -> None:
    assert ("ABTest", "abTest", "split") in share_maps()


def test_the_strategies_that_compare_validation_scores_say_so_themselves() -> None:
    assert types_that_compare_validation_scores() == ["Naive", "ValidationBest"]


def test_who_names_no_strategy_gets_the_one_that_is_safest_in_a_world_that_moves() -> None:
    assert Strategy.model_validate({}).to_core() == STRATEGIES["ContrastThompson"]()
