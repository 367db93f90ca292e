"""A RequestMirror filter, and nothing else of a rule."""

from __future__ import annotations

import copy
from fractions import Fraction
from typing import Any

import jsonpatch
import pytest

from bandit_operator.routers import ROUTERS
from bandit_operator.routers.mirror import (
    Mirroring,
    MirrorTarget,
    filters_apart,
    has_share,
    share_of,
    written,
)

KINDS = [router for (group, _), router in ROUTERS.items() if group == "gateway.networking.k8s.io"]
ROUTER = ROUTERS["gateway.networking.k8s.io", "HTTPRoute"]
OURS, OTHER = MirrorTarget("models", "shadow", 8080), MirrorTarget("models", "other", 80)
WANTED = Mirroring(OURS, Fraction(1, 10))
FOREIGN: list[Any] = [
    {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "a", "value": "b"}]}},
    {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "other", "port": 80}}},
    {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "shadow", "port": 9}}},
    {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "shadow", "port": 8080, "kind": "X"}}},
    {
        "type": "RequestMirror",
        "requestMirror": {"backendRef": {"name": "shadow", "port": 8080, "namespace": "b"}},
    },
]


def route(*filters: Any) -> dict[str, Any]:
    rule: dict[str, Any] = {"backendRefs": [{"name": "good", "port": 80}, {"name": "bad", "port": 80}]}
    if filters:
        rule["filters"] = copy.deepcopy(list(filters))
    return {
        "metadata": {"namespace": "models", "name": "income", "generation": 4},
        "spec": {"rules": [{"backendRefs": [{"name": "docs", "port": 80}]}, rule]},
    }


def ours(share: dict[str, Any], **ref: Any) -> dict[str, Any]:
    """The filter as the API server gives it back, with its defaults."""
    backend = {"group": "", "kind": "Service", "name": "shadow", "port": 8080, **ref}
    return {"type": "RequestMirror", "requestMirror": {"backendRef": backend, **share}}


def patched(before: dict[str, Any], wanted: Mirroring | None) -> list[Any]:
    """The rule's filters after the patch, of which the rest is as it was."""
    after = jsonpatch.apply_patch(before, ROUTER.mirror_patch(before, 1, wanted, {OURS}))
    filters = after["spec"]["rules"][1].get("filters", [])
    for one in (before, after):
        one["spec"]["rules"][1].pop("filters", None)
    assert after == before
    return list(filters)


@pytest.mark.parametrize("router", KINDS, ids=lambda router: router.kind)
def test_a_rule_without_filters_gets_one(router: Any) -> None:
    after = jsonpatch.apply_patch(route(), router.mirror_patch(route(), 1, WANTED, {OURS}))
    assert after["spec"]["rules"][1]["filters"] == [written(WANTED, route())]
    assert router.mirrors(after, 1) == (OURS,)
    assert router.mirror_patch(after, 1, WANTED, {OURS}) == []


def test_filters_of_others_stay_as_they_are_and_in_their_order() -> None:
    assert patched(route(*FOREIGN), WANTED) == [*FOREIGN, written(WANTED, route())]
    with_ours = [FOREIGN[0], ours({"percent": 10}), *FOREIGN[1:]]
    assert patched(route(*with_ours), None) == FOREIGN
    assert patched(route(*with_ours), Mirroring(OURS, Fraction(1, 4))) == [
        FOREIGN[0],
        written(Mirroring(OURS, Fraction(1, 4)), route()),
        *FOREIGN[1:],
    ]


@pytest.mark.parametrize(
    "stored",
    [
        ours({"percent": 10}),
        ours({"fraction": {"numerator": 10}}),
        ours({"fraction": {"numerator": 1, "denominator": 10}}),
        ours({"percent": 10}, namespace="models"),
    ],
    ids=["percent", "fraction of a hundred", "fraction", "namespace"],
)
def test_what_says_the_same_needs_no_patch(stored: Any) -> None:
    assert ROUTER.mirror_patch(route(stored), 1, WANTED, {OURS}) == []


def test_a_filter_that_came_twice_is_left_once() -> None:
    twice = route(ours({"percent": 10}), FOREIGN[0], ours({"percent": 10}))
    assert patched(twice, WANTED) == [ours({"percent": 10}), FOREIGN[0]]


