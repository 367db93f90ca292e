"""Weights of HTTPRoute and GRPCRoute, and nothing else of them."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import pytest

from bandit_operator.core import reasons
from bandit_operator.core.model import Backend, Problem
from bandit_operator.routers import ROUTERS, Located

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


def accepted(route: dict[str, Any], had: tuple[str, ...] = ()) -> bool:
    gateways = ROUTER.accepting(route, had)
    return bool(gateways) and not ROUTER.pending(route, gateways)


def patch_of(route: dict[str, Any], factor: int = 1, **weights: int) -> list[dict[str, Any]]:
    found = located(route)
    strangers = {position: weight * factor for position, weight in found.other_weights.items()}
    return ROUTER.patch(route, found, weights, strangers)


@pytest.mark.parametrize("section", ["predict", None], ids=["by name", "by backends"])
def test_the_rule_of_the_arms_is_found(route: dict[str, Any], section: str | None) -> None:
    found = located(route, section)
    assert found.rule == 1
    assert dict(found.positions) == {"logistic": 0, "boosting": 2}
    assert dict(found.weights) == {"logistic": 9000, "boosting": 1000}
    assert dict(found.other_weights) == {1: 100}


def test_a_patch_changes_two_numbers_and_not_one_byte_more(route: dict[str, Any]) -> None:
    before = copy.deepcopy(route)
    patch = patch_of(route, logistic=4000, boosting=6000)
    after = jsonpatch.apply_patch(route, patch)
    before["spec"]["rules"][1]["backendRefs"][0]["weight"] = 4000
    before["spec"]["rules"][1]["backendRefs"][2]["weight"] = 6000
    assert after == before


def test_every_test_comes_before_the_first_change(route: dict[str, Any]) -> None:
    kinds = [one["op"] for one in patch_of(route, logistic=1, boosting=2)]
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
def test_a_patch_made_from_an_old_view_is_refused_as_a_whole(route: dict[str, Any], change: Any) -> None:
    patch = patch_of(route, logistic=4000, boosting=6000)
    change(route)
    with pytest.raises(jsonpatch.JsonPatchException):
        jsonpatch.apply_patch(route, patch)


def test_weights_that_are_there_already_need_no_patch(route: dict[str, Any]) -> None:
    assert patch_of(route, logistic=9000, boosting=1000) == []


def test_a_backend_without_a_weight_has_one(route: dict[str, Any]) -> None:
    del route["spec"]["rules"][1]["backendRefs"][0]["weight"]
    found = located(route)
    assert found.weights["logistic"] == 1
    after = jsonpatch.apply_patch(route, patch_of(route, logistic=7, boosting=3))
    assert after["spec"]["rules"][1]["backendRefs"][0]["weight"] == 7


@pytest.mark.parametrize(
    ("change", "section", "reason", "says"),
    [
        (lambda _: None, "chat", reasons.RULE_NOT_FOUND, "named rules: docs, predict"),
        (lambda rules: rules.append(rules[1]), None, reasons.RULE_AMBIGUOUS, "2 rules"),
        (lambda rules: rules.pop(1), None, reasons.RULE_NOT_FOUND, "income-logistic"),
        (lambda rules: rules[1].update(backendRefs=[]), "predict", reasons.RULE_NOT_FOUND, "carries none of"),
        (
            lambda rules: rules[1]["backendRefs"].append({"name": "income-boosting", "port": 81}),
            "predict",
            reasons.BACKEND_NOT_FOUND,
            "is 2 times in",
        ),
    ],
    ids=["no such section", "two rules fit", "no rule fits", "no backend", "backend twice"],
)
def test_a_rule_that_cannot_be_told_is_a_problem_with_a_name(
    route: dict[str, Any], change: Any, section: str | None, reason: Any, says: str
) -> None:
    change(route["spec"]["rules"])
    problem = ROUTER.locate(route, section, ARMS)
    assert isinstance(problem, Problem)
    assert problem.reason == reason
    assert says in problem.message


def test_a_service_of_another_namespace_is_another_backend(route: dict[str, Any]) -> None:
    route["spec"]["rules"][1]["backendRefs"][2]["namespace"] = "other"
    found = located(route)
    assert dict(found.positions) == {"logistic": 0}
    assert found.weights["boosting"] == 0


@pytest.mark.parametrize("section", ["predict", None], ids=["by name", "by backends"])
def test_a_backend_that_is_missing_from_the_rule_leaves_the_others_where_they_are(
    route: dict[str, Any], section: str | None
) -> None:
    route["spec"]["rules"][1]["backendRefs"].pop(2)
    found = located(route, section)
    assert (found.rule, dict(found.positions)) == (1, {"logistic": 0})
    assert dict(found.weights) == {"logistic": 9000, "boosting": 0}


def test_other_backends_keep_their_share_where_the_unit_is_made_finer(route: dict[str, Any]) -> None:
    refs = route["spec"]["rules"][1]["backendRefs"]
    for ref in refs:
        del ref["weight"]
    after = jsonpatch.apply_patch(route, patch_of(route, factor=5000, logistic=7000, boosting=3000))
    assert [ref["weight"] for ref in after["spec"]["rules"][1]["backendRefs"]] == [7000, 5000, 3000]


def test_all_gateways_that_had_accepted_must_accept_and_one_that_never_did_is_not_waited_for(
    route: dict[str, Any],
) -> None:
    parents = route["status"]["parents"]
    parents.append({"conditions": [{"type": "Accepted", "status": "True", "observedGeneration": 1}]})
    assert not accepted(route)
    parents[1]["conditions"][0]["observedGeneration"] = 4
    assert accepted(route)
    parents.append({"conditions": [{"type": "Accepted", "status": "False", "observedGeneration": 1}]})
    assert accepted(route)


def test_a_gateway_that_accepted_an_earlier_generation_and_refuses_this_one_is_waited_for_by_name(
    route: dict[str, Any],
) -> None:
    second: dict[str, Any] = {
        "parentRef": {"name": "edge", "namespace": "infra", "sectionName": "web"},
        "controllerName": "example.com/gateway",
        "conditions": [{"type": "Accepted", "status": "True", "observedGeneration": 4}],
    }
    route["status"]["parents"].append(second)
    had = ROUTER.accepting(route)
    assert had[1] == "Gateway infra/edge/web (example.com/gateway)"
    assert accepted(route, had)
    for status in ("False", "Unknown"):
        second["conditions"][0]["status"] = status
        assert accepted(route)  # nobody knows of it that it ever accepted
        assert not accepted(route, had)
        assert ROUTER.pending(route, had) == (had[1],)
    second["conditions"] = []
    assert ROUTER.accepting(route, had) == had
    assert ROUTER.pending(route, had) == (had[1],)
    route["status"]["parents"].pop()
    assert accepted(route, had)
    assert ROUTER.accepting(route, had) == had[:1]


def test_another_rule_or_route_that_gives_a_backend_weight_is_seen(route: dict[str, Any]) -> None:
    assert ROUTER.uses(route, ARMS["boosting"])
    assert not ROUTER.uses(route, ARMS["boosting"], besides=1)
    route["spec"]["rules"][0]["backendRefs"].append({"name": "income-boosting", "port": 80})
    assert ROUTER.uses(route, ARMS["boosting"], besides=1)
    route["spec"]["rules"][0]["backendRefs"][1]["weight"] = 0
    assert not ROUTER.uses(route, ARMS["boosting"], besides=1)


def test_who_writes_the_rules_is_read_from_the_managed_fields(route: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"f:spec": {"f:rules": {}}}
    route["metadata"]["managedFields"] = [
        {"manager": "bandit-operator", "time": "2026-01-01T00:00:00Z", "fieldsV1": fields},
        {"manager": "argocd-controller", "time": "2026-01-02T00:00:00Z", "fieldsV1": fields},
        {"manager": "traefik", "time": "2026-01-03T00:00:00Z", "fieldsV1": {"f:status": {}}},
    ]
    assert ROUTER.writers(route) == ("argocd-controller", "bandit-operator")


def test_acceptance_of_an_older_generation_does_not_count(route: dict[str, Any]) -> None:
    assert accepted(route)
    route["metadata"]["generation"] = 5
    assert not accepted(route)


def test_a_route_without_status_is_not_accepted(route: dict[str, Any]) -> None:
    del route["status"]
    assert not accepted(route)


def test_the_gateways_words_on_missing_backends_are_passed_on(route: dict[str, Any]) -> None:
    assert ROUTER.unresolved(route) is None
    route["status"]["parents"][0]["conditions"][1] |= {
        "status": "False",
        "message": "Service models/x not found",
    }
    assert ROUTER.unresolved(route) == "Service models/x not found"


def test_what_a_gateway_cannot_resolve_stands_until_it_speaks_of_the_route_as_it_is(
    route: dict[str, Any],
) -> None:
    parent = route["status"]["parents"][0]
    parent["conditions"][1] |= {"status": "False", "message": "Service models/x not found"}
    route["metadata"]["generation"] = 5  # our own change of weights, which resolves nothing
    parent["conditions"][0]["observedGeneration"] = 5
    assert ROUTER.unresolved(route) == "Service models/x not found"
    parent["conditions"][1] |= {"status": "True", "observedGeneration": 5}
    assert ROUTER.unresolved(route) is None


def test_a_gateway_that_the_route_does_not_name_any_more_has_left_it_and_its_old_words_do_not_count(
    route: dict[str, Any],
) -> None:
    route["spec"]["parentRefs"] = [{"name": "main", "namespace": "infra"}]
    parent = route["status"]["parents"][0]
    parent["parentRef"] = {"name": "main", "namespace": "infra"}
    parent["conditions"][1] |= {"status": "False", "message": "x not found", "observedGeneration": 3}
    assert ROUTER.left(route) == ()
    assert ROUTER.unresolved(route) == "x not found"
    parent["parentRef"]["sectionName"] = "web"  # as some gateways answer for each of their listeners
    assert ROUTER.left(route) == ()
    parent["parentRef"] = {"name": "former", "namespace": "infra"}
    assert ROUTER.left(route) == ("Gateway infra/former",)
    assert ROUTER.unresolved(route) is None


def test_the_gateways_words_on_a_route_that_it_refuses_are_passed_on(route: dict[str, Any]) -> None:
    assert ROUTER.refused(route) is None
    route["status"]["parents"][0]["conditions"][0] |= {"status": "False", "message": "no listener lets it in"}
    assert ROUTER.refused(route) == "no listener lets it in"
    route["metadata"]["generation"] = 5
    assert ROUTER.refused(route) is None


@pytest.mark.parametrize("kept", [{}, {"type": "Cookie", "sessionName": "model"}], ids=["defaults", "cookie"])
def test_a_rule_that_keeps_clients_with_a_backend_is_told_from_its_neighbours(
    route: dict[str, Any], kept: dict[str, Any]
) -> None:
    route["spec"]["rules"][0]["sessionPersistence"] = kept
    assert not located(route).sessions_persist
    route["spec"]["rules"][1]["sessionPersistence"] = kept
    assert located(route).sessions_persist


def test_grpc_routes_are_read_alike() -> None:
    router = ROUTERS["gateway.networking.k8s.io", "GRPCRoute"]
    assert (router.kind, router.plural, router.version) == ("GRPCRoute", "grpcroutes", "v1")
