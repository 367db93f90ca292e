"""The definition in the repository and in the chart is the one that the models make."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bandit_operator.api import crd

ROOT = Path(__file__).parents[2]


def nodes(node: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema below ``node`` with its path."""
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            yield from nodes(node[key], f"{path}[]")


SCHEMA = dict(nodes(crd.schema(), "bd"))


def test_the_definition_is_what_the_models_make() -> None:
    stored = ROOT / "crds" / "bandit-operator.dev_banditdeployments.yaml"
    assert stored.read_text() == crd.text(), "run `make crds`"


def test_the_chart_carries_the_same_definition() -> None:
    text = (ROOT / "charts" / "bandit-operator" / "files" / "crd.yaml").read_text()
    assert text == crd.text(), "run `make crds`"


def test_every_field_is_described() -> None:
    undescribed = [
        path
        for path, node in SCHEMA.items()
        if not path.endswith("[]") and path != "bd.metadata" and not node.get("description", "").strip()
    ]
    assert undescribed == []


def test_every_decimal_of_the_spec_says_that_a_bare_number_is_refused_and_what_to_write() -> None:
    decimals = {
        path: node["description"]
        for path, node in SCHEMA.items()
        if any("a decimal" in rule.get("message", "") for rule in node.get("x-kubernetes-validations", []))
        if not path.endswith("[]")
    }
    assert "bd.spec.rollback.errorRate" in decimals
    assert [path for path, text in decimals.items() if "A bare number is refused: write it" not in text] == []
    assert 'write it in quotes, such as "0.05", or 5%.' in decimals["bd.spec.rollback.errorRate"]


def test_every_string_list_and_map_of_the_spec_is_bounded() -> None:
    unbounded = []
    for path, node in SCHEMA.items():
        if not path.startswith("bd.spec"):
            continue
        bound = {"string": "maxLength", "array": "maxItems"}.get(node.get("type", "string"), "")
        if "additionalProperties" in node:
            bound = "maxProperties"
        if bound and "enum" not in node and bound not in node:
            unbounded.append(path)
    assert unbounded == []


@pytest.mark.parametrize("keyword", ["$ref", "anyOf", "oneOf", "allOf", "const", "title", "$defs"])
def test_the_schema_is_structural(keyword: str) -> None:
    assert [path for path, node in SCHEMA.items() if keyword in node] == []


def test_every_rule_says_what_is_wrong() -> None:
    rules = [rule for node in SCHEMA.values() for rule in node.get("x-kubernetes-validations", [])]
    assert rules
    assert all("message" in rule or "messageExpression" in rule for rule in rules)


def test_defaults_are_complete_where_a_whole_block_may_be_left_out() -> None:
    spec = SCHEMA["bd.spec"]["properties"]
    for block in ("guardrails", "rollback", "promotion"):
        fields = spec[block]["properties"]
        assert spec[block]["default"] == {
            name: field["default"] for name, field in fields.items() if "default" in field
        }


def test_nothing_in_an_atomic_list_is_filled_in() -> None:
    spec = {path: node for path, node in SCHEMA.items() if path.startswith("bd.spec")}
    lists = [path for path, node in spec.items() if node.get("x-kubernetes-list-type") == "atomic"]
    filled_in = [
        path
        for path, node in spec.items()
        if "default" in node and any(path.startswith(f"{one}[]") for one in lists)
    ]
    assert "bd.spec.traffic.routeTemplate.spec.parentRefs" in lists
    assert filled_in == []


def test_the_text_is_one_yaml_document_that_kubectl_can_apply() -> None:
    assert yaml.safe_load(crd.text()) == crd.crd()
    assert "&id" not in crd.text()
