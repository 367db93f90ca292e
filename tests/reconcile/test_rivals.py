"""Two installations of the operator on one resource."""

from __future__ import annotations

from typing import Any

from bandit_operator.reconcile.rivals import REMEMBERED_SECONDS, Rivals

KEY = ("models", "income")


def body(version: int, operator: str | None) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": str(version)}, "status": {"operator": operator}}


def test_taking_a_resource_over_from_an_operator_that_is_gone_is_no_rivalry() -> None:
    rivals = Rivals("b/lease")
    assert rivals.seen(KEY, body(1, "a/lease"), 0.0) is None
    assert rivals.seen(KEY, body(1, "a/lease"), 1.0) is None
    assert rivals.seen(KEY, body(2, "b/lease"), 2.0) is None


def test_an_operator_that_goes_on_writing_is_named_until_it_stops() -> None:
    rivals = Rivals("b/lease")
    for version, writer in enumerate(["a/lease", "b/lease", "a/lease"]):
        named = rivals.seen(KEY, body(version, writer), float(version))
    assert named == "a/lease"
    assert rivals.seen(KEY, body(4, "b/lease"), 4.0) == "a/lease"
    assert rivals.seen(KEY, body(5, "b/lease"), 5.0 + REMEMBERED_SECONDS) is None


def test_replicas_of_one_installation_are_no_rivals() -> None:
    rivals = Rivals("b/lease")
    assert all(rivals.seen(KEY, body(version, "b/lease"), float(version)) is None for version in range(5))
