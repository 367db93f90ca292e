"""Two resources that want to move the weights of one rule: the older one does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bandit_operator.core import reasons
from bandit_operator.core.model import Problem


def older_owner(sharing: Sequence[Any]) -> Problem | None:
    """The problem that another resource, made before the first of these, has the same rule.

    Args:
        sharing: Resources whose routeRef names one route; the one in question comes first.

    Rules are compared as the resources name them: none given is taken for any rule. Of resources made
    in the same second the first by namespace and name is taken for the older, as Gateway API settles
    conflicts of routes (API reference, HTTPRouteRule.matches).
    """
    if not sharing:
        return None
    mine, others = sharing[0], sharing[1:]
    section = mine["spec"]["traffic"]["routeRef"].get("sectionName")
    for other in others:
        sections = {section, other["spec"]["traffic"]["routeRef"].get("sectionName")}
        if _age(other) < _age(mine) and (len(sections) == 1 or None in sections):
            reference = mine["spec"]["traffic"]["routeRef"]
            return Problem(
                reasons.RULE_CONFLICT,
                f"spec.traffic.routeRef: BanditDeployment {other['metadata']['name']} is older and already "
                f"moves the weights of {reference['kind']} {reference['name']}; delete one of the two, or "
                f"let each name a rule of its own in sectionName",
            )
    return None


def _age(body: Any) -> tuple[str, str, str]:
    metadata = body["metadata"]
    return metadata["creationTimestamp"], metadata["namespace"], metadata["name"]
