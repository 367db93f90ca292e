"""HTTPRoute and GRPCRoute of the Gateway API (https://gateway-api.sigs.k8s.io/reference/spec/).

``spec.rules`` and ``backendRefs`` are atomic lists, so neither server-side apply nor a merge
patch can own a single weight: both would own, and overwrite, the user's filters and matches.
A JSON Patch can replace one number. Its ``test`` operations pin the generation and the names,
so a patch that was made from an old view of the route is refused as a whole. The generation
is tested and not the resourceVersion because gateways write the route's status all the time,
which changes only the latter.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bandit_operator.core import reasons
from bandit_operator.core.model import Backend, Problem
from bandit_operator.routers import mirror
from bandit_operator.routers.base import GATEWAY_API, GATEWAY_API_VERSION, Located
from bandit_operator.routers.mirror import Mirroring, MirrorTarget

DEFAULT_WEIGHT = 1
"""Weight of a backendRef that states none (Gateway API, BackendRef.weight)."""


@dataclass(frozen=True, slots=True)
class GatewayAPIRoute:
    """A route kind whose rules hold weighted ``backendRefs``."""

    kind: str
    plural: str
    group: str = GATEWAY_API
    version: str = GATEWAY_API_VERSION
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
            return _located(self.kind, route, 0, arms)
        some = [
            index
            for index, rule in enumerate(rules)
            if set(arms.values()) & {_backend(ref, route) for ref in rule.get("backendRefs") or []}
        ]
        if len(some) == 1:
            return _located(self.kind, route, some[0], arms)
        return Problem(
            reasons.RULE_NOT_FOUND,
            f"no rule of {self.kind} {_name(route)} carries all of {', '.join(map(str, arms.values()))}; "
            f"add them to one rule's backendRefs",
        )

    def find_again(self, route: Mapping[str, Any], mark: str, arms: Mapping[str, Backend]) -> Located | None:
        """The only rule of that name and those matches, or the only one that there is."""
        rules = route["spec"].get("rules") or []
        marked = [at for at, rule in enumerate(rules) if len(rules) == 1 or _mark(route, rule) == mark]
        if not mark or len(marked) != 1:
            return None
        located = _placed(route, marked[0], arms)
        return located if located.positions else None

    def patch(
        self,
        route: Mapping[str, Any],
        located: Located,
        weights: Mapping[str, int],
        other_weights: Mapping[int, int],
    ) -> list[dict[str, Any]]:
        """Tests first, so that all of them hold before the first number changes."""
        refs = route["spec"]["rules"][located.rule]["backendRefs"]
        tests: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/generation", "value": route["metadata"]["generation"]}
        ]
        changes: list[dict[str, Any]] = []
        wanted = {position: weights[arm] for arm, position in located.positions.items()}
        wanted |= {at: weight for at, weight in other_weights.items() if weight != located.other_weights[at]}
        for position, weight in sorted(wanted.items()):
            path = f"/spec/rules/{located.rule}/backendRefs/{position}"
            tests.append({"op": "test", "path": f"{path}/name", "value": refs[position]["name"]})
            carried = int(refs[position].get("weight", DEFAULT_WEIGHT))
            if weight == carried:
                continue
            has_weight = "weight" in refs[position]
            if has_weight:
                tests.append({"op": "test", "path": f"{path}/weight", "value": carried})
            changes.append(
                {"op": "replace" if has_weight else "add", "path": f"{path}/weight", "value": weight}
            )
        return tests + changes if changes else []

    def mirrors(self, route: Mapping[str, Any], rule: int) -> tuple[MirrorTarget, ...]:
        """Of its RequestMirror filters."""
        return mirror.targets(route, rule)

    def mirror_patch(
        self,
        route: Mapping[str, Any],
        rule: int,
        wanted: Mirroring | None,
        ours: Collection[MirrorTarget],
    ) -> list[dict[str, Any]]:
        """One RequestMirror filter for what is wanted."""
        return mirror.patch(route, rule, wanted, ours)

    def backends(self, route: Mapping[str, Any], rule: int) -> list[Backend]:
        """Which backend each backendRef of the rule names."""
        return [_backend(ref, route) for ref in route["spec"]["rules"][rule].get("backendRefs") or []]

    def parents(self, route: Mapping[str, Any]) -> tuple[str, ...]:
        """Of its parentRefs."""
        refs = route["spec"].get("parentRefs") or []
        return tuple(_parent(route, {"parentRef": ref}, at) for at, ref in enumerate(refs))

    def accepting(self, route: Mapping[str, Any], before: Collection[str] = ()) -> tuple[str, ...]:
        """Parents that say ``Accepted`` of some generation, and those of before that still have a status."""
        return tuple(name for name, at in _acceptances(route) if at is not None or name in before)

    def pending(self, route: Mapping[str, Any], gateways: Collection[str]) -> tuple[str, ...]:
        """Those that do not say so of this generation."""
        now = {name for name, at in _acceptances(route) if at == route["metadata"]["generation"]}
        return tuple(name for name in gateways if name not in now)

    def left(self, route: Mapping[str, Any]) -> tuple[str, ...]:
        """Those of ``status.parents`` that ``spec.parentRefs`` does not name."""
        listed = enumerate((route.get("status") or {}).get("parents") or [])
        return tuple(_parent(route, one, at) for at, one in listed if not _is_asked_for(route, one))

    def refused(self, route: Mapping[str, Any]) -> str | None:
        """Messages of ``Accepted`` conditions that are False at this generation, each with who says so."""
        said = []
        for parent in (route.get("status") or {}).get("parents") or []:
            words = _denied(parent, "Accepted", "not accepted", route["metadata"]["generation"])
            if words is not None:
                named = (parent.get("parentRef") or {}).get("name")
                said.append(f"{_parent(route, parent, 0)}: {words}" if named else words)
        return "; ".join(dict.fromkeys(said)) or None

    def unresolved(self, route: Mapping[str, Any]) -> str | None:
        """Messages of ``ResolvedRefs`` conditions that are False.

        Until a parent speaks of the present generation its last word stands: a change of weights resolves
        nothing. Of a parent that the route does not name any more no further word is to come.
        """
        now = route["metadata"]["generation"]
        said = [
            _denied(
                parent, "ResolvedRefs", "backends not resolved", None if _is_asked_for(route, parent) else now
            )
            for parent in (route.get("status") or {}).get("parents") or []
        ]
        return "; ".join(dict.fromkeys(one for one in said if one is not None)) or None

    def uses(self, route: Mapping[str, Any], backend: Backend, *, besides: int | None = None) -> bool:
        """Whether a backendRef of another rule names it with a weight."""
        return any(
            _backend(ref, route) == backend and int(ref.get("weight", DEFAULT_WEIGHT)) > 0
            for index, rule in enumerate(route["spec"].get("rules") or [])
            if index != besides
            for ref in rule.get("backendRefs") or []
        )

    def writers(self, route: Mapping[str, Any]) -> tuple[str, ...]:
        """From ``metadata.managedFields``, of whoever owns ``spec.rules``."""
        entries = [
            entry
            for entry in route["metadata"].get("managedFields") or []
            if "f:rules" in (entry.get("fieldsV1", {}).get("f:spec") or {})
        ]
        entries.sort(key=lambda entry: str(entry.get("time", "")), reverse=True)
        return tuple(dict.fromkeys(str(entry.get("manager", "")) for entry in entries))


def _located(
    kind: str, route: Mapping[str, Any], rule: int, arms: Mapping[str, Backend]
) -> Located | Problem:
    located = _placed(route, rule, arms)
    there = list(located.other_backends.values())
    for arm, backend in arms.items():
        if backend in there:
            return Problem(
                reasons.BACKEND_NOT_FOUND,
                f"spec.arms: backendRef of arm {arm} ({backend}) is {there.count(backend)} times in rule "
                f"{rule} of {kind} {_name(route)}; it must be there exactly once",
            )
    if not located.positions:
        return Problem(
            reasons.RULE_NOT_FOUND,
            f"rule {rule} of {kind} {_name(route)} carries none of {', '.join(map(str, arms.values()))}; "
            f"add them to its backendRefs",
        )
    return located


def _placed(route: Mapping[str, Any], rule: int, arms: Mapping[str, Backend]) -> Located:
    """Where the arms stand in a rule; one whose backend is not in it once is left out."""
    described = route["spec"]["rules"][rule]
    refs = described.get("backendRefs") or []
    keys = [_backend(ref, route) for ref in refs]
    positions = {arm: keys.index(backend) for arm, backend in arms.items() if keys.count(backend) == 1}
    carried = [int(ref.get("weight", DEFAULT_WEIGHT)) for ref in refs]
    own = set(positions.values())
    return Located(
        rule=rule,
        positions=positions,
        weights={arm: carried[positions[arm]] if arm in positions else 0 for arm in arms},
        other_weights={index: weight for index, weight in enumerate(carried) if index not in own},
        other_backends={index: backend for index, backend in enumerate(keys) if index not in own},
        ports={
            arm: port for arm, index in positions.items() if isinstance(port := refs[index].get("port"), int)
        },
        mark=_mark(route, described),
        rewritten=frozenset(arm for arm, index in positions.items() if refs[index].get("filters")),
        sessions_persist=described.get("sessionPersistence") is not None,
    )


def _mark(route: Mapping[str, Any], rule: Mapping[str, Any]) -> str:
    """Digest of what does not change when a rule's backends, weights and filters do."""
    said = [_name(route), rule.get("name"), rule.get("matches")]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _backend(ref: Mapping[str, Any], route: Mapping[str, Any]) -> Backend:
    return Backend(
        group=ref.get("group") or "",
        kind=ref.get("kind") or "Service",
        namespace=ref.get("namespace") or route["metadata"]["namespace"],
        name=ref["name"],
    )


