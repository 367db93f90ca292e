"""The routers that there are, and who is which."""

from __future__ import annotations

import pytest

from bandit_operator.routers import ROUTERS, RouteReference, router_of, router_of_kind


def test_they_are_sorted_and_no_two_are_of_one_kind() -> None:
    assert list(ROUTERS) == sorted(ROUTERS)
    kinds = [kind for _, kind in ROUTERS]
    assert len(set(kinds)) == len(kinds)


@pytest.mark.parametrize(("group", "kind"), ROUTERS)
def test_a_router_is_found_by_a_reference_and_by_its_kind(group: str, kind: str) -> None:
    router = router_of(RouteReference(group, kind, "models", "income", None))
    assert (router.group, router.kind) == (group, kind)
    assert router_of_kind(kind) is router
