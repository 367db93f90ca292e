"""Which of two resources moves the weights of a rule."""

from __future__ import annotations

from typing import Any

from bandit_operator.reconcile.ownership import older_owner


def resource(name: str, created: str, section: str | None = None, uid: str = "0") -> dict[str, Any]:
    reference = {"kind": "HTTPRoute", "name": "income"} | ({"sectionName": section} if section else {})
    metadata = {"namespace": "models", "name": name, "creationTimestamp": created, "uid": uid}
    return {"metadata": metadata, "spec": {"traffic": {"routeRef": reference}}}


EARLY, LATE = "2030-01-01T00:00:00Z", "2030-01-01T00:00:01Z"


def test_the_younger_of_two_on_one_rule_is_told_of_the_older() -> None:
    problem = older_owner([resource("a", LATE), resource("z", EARLY)])
    assert problem is not None
    assert problem.reason == "RuleConflict"
    assert "BanditDeployment z is older" in problem.message


def test_the_older_of_two_on_one_rule_has_no_problem() -> None:
    assert older_owner([resource("z", EARLY), resource("a", LATE)]) is None


def test_of_two_made_in_the_same_second_the_first_by_name_is_the_older_whatever_their_uids() -> None:
    first, second = resource("income", EARLY, uid="9"), resource("income-b", EARLY, uid="1")
    assert older_owner([first, second]) is None
    assert older_owner([second, first]) is not None


def test_resources_on_rules_of_their_own_do_not_meet() -> None:
    assert older_owner([resource("a", LATE, "predict"), resource("z", EARLY, "explain")]) is None


def test_a_resource_that_names_no_rule_meets_every_other_on_the_route() -> None:
    assert older_owner([resource("a", LATE), resource("z", EARLY, "explain")]) is not None