def test_the_last_filter_takes_the_list_along() -> None:
    before = route(ours({"percent": 10}))
    after = jsonpatch.apply_patch(before, ROUTER.mirror_patch(before, 1, None, {OURS}))
    assert after == route()


def test_nothing_is_taken_out_where_nothing_is_ours() -> None:
    assert ROUTER.mirror_patch(route(*FOREIGN), 1, None, {OURS}) == []
    assert ROUTER.mirror_patch(route(ours({})), 1, None, set()) == []


def test_a_mirror_to_another_place_takes_the_place_of_the_one_before() -> None:
    before, moved = route(FOREIGN[0], ours({"percent": 10})), Mirroring(OTHER, None)
    after = jsonpatch.apply_patch(before, ROUTER.mirror_patch(before, 1, moved, {OURS, OTHER}))
    assert ROUTER.mirrors(after, 1) == (OTHER,)
    assert after["spec"]["rules"][1]["filters"][0] == FOREIGN[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one["metadata"].update(generation=5),
        lambda one: one["spec"]["rules"].reverse(),
        lambda one: one["spec"]["rules"][1]["filters"].reverse(),
    ],
    ids=["generation", "rules", "filters"],
)
@pytest.mark.parametrize("wanted", [None, Mirroring(OURS, None)], ids=["out", "share"])
def test_a_patch_made_from_an_old_view_is_refused_as_a_whole(change: Any, wanted: Any) -> None:
    before = route(FOREIGN[0], ours({"percent": 10}))
    patch = ROUTER.mirror_patch(before, 1, wanted, {OURS})
    change(before)
    with pytest.raises((jsonpatch.JsonPatchException, jsonpatch.JsonPointerException)):
        jsonpatch.apply_patch(before, patch)


def test_every_test_comes_before_the_first_change() -> None:
    patch = ROUTER.mirror_patch(route(*FOREIGN, ours({})), 1, WANTED, {OURS})
    kinds = [one["op"] for one in patch]
    assert kinds == ["test", "test", "test", "replace"]


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.1, {"percent": 10}),
        (0.07, {"percent": 7}),
        (1.0, {}),
        (0.125, {"fraction": {"numerator": 1, "denominator": 8}}),
        (0.001, {"fraction": {"numerator": 1, "denominator": 1000}}),
        (1e-9, {"fraction": {"numerator": 1, "denominator": 1_000_000}}),
        (1 / 3, {"fraction": {"numerator": 1, "denominator": 3}}),
    ],
)
def test_a_share_is_a_whole_percent_or_a_fraction(share: float, said: dict[str, Any]) -> None:
    one = written(Mirroring(OURS, share_of(share)), route())
    assert one["requestMirror"] == {"backendRef": {"name": "shadow", "port": 8080}, **said}
    assert has_share(route(one), 1, OURS) == bool(said)


def test_a_service_of_another_namespace_is_named_with_it() -> None:
    there = MirrorTarget("shadows", "shadow", 8080)
    one = written(Mirroring(there, None), route())
    assert one["requestMirror"]["backendRef"]["namespace"] == "shadows"
    assert ROUTER.mirrors(route(one), 1) == (there,)


@pytest.mark.parametrize(
    "filters",
    [
        5,
        "text",
        {"a": 1},
        [5, None, {"type": "RequestMirror"}],
        [{"type": "RequestMirror", "requestMirror": 5}],
    ],
)
def test_filters_that_cannot_be_read_are_nobodys(filters: Any) -> None:
    broken = route()
    broken["spec"]["rules"][1]["filters"] = filters
    assert ROUTER.mirrors(broken, 1) == ()
    assert ROUTER.mirror_patch(broken, 1, None, {OURS}) == []


def test_ours_are_told_from_all_others() -> None:
    assert filters_apart(route(*FOREIGN, ours({})), 1, [str(OURS)]) == ([ours({})], FOREIGN)


def test_a_mirror_is_no_use_of_a_backend() -> None:
    mirrored = route(ours({"percent": 10}))
    assert not ROUTER.uses(mirrored, OURS.backend)
    assert OURS.backend not in ROUTER.backends(mirrored, 1)
