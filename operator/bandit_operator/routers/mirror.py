"""RequestMirror filters of the Gateway API: read, put in, kept and taken out, one filter at a time.

Reference: Gateway API, HTTPRequestMirrorFilter (https://gateway-api.sigs.k8s.io/reference/spec/). Only a
filter that mirrors to exactly one of our targets is ours; all others stay byte for byte, in their order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from bandit_operator.core.model import Backend

LARGEST_DENOMINATOR = 1_000_000
"""Of a share that is no whole percent: the API takes 32 bits."""
_TYPE = "RequestMirror"
_FIELD = "requestMirror"


@dataclass(frozen=True, slots=True)
class MirrorTarget:
    """A port of a Service that copies are sent to."""

    namespace: str
    name: str
    port: int

    @property
    def backend(self) -> Backend:
        """The Service."""
        return Backend("", "Service", self.namespace, self.name)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}:{self.port}"


@dataclass(frozen=True, slots=True)
class Mirroring:
    """What is to be mirrored where."""

    target: MirrorTarget
    share: Fraction | None
    """Share of the requests; None where the gateway is to mirror all of them."""


def targets(route: Mapping[str, Any], rule: int) -> tuple[MirrorTarget, ...]:
    """Services that the rule mirrors requests to, in the order of its filters."""
    return tuple(target for _, one in _filters(route, rule) if (target := _target(one, route)) is not None)


def has_share(route: Mapping[str, Any], rule: int, target: MirrorTarget) -> bool:
    """Whether a filter says which share of the requests is mirrored to a target."""
    filters = (one for _, one in _filters(route, rule) if _target(one, route) == target)
    return any(_share(one) is not None for one in filters)


def filters_apart(route: Mapping[str, Any], rule: int, ours: Collection[str]) -> tuple[list[Any], list[Any]]:
    """The rule's filters that mirror to one of these targets, as they are written out, and all others."""
    own: list[Any] = []
    others: list[Any] = []
    for _, one in _filters(route, rule):
        target = _target(one, route)
        (own if target is not None and str(target) in ours else others).append(one)
    return own, others


def patch(
    route: Mapping[str, Any], rule: int, wanted: Mirroring | None, ours: Collection[MirrorTarget]
) -> list[dict[str, Any]]:
    """JSON Patch that makes the rule mirror what is wanted; empty where it does.

    Args:
        route: the route.
        rule: index of the rule.
        wanted: what is to be mirrored; None for nothing.
        ours: targets whose filters are ours: any but that of what is wanted are taken out.
    """
    path = f"/spec/rules/{rule}"
    found = list(_filters(route, rule))
    kept: int | None = None
    over: list[int] = []
    for at, one in found:
        target = _target(one, route)
        if target is None or target not in ours:
            continue
        if wanted is not None and target == wanted.target and kept is None:
            kept = at
        else:
            over.append(at)
    tests: list[dict[str, Any]] = [
        {"op": "test", "path": "/metadata/generation", "value": route["metadata"]["generation"]}
    ]
    changes: list[dict[str, Any]] = []
    as_they_are = dict(found)
    if kept is not None and wanted is not None and _share(as_they_are[kept]) != wanted.share:
        changes.append({"op": "replace", "path": f"{path}/filters/{kept}", "value": written(wanted, route)})
        tests.append(_as_is(path, kept, as_they_are))
    tests += [_as_is(path, at, as_they_are) for at in over]
    # From the end: the places of the rest stay what they are.
    changes += [{"op": "remove", "path": f"{path}/filters/{at}"} for at in reversed(over)]
    if wanted is not None and kept is None:
        if found:
            changes.append({"op": "add", "path": f"{path}/filters/-", "value": written(wanted, route)})
        else:
            changes.append({"op": "add", "path": f"{path}/filters", "value": [written(wanted, route)]})
    elif found and len(over) == len(found):
        changes = [{"op": "remove", "path": f"{path}/filters"}]
    if not changes:
        return []
    refs: Sequence[Mapping[str, Any]] = route["spec"]["rules"][rule].get("backendRefs") or []
    tests += [
        {"op": "test", "path": f"{path}/backendRefs/{at}/name", "value": ref["name"]}
        for at, ref in enumerate(refs[:1])
    ]
    return tests + changes


def written(wanted: Mirroring, route: Mapping[str, Any]) -> dict[str, Any]:
    """The filter as it is sent to the API server."""
    target = wanted.target
    ref: dict[str, Any] = {"name": target.name, "port": target.port}
    if target.namespace != route["metadata"]["namespace"]:
        ref["namespace"] = target.namespace
    mirror: dict[str, Any] = {"backendRef": ref}
    if wanted.share is not None:
        percent = 100 * wanted.share
        if percent.denominator == 1:
            mirror["percent"] = int(percent)
        else:
            share = wanted.share
            mirror["fraction"] = {"numerator": share.numerator, "denominator": share.denominator}
    return {"type": _TYPE, _FIELD: mirror}


def share_of(share: float) -> Fraction | None:
    """A share of the requests as a filter can say it; None for all of them, which no filter need say."""
    nearest = Fraction(share).limit_denominator(LARGEST_DENOMINATOR)
    return None if nearest >= 1 else max(nearest, Fraction(1, LARGEST_DENOMINATOR))


def _as_is(path: str, at: int, filters: Mapping[int, Any]) -> dict[str, Any]:
    return {"op": "test", "path": f"{path}/filters/{at}", "value": filters[at]}


def _filters(route: Mapping[str, Any], rule: int) -> Iterator[tuple[int, Any]]:
    """The rule's filters by their index; none where what is there is no list."""
    filters = route["spec"]["rules"][rule].get("filters")
    return enumerate(filters if isinstance(filters, list | tuple) else ())


def _target(one: Any, route: Mapping[str, Any]) -> MirrorTarget | None:
    """The Service that a filter mirrors to; None where it does something else, or cannot be read."""
    mirror = _mirror(one)
    ref = mirror.get("backendRef")
    if not isinstance(ref, Mapping) or (ref.get("group") or "", ref.get("kind") or "Service") != (
        "",
        "Service",
    ):
        return None
    name, port = ref.get("name"), ref.get("port")
    namespace = ref.get("namespace") or route["metadata"]["namespace"]
    if not isinstance(name, str) or not isinstance(port, int) or not isinstance(namespace, str):
        return None
    return MirrorTarget(namespace, name, port)


def _share(one: Any) -> Fraction | None:
    """The share that a filter states; None where it states none, or all."""
    mirror = _mirror(one)
    percent, fraction = mirror.get("percent"), mirror.get("fraction")
    if isinstance(percent, int):
        share = Fraction(percent, 100)
    elif isinstance(fraction, Mapping) and isinstance(fraction.get("numerator"), int):
        share = Fraction(fraction["numerator"], int(fraction.get("denominator") or 100))
    else:
        return None
    return None if share >= 1 else share


def _mirror(one: Any) -> Mapping[str, Any]:
    if not isinstance(one, Mapping) or one.get("type") != _TYPE:
        return {}
    mirror = one.get(_FIELD)
    return mirror if isinstance(mirror, Mapping) else {}
