"""Weights of HTTPRoute and GRPCRoute, and nothing else of them."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import pytest

from bandit_operator.core import reasons
from bandit_operator.core.model import Backend
from bandit_operator.routers import ROUTERS, Located, Problem

ARMS = {arm: Backend("", "Service", "models", f"income-{arm}") for arm in ("logistic", "boosting")}
ROUTER = ROUTERS["gateway.networking.k8s.io", "HTTPRoute"]


@pytest.fixture
def route() -> dict[str, Any]:
    """A route with everything that must survive."""
    return {
        "metadata": {"namespace": "models", "name": "income", "generation": 4},
        "spec": {
            "rules": [
                {"name": "docs", "backendRefs": [{"name": "docs", "port": 80}]},
                {
                    "name": "predict",
                    "matches": [{"path": {"type": "PathPrefix", "value": "/v2"}}],
                    "filters": [
                        {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "mirror"}}}
                    ],
                    "backendRefs": [
                        {"name": "income-logistic", "port": 80, "weight": 9000},
                        {"name": "fallback", "port": 80, "weight": 100},
                        {"name": "income-boosting", "port": 80, "weight": 1000, "filters": [{"type": "X"}]},
                    ],
                },
            ]
        },
        "status": {
            "parents": [
                {
                    "conditions": [
                        {"type": "Accepted", "status": "True", "observedGeneration": 4},
                        {"type": "ResolvedRefs", "status": "True", "observedGeneration": 4},
                    ]
                }
            ]
        },
    }


def located(route: dict[str, Any], section: str | None = "predict") -> Located:
    found = ROUTER.locate(route, section, ARMS)
    assert isinstance(found, Located), found
    return found


@pytest.mark.parametrize("section", ["predict", None], ids=["by name", "by backends"])
def test_the_rule_of_the_arms_is_found(route, section):
    found = located(route, section)
    assert found.rule == 1
    assert dict(found.positions) == {"logistic": 0, "boosting": 2}
    assert dict(found.weights) == {"logistic": 9000, "boosting": 1000}
    assert found.foreign


def test_a_patch_changes_two_numbers_and_not_one_byte_more(route):
    before = copy.deepcopy(route)
    patch = ROUTER.patch(route, located(route), {"logistic": 4000, "boosting": 6000})
    after = jsonpatch.apply_patch(route, patch)
    before["spec"]["rules"][1]["backendRefs"][0]["weight"] = 4000
    before["spec"]["rules"][1]["backendRefs"][2]["weight"] = 6000
    assert after == before


def test_every_test_comes_before_the_first_change(route):
    kinds = [one["op"] for one in ROUTER.patch(route, located(route), {"logistic": 1, "boosting": 2})]
    assert kinds == sorted(kinds, key=lambda kind: kind != "test")
    assert kinds.count("test") == 5


@pytest.mark.parametrize(
    "change",
    [
        lambda route: route["metadata"].update(generation=5),
        lambda route: route["spec"]["rules"][1]["backendRefs"].reverse(),
        lambda route: route["spec"]["rules"][1]["backendRefs"][0].update(weight=1),
        lambda route: route["spec"]["rules"].pop(1),
    ],
    ids=["edited", "reordered", "foreign weight", "rule gone"],
)
def test_a_patch_made_from_an_old_view_is_refused_as_a_whole(route, change):
    patch = ROUTER.patch(route, located(route), {"logistic": 4000, "boosting": 6000})
    change(route)
    with pytest.raises(jsonpatch.JsonPatchException):
        jsonpatch.apply_patch(route, patch)


def test_weights_that_are_there_already_need_no_patch(route):
    assert ROUTER.patch(route, located(route), {"logistic": 9000, "boosting": 1000}) == []


def test_a_backend_without_a_weight_has_one(route):
    del route["spec"]["rules"][1]["backendRefs"][0]["weight"]
    found = located(route)
    assert found.weights["logistic"] == 1
    after = jsonpatch.apply_patch(route, ROUTER.patch(route, found, {"logistic": 7, "boosting": 3}))
    assert after["spec"]["rules"][1]["backendRefs"][0]["weight"] == 7


@pytest.mark.parametrize(
    ("change", "section", "reason", "says"),
    [
        (lambda _: None, "chat", reasons.RULE_NOT_FOUND, "named rules: docs, predict"),
        (lambda rules: rules.append(rules[1]), None, reasons.RULE_AMBIGUOUS, "2 rules"),
        (lambda rules: rules.pop(1), None, reasons.BACKEND_NOT_FOUND, "income-logistic"),
        (lambda rules: rules[1]["backendRefs"].pop(2), "predict", reasons.BACKEND_NOT_FOUND, "arm boosting"),
        (
            lambda rules: rules[1]["backendRefs"].append({"name": "income-boosting", "port": 81}),
            "predict",
            reasons.BACKEND_NOT_FOUND,
            "is 2 times in",
        ),
    ],
    ids=["no such section", "two rules fit", "no rule fits", "backend missing", "backend twice"],
)
def test_a_rule_that_cannot_be_told_is_a_problem_with_a_name(route, change, section, reason, says):
    change(route["spec"]["rules"])
    problem = ROUTER.locate(route, section, ARMS)
    assert isinstance(problem, Problem)
    assert problem.reason == reason
    assert says in problem.message


def test_a_service_of_another_namespace_is_another_backend(route):
    route["spec"]["rules"][1]["backendRefs"][2]["namespace"] = "other"
    assert isinstance(ROUTER.locate(route, "predict", ARMS), Problem)


def test_acceptance_of_an_older_generation_does_not_count(route):
    assert ROUTER.accepted(route)
    route["metadata"]["generation"] = 5
    assert not ROUTER.accepted(route)


def test_a_route_without_status_is_not_accepted(route):
    del route["status"]
    assert not ROUTER.accepted(route)


def test_the_gateways_words_on_missing_backends_are_passed_on(route):
    assert ROUTER.unresolved(route) is None
    route["status"]["parents"][0]["conditions"][1] |= {
        "status": "False",
        "message": "Service models/x not found",
    }
    assert ROUTER.unresolved(route) == "Service models/x not found"


def test_grpc_routes_are_read_alike():
    router = ROUTERS["gateway.networking.k8s.io", "GRPCRoute"]
    assert (router.kind, router.plural, router.version) == ("GRPCRoute", "grpcroutes", "v1")
