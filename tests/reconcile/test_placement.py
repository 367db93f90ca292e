"""What is said of a route in which an arm is not."""

from __future__ import annotations

from typing import Any

from bandit_operator.reconcile.problems import MOST_NAMED
from tests.support.process import Process


async def without_boosting(*others: str) -> str:
    """What condition Accepted says where the rule has other backends instead of an arm's."""
    one = Process(arms=("logistic", "boosting"))

    def change(spec: dict[str, Any]) -> None:
        (rule,) = spec["rules"]
        kept = [ref for ref in rule["backendRefs"] if "boosting" not in ref["name"]]
        assert len(kept) == 1
        rule["backendRefs"] = kept + [{"name": name, "port": 80, "weight": 1} for name in others]

    one.update_route(change)
    await one.look()
    accepted = one.condition("Accepted")
    assert (accepted["status"], accepted["reason"]) == ("False", "BackendNotFound")
    return str(accepted["message"])


async def test_an_arm_that_is_not_in_the_rule_is_told_beside_what_is_there() -> None:
    said = await without_boosting("income-bosting", "legacy")
    assert "is not in rule 0 of HTTPRoute models/income; add it to its backendRefs once, or name one" in said
    assert said.endswith("that is in it: Service models/income-bosting, Service models/legacy")


async def test_backends_of_other_arms_are_not_offered() -> None:
    assert (await without_boosting()).endswith("; add it to its backendRefs once")


async def test_of_many_backends_some_are_named() -> None:
    said = await without_boosting(*(f"other-{number:02}" for number in range(MOST_NAMED + 5)))
    assert "Service models/other-09 and 5 more" in said
