"""HTTPRoute and GRPCRoute of the Gateway API (https://gateway-api.sigs.k8s.io/reference/spec/).

``spec.rules`` and ``backendRefs`` are atomic lists, so neither server-side apply nor a merge
patch can own a single weight: both would own, and overwrite, the user's filters and matches.
A JSON Patch can replace one number. Its ``test`` operations pin the generation and the names,
so a patch that was made from an old view of the route is refused as a whole. The generation
is tested and not the resourceVersion because gateways write the route's status all the time,
which changes only the latter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bandit_operator.core import reasons
from bandit_operator.core.model import Backend
from bandit_operator.routers.base import Located, Problem

DEFAULT_WEIGHT = 1
"""Weight of a backendRef that states none (Gateway API, BackendRef.weight)."""


@dataclass(frozen=True, slots=True)
class GatewayAPIRoute:
    """A route kind whose rules hold weighted ``backendRefs``."""

    kind: str
    plural: str
    group: str = "gateway.networking.k8s.io"
    version: str = "v1"
    verbs: tuple[str, ...] = ("get", "list", "watch", "patch")
    """What a watch has not shown is read once more before it is called missing."""
    max_backends: int = 16
    """``maxItems`` of ``backendRefs`` in the Gateway API's own definition."""

    def locate(
        self, route: Mapping[str, Any], section: str | None, arms: Mapping[str, Backend]
    ) -> Located | Problem:
        """Find the rule by its name, or the only one that carries every arm."""
        rules: Sequence[Mapping[str, Any]] = route["spec"].get("rules") or []
        if section is not None:
            named = [index for index, rule in enumerate(rules) if rule.get("name") == section]
            if not named:
                names = ", ".join(sorted(str(rule["name"]) for rule in rules if rule.get("name"))) or "none"
                return Problem(
                    reasons.RULE_NOT_FOUND,
                    f"spec.traffic.routeRef.sectionName: {self.kind} {_name(route)} has no rule named "
                    f"{section}; its named rules: {names}",
                )
            return _located(self.kind, route, named[0], arms)
        carrying = [
            index
            for index, rule in enumerate(rules)
            if set(arms.values()) <= {_backend(ref, route) for ref in rule.get("backendRefs") or []}
        ]
        if len(carrying) == 1:
            return _located(self.kind, route, carrying[0], arms)
        if len(carrying) > 1:
            return Problem(
                reasons.RULE_AMBIGUOUS,
                f"{len(carrying)} rules of {self.kind} {_name(route)} carry all arms; name one in "
                f"spec.traffic.routeRef.sectionName",
            )
        if len(rules) == 1:
            return _located(self.kind, route, 0, arms)  # says which arm is missing
        return Problem(
            reasons.RULE_NOT_FOUND,
            f"no rule of {self.kind} {_name(route)} carries all of {', '.join(map(str, arms.values()))}; "
            f"add them to one rule's backendRefs",
        )

    def patch(
        self, route: Mapping[str, Any], located: Located, weights: Mapping[str, int]
    ) -> list[dict[str, Any]]:
        """Tests first, so that all of them hold before the first number changes."""
        refs = route["spec"]["rules"][located.rule]["backendRefs"]
        tests: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/generation", "value": route["metadata"]["generation"]}
        ]
        changes: list[dict[str, Any]] = []
        for arm, position in located.positions.items():
            path = f"/spec/rules/{located.rule}/backendRefs/{position}"
            tests.append({"op": "test", "path": f"{path}/name", "value": refs[position]["name"]})
            if weights[arm] == located.weights[arm]:
                continue
            has_weight = "weight" in refs[position]
            if has_weight:
                tests.append({"op": "test", "path": f"{path}/weight", "value": located.weights[arm]})
            changes.append(
                {"op": "replace" if has_weight else "add", "path": f"{path}/weight", "value": weights[arm]}
            )
        return tests + changes if changes else []

    def accepted(self, route: Mapping[str, Any]) -> bool:
        """True as soon as one parent says ``Accepted`` at this generation."""
        return any(
            condition["type"] == "Accepted"
            and condition["status"] == "True"
            and condition.get("observedGeneration") == route["metadata"]["generation"]
            for condition in _conditions(route)
        )

    def unresolved(self, route: Mapping[str, Any]) -> str | None:
        """Message of a ``ResolvedRefs`` condition that is False."""
        for condition in _conditions(route):
            if condition["type"] == "ResolvedRefs" and condition["status"] == "False":
                return str(condition.get("message") or condition.get("reason") or "backends not resolved")
        return None


def _located(
    kind: str, route: Mapping[str, Any], rule: int, arms: Mapping[str, Backend]
) -> Located | Problem:
    refs = route["spec"]["rules"][rule].get("backendRefs") or []
    keys = [_backend(ref, route) for ref in refs]
    positions: dict[str, int] = {}
    for arm, backend in arms.items():
        count = keys.count(backend)
        if count != 1:
            how = "is not in" if count == 0 else f"is {count} times in"
            return Problem(
                reasons.BACKEND_NOT_FOUND,
                f"spec.arms: backendRef of arm {arm} ({backend}) {how} rule {rule} of {kind} {_name(route)}; "
                f"it must be there exactly once",
            )
        positions[arm] = keys.index(backend)
    return Located(
        rule=rule,
        positions=positions,
        weights={
            arm: int(refs[position].get("weight", DEFAULT_WEIGHT)) for arm, position in positions.items()
        },
        foreign=len(refs) > len(arms),
    )


def _backend(ref: Mapping[str, Any], route: Mapping[str, Any]) -> Backend:
    return Backend(
        group=ref.get("group") or "",
        kind=ref.get("kind") or "Service",
        namespace=ref.get("namespace") or route["metadata"]["namespace"],
        name=ref["name"],
    )


def _conditions(route: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    parents = (route.get("status") or {}).get("parents") or []
    return [condition for parent in parents for condition in parent.get("conditions") or []]


def _name(route: Mapping[str, Any]) -> str:
    return f"{route['metadata']['namespace']}/{route['metadata']['name']}"
