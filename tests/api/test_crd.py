"""How JSON Schema becomes structural, one trait at a time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from bandit_operator.api import crd
from bandit_operator.api.fields import ApiModel
from bandit_operator.api.rules import Rule


class Inner(ApiModel):
    """Inner text."""

    RULES = (Rule("self.size > 0", "too small", holds=lambda inner: inner.size > 0),)

    size: Annotated[int, Field(gt=0)] = 3
    """A size."""


class Outer(ApiModel):
    """Outer text."""

    own: Inner = Field(default_factory=Inner)
    """Text of the use."""
    plain: Inner | None = None
    word: Literal["one"] = "one"
    free: dict[str, object] | None = None
    names: dict[str, str] = Field(default={}, max_length=3)
    many: list[Inner] = Field(default=[])


@pytest.fixture
def properties() -> dict[str, Any]:
    structural = crd._Structural(Outer)
    converted: dict[str, Any] = structural.convert(structural.root, Outer)["properties"]
    return converted


def test_a_reference_is_replaced_by_what_it_names(properties: dict[str, Any]) -> None:
    assert properties["plain"]["properties"]["size"]["type"] == "integer"


def test_the_text_of_the_use_wins_over_the_text_of_the_model(properties: dict[str, Any]) -> None:
    assert properties["own"]["description"] == "Text of the use."
    assert properties["plain"]["description"] == "Inner text."


def test_null_is_no_alternative(properties: dict[str, Any]) -> None:
    assert "anyOf" not in properties["plain"]
    assert "default" not in properties["plain"]


def test_a_constant_is_an_enumeration_of_one(properties: dict[str, Any]) -> None:
    assert properties["word"]["enum"] == ["one"]
    assert "const" not in properties["word"]


def test_an_exclusive_bound_is_a_flag(properties: dict[str, Any]) -> None:
    size = properties["own"]["properties"]["size"]
    assert (size["minimum"], size["exclusiveMinimum"]) == (0, True)


def test_the_default_of_a_block_is_written_in_full(properties: dict[str, Any]) -> None:
    assert properties["own"]["default"] == {"size": 3}


def test_rules_follow_their_model_into_lists(properties: dict[str, Any]) -> None:
    rules = [{"rule": "self.size > 0", "message": "too small"}]
    assert properties["own"]["x-kubernetes-validations"] == rules
    assert properties["many"]["items"]["x-kubernetes-validations"] == rules


def test_a_free_map_keeps_what_it_is_given(properties: dict[str, Any]) -> None:
    assert properties["free"] == {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def test_a_map_is_bounded_by_its_number_of_entries(properties: dict[str, Any]) -> None:
    assert properties["names"]["maxProperties"] == 3
    assert properties["names"]["additionalProperties"] == {"type": "string"}


def test_line_breaks_of_the_source_are_undone_but_not_paragraphs_and_items() -> None:
    text = crd._one_line_each_paragraph("One\ntwo:\n- a\n- b\n\nThree\nfour")
    assert text == "One two:\n- a\n- b\n\nThree four"


def test_a_union_cannot_be_structural() -> None:
    class Either(ApiModel):
        """Either."""

        value: int | str = 0

    structural = crd._Structural(Either)
    with pytest.raises(TypeError, match="a union of 2 types cannot be structural"):
        structural.convert(structural.root, Either)


def defaults(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """Place and description of each field that has a plain default."""
    if not isinstance(node.get("default", {}), dict | list) and node["default"] != "":
        yield path, node["description"]
    for name, child in node.get("properties", {}).items():
        yield from defaults(child, f"{path}.{name}")
    for child in (node.get("items"), node.get("additionalProperties")):
        if isinstance(child, dict):
            yield from defaults(child, f"{path}[]")


def test_a_description_names_the_default_for_kubectl_explain_prints_none() -> None:
    texts = dict(defaults(crd.schema()["properties"]["spec"], "spec"))
    assert len(texts) > 30
    assert [path for path, text in texts.items() if "Default: " not in text] == []
    assert texts["spec.interval"].endswith("Default: 30s.")
    assert texts["spec.rollback.scaleToZero"].endswith("Default: true.")


def test_the_module_prints_the_definition() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bandit_operator.api.crd"], capture_output=True, text=True, check=True
    )
    assert done.stdout == crd.text()
