"""Selectors that are bound to a namespace compare with what was written, whatever is inside of strings."""

from __future__ import annotations

from typing import Any

import promql_parser as promql
import pytest

from bandit_operator.api.presets.base import ArmLabel
from bandit_operator.api.v1alpha1 import parse
from bandit_operator.sources import source_of
from bandit_operator.sources.base import Counter, Query
from bandit_operator.sources.binding import bound, checked
from bandit_operator.sources.guards import guard_counters
from tests.support.manifests import good

LABEL = ArmLabel("arm", ())
SELECTORS = [
    r'ok_total{path=~"/v1\\.2/.*"}',
    r'ok_total{path=~"/items/\\d+"}',
    r'ok_total{path=~"/items\\b.*"}',
    r'ok_total{path="say \"hi\""}',
    r"ok_total{path=~`/v1\.2/.*`}",
]


def values(text: str) -> dict[str, str]:
    """What each matcher compares with, apart from the namespace."""
    nodes: list[Any] = []
    promql.walk(promql.parse(text), nodes.append)
    (selector,) = [one for one in nodes if isinstance(one, promql.VectorSelector)]
    return {one.name: one.value for one in selector.matchers.matchers if one.name != "namespace"}


@pytest.mark.parametrize("selector", SELECTORS)
def test_a_selector_that_is_bound_compares_with_the_same_values(selector: str) -> None:
    free = checked(Counter("trials", selector, LABEL, "reward.prometheus.trials"), None).selector
    held = checked(Counter("trials", selector, LABEL, "reward.prometheus.trials"), "models").selector
    assert values(held) == values(free)


@pytest.mark.parametrize("selector", SELECTORS)
def test_a_query_that_is_bound_compares_with_the_same_values(selector: str) -> None:
    free = checked(Counter("trials", selector, LABEL, "reward.prometheus.trials"), None).selector
    query = Query("mean", f"sum by (arm) (increase({selector}[30s]))", LABEL, "reward.prometheus.query")
    assert values(bound(query, "models").promql) == values(free)


def server_preset() -> dict[str, Any]:
    """The arms' backends are Services with hyphens in their names, as in docs/own-models.md."""
    body = good()
    body["metadata"] |= {"namespace": "models"}
    for arm in body["spec"]["arms"]:
        arm["backendRef"] = {"name": f"income-{arm['name']}"}
        arm.pop("labelValue", None)
    preset = {"preset": "ServerSuccess", "implementation": "MLServer"}
    body["spec"] |= {"reward": {"prometheus": preset}, "rollback": {}}
    body["spec"]["guards"] = [{"name": "errors", **preset, "below": "95%"}]
    body["spec"].pop("shadow", None)
    return body


def test_the_counters_of_a_server_preset_can_be_bound() -> None:
    resource = parse(server_preset())
    for counter in source_of(resource).counters(resource):
        assert 'namespace="models"' in checked(counter, "models").selector


def test_a_guard_with_a_server_preset_can_be_bound() -> None:
    resource = parse(server_preset())
    for counter in guard_counters(resource):
        assert 'namespace="models"' in checked(counter, "models").selector


def test_label_values_such_as_the_documented_one_can_be_bound() -> None:
    body = server_preset()
    body["spec"]["reward"]["prometheus"]["armLabel"] = "version"
    body["spec"]["arms"][0]["labelValue"] = "v1.2.0"
    resource = parse(body)
    for counter in source_of(resource).counters(resource):
        assert 'namespace="models"' in checked(counter, "models").selector


def test_what_is_in_a_string_cannot_become_a_part_of_the_query() -> None:
    own = r"namespace=\"models\""
    text = rf'ok{{a="q\",{own}}} or info(x{{{own}}}) or ok{{a=\"q"}}'
    sent = bound(Query("mean", text, LABEL, "reward.prometheus.query"), "models").promql
    nodes: list[Any] = []
    promql.walk(promql.parse(sent), nodes.append)
    assert [type(one) for one in nodes] == [promql.VectorSelector]


def test_a_label_whose_name_needs_quotes_can_be_bound() -> None:
    body = server_preset()
    body["spec"]["reward"]["prometheus"]["armLabel"] = "service.name"
    resource = parse(body)
    for counter in source_of(resource).counters(resource):
        assert '"service.name"' in checked(counter, None).selector
        assert '"service.name"' in checked(counter, "models").selector