def _denied(parent: Mapping[str, Any], kind: str, otherwise: str, generation: int | None) -> str | None:
    """Messages of a parent's conditions of a kind that are False, at a generation or at any, or None."""
    said = [
        str(condition.get("message") or condition.get("reason") or otherwise)
        for condition in parent.get("conditions") or []
        if condition.get("type") == kind
        and condition.get("status") == "False"
        and generation in (None, condition.get("observedGeneration"))
    ]
    return "; ".join(dict.fromkeys(said)) or None


def _is_asked_for(route: Mapping[str, Any], parent: Mapping[str, Any]) -> bool:
    """Whether ``spec.parentRefs`` names a parent, by whichever listener; so counts one without a name."""
    ref = parent.get("parentRef") or {}
    asked = {_object_of(route, one) for one in route["spec"].get("parentRefs") or []}
    return not ref.get("name") or _object_of(route, ref) in asked


def _object_of(route: Mapping[str, Any], ref: Mapping[str, Any]) -> tuple[str, ...]:
    """Kind, namespace and name of a parentRef, with their defaults."""
    place = (ref.get("namespace") or route["metadata"]["namespace"], ref.get("name"))
    return tuple(map(str, (ref.get("kind") or "Gateway", *place)))


def _acceptances(route: Mapping[str, Any]) -> list[tuple[str, int | None]]:
    """Each parent's name, and the generation that it accepts, or None."""
    found = []
    for at, parent in enumerate((route.get("status") or {}).get("parents") or []):
        accepts = [
            condition.get("observedGeneration")
            for condition in parent.get("conditions") or []
            if condition.get("type") == "Accepted" and condition.get("status") == "True"
        ]
        found.append((_parent(route, parent, at), (accepts[0] or 0) if accepts else None))
    return found


def _parent(route: Mapping[str, Any], parent: Mapping[str, Any], at: int) -> str:
    """A parent in words that tell it from the route's others; by its place where it has no name."""
    ref = parent.get("parentRef") or {}
    if not ref.get("name"):
        return f"parent {at}"
    place = [ref.get("namespace") or route["metadata"]["namespace"], ref["name"]]
    place += [ref[part] for part in ("sectionName", "port") if ref.get(part)]
    by = parent.get("controllerName")
    return f"{ref.get('kind') or 'Gateway'} {'/'.join(map(str, place))}{f' ({by})' if by else ''}"


def _name(route: Mapping[str, Any]) -> str:
    return f"{route['metadata']['namespace']}/{route['metadata']['name']}"
