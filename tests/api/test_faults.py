"""What breaks the structure is told with field, value and what to write instead."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bandit_operator.api.v1alpha1 import faults_of
from tests.support.manifests import good

CASES: list[tuple[str, Any, str]] = [
    ("strategy", "Thompson", 'spec.strategy: "Thompson": a string; write {type: Thompson}'),
    ("strategy", "thompson", "; write {type: Thompson}"),
    ("strategy", "greedy", "a string; write its fields, some of type, abTest, contrastThompson"),
    ("strategy.type", "Thomson", '"Thomson": is not known; write Thompson, or another of ABTest, '),
    ("baseline", ["logistic"], 'spec.baseline: ["logistic"]: a list; write logistic'),
    ("baseline", {}, "spec.baseline: {}: a map of fields; write a string"),
    ("guardrails.minTrials", -5, "spec.guardrails.minTrials: -5: must be at least 0"),
    ("guardrails.minTrials", 10**10, "spec.guardrails.minTrials: 10000000000: must be at most 1000000000"),
    ("reward.prometheus.query", "", 'query: "": is too short; write something, or leave query out'),
    ("traffic.routeRef.group", "example.com", "is not known; write gateway.networking.k8s.io"),
    ("strategy.type", "Linear", '"Linear": is not known; write one of ABTest, '),
    ("mode", "paused", '"paused": is not known; write Paused, or another of Active, Observe, Paused'),
    ("traffic.routeRef", "income", '"income": a string; write {name: income}'),
    ("pin", "logistic", '"logistic": a string; write {arm: logistic}'),
    ("reward.delay", "1h", '"1h": a string; write its fields, at least median, p95'),
    ("arms", {"a": {}}, '{"a": {}}: a map of fields; write a list, in which each item begins with "- "'),
    ("arms", ["a", "b"], 'spec.arms[1]: "b": a string; write its fields, at least name, backendRef'),
    ("arms", [None, None], "spec.arms[0]: null: nothing; write its fields, at least name, backendRef"),
    ("strategy", [{date(2026, 1, 31): date(2026, 1, 31)}], "[{}]: a list; write its fields, some of type, "),
    ("arms", [], "spec.arms: has 0 of at least 2; add to it"),
    ("baseline", None, "spec.baseline: is missing; set baseline"),
    ("baseline", 3, 'spec.baseline: 3: a number; write "3"'),
    ("baseline", True, 'spec.baseline: true: a truth value; write "true"'),
    ("guardrails.minTrials", "200", '"200": a string; write 200 without quotes'),
    ("guardrails.minTrials", 2.5, "2.5: a number; write a whole number, such as 200"),
    ("rollback.scaleToZero", "yes", '"yes": a string; write true or false, without quotes'),
    ("guards", "x" * 500, 'a string; write a list, in which each item begins with "- "'),
]


@pytest.mark.parametrize(("field", "value", "told"), CASES)
def test_the_fault_ends_with_what_to_write(field: str, value: Any, told: str) -> None:
    body = good()
    *path, last = f"spec.{field}".split(".")
    place = body
    for name in path:
        place = place.setdefault(name, {})
    place[last] = value
    faults = faults_of(body)
    assert any(told in fault for fault in faults), faults
    assert any(fault.startswith(f"spec.{field}") for fault in faults), faults


def test_a_long_value_is_cut() -> None:
    body = good()
    body["spec"]["strategy"] = "x" * 5000
    (fault,) = faults_of(body)
    assert len(fault) < 300
