"""Two resources that want to move the weights of one rule: the older one does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bandit_operator.api.in_force import in_force
from bandit_operator.api.references import route_in
from bandit_operator.core import reasons
from bandit_operator.core.model import Problem

_OWN_RULES = "let each name a rule of its own in sectionName"


def older_owner(sharing: Sequence[Any]) -> Problem | None:
    """The problem that another resource, made before the first of these, has the same rule.

    Rules are compared as the resources name them: none given is taken for any rule. Of resources made
    in the same second the first by namespace and name is taken for the older, as Gateway API settles
    conflicts of routes (API reference, HTTPRouteRule.matches).

    Args:
        sharing: Resources that move one route; the one in question comes first.
    """
    if not sharing:
        return None
    mine, others = sharing[0], sharing[1:]
    reference = route_in(mine)
    for other in others:
        named = route_in(other)
        if replace(named, section=reference.section) != reference:
            continue  # what it names besides, it does not go by
        sections = {reference.section, named.section}
        if is_older(other, mine) and (len(sections) == 1 or None in sections):
            made = bool(mine["spec"]["traffic"].get("routeTemplate"))
            field, fix = ("routeTemplate", "give it another name") if made else ("routeRef", _OWN_RULES)
            return Problem(
                reasons.RULE_CONFLICT,
                f"spec.traffic.{field}: BanditDeployment {other['metadata']['name']} is older and already "
                f"moves the weights of {reference.kind} {reference.name}; delete one of the two, or {fix}",
            )
    return None


def claims(mine: Any, spec: Mapping[str, Any] | None, sharing: Iterable[Any]) -> list[Any]:
    """The resources that have a claim to a route, each with the spec that it goes by, ``mine`` first.

    What cannot be read, and never could, has no claim; nor has what is being deleted. All others have one,
    whatever their mode or their trouble, so that no claim comes and goes with these.

    Args:
        mine: The resource in question.
        spec: What it goes by.
        sharing: Resources that name the route.
    """
    return [{**mine, "spec": spec}, *others(mine["metadata"]["uid"], sharing)]


def others(uid: str, sharing: Iterable[Any]) -> list[Any]:
    """The other resources that have a claim to a route, each with the spec that it goes by.

    Args:
        uid: Of the resource in question.
        sharing: Resources that name the route.
    """
    known = (
        in_force(one)
        for one in sharing
        if one["metadata"]["uid"] != uid and not one["metadata"].get("deletionTimestamp")
    )
    return [one for one in known if one is not None]


def is_older(one: Any, other: Any) -> bool:
    """Whether a resource was made before another; of the same second the first by namespace and name was."""
    return _age(one) < _age(other)


def _age(body: Any) -> tuple[str, str, str]:
    metadata = body["metadata"]
    return metadata["creationTimestamp"], metadata["namespace"], metadata["name"]
