"""How weights that another writer changes are re-asserted, and what is said of the route."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bandit_operator.core import reasons
from bandit_operator.core.decision import Intention
from bandit_operator.core.model import Problem
from bandit_operator.reconcile.contest import CONTEST_PATIENCE, CONTEST_SECONDS
from bandit_operator.reconcile.placement import Placement
from bandit_operator.reconcile.route_sync import ACCEPT_SECONDS, RouteSync
from tests.support.fake_api import copied
from tests.support.playing import WORSE, Start, learned, until_state

WRITERS = ("helm", "bandit-operator")
INTENDED = Intention({}, {"a": 9000, "b": 1000})


def placed(
    accepted: bool = True, unresolved: str | None = None, refused: str | None = None, **weights: int
) -> Any:
    """A route as the observer shows it."""
    return SimpleNamespace(
        located=SimpleNamespace(weights=weights or dict(INTENDED.weights), other_weights={}),
        router=SimpleNamespace(
            unresolved=lambda _: unresolved,
            refused=lambda _: refused,
            writers=lambda _: WRITERS,
            parents=lambda _: ("Gateway infra/edge",),
        ),
        route={"metadata": {"namespace": "models"}},
        accepted=accepted,
        generation=7,
        missing=False,
        unmirrored=None,
        edited=False,
        unprogrammed=None,
        unseen=None,
        left=None,
        failing={},
        pending="",
    )


def contested(changes: int) -> RouteSync:
    """A route whose weights another writer has changed so often, a second apart."""
    sync = RouteSync()
    for second in range(changes):
        sync.observe_weights(placed(), INTENDED, monotonic=float(second), wall=float(second))
        sync.observe_weights(placed(a=1, b=1), INTENDED, monotonic=float(second), wall=float(second))
    sync.begin_write(float(changes))
    return sync


def trouble_of(sync: RouteSync, placement: Placement, monotonic: float) -> tuple[str, str]:
    trouble = sync.state(placement, monotonic).trouble
    assert trouble is not None
    return trouble.reason, trouble.message


def test_weights_that_were_never_in_sync_are_a_write_of_ours_that_is_still_to_come() -> None:
    sync = RouteSync()
    assert not sync.observe_weights(placed(a=1, b=1), INTENDED, monotonic=0.0, wall=0.0)
    assert sync.foreign_changes == 0


def test_a_foreign_change_is_counted_once_and_re_asserted_at_once() -> None:
    sync = RouteSync()
    sync.observe_weights(placed(), INTENDED, monotonic=0.0, wall=0.0)
    assert sync.observe_weights(placed(a=1, b=1), INTENDED, monotonic=1.0, wall=1.0)
    assert not sync.observe_weights(placed(a=1, b=1), INTENDED, monotonic=2.0, wall=2.0)
    assert sync.foreign_changes == 1
    assert sync.may_assert(2.0, harmful=False)


def test_a_few_changes_are_still_re_asserted_at_once() -> None:
    sync = contested(CONTEST_PATIENCE)
    assert sync.state(placed(), 5.0).trouble is None
    assert sync.may_assert(5.0, harmful=False)


def test_a_contest_is_backed_off_from_with_growing_delays() -> None:
    delays = [contested(CONTEST_PATIENCE + extra).back_off(20.0) for extra in range(1, 6)]
    assert delays == [10, 20, 40, 80, 160]
    sync = contested(CONTEST_PATIENCE + 1)
    assert not sync.may_assert(6.0 + 9.0, harmful=False)
    assert sync.may_assert(6.0 + 10.0, harmful=False)


def test_weights_that_send_requests_where_none_may_go_are_not_waited_for() -> None:
    sync = contested(CONTEST_PATIENCE + 5)
    assert not sync.may_assert(12.0, harmful=False)
    assert sync.may_assert(12.0, harmful=True)


def test_a_contest_names_who_writes_the_route() -> None:
    sync = contested(20)
    assert "written by helm " in trouble_of(sync, placed(), 20.0)[1]


def test_a_contest_is_over_once_nobody_has_changed_anything_for_a_while() -> None:
    sync = contested(20)
    assert trouble_of(sync, placed(), 20.0)[0] == reasons.WEIGHTS_CONTESTED
    assert sync.state(placed(), 20.0 + CONTEST_SECONDS).trouble is None


def test_a_gateway_has_a_moment_to_accept_a_generation() -> None:
    sync = RouteSync()
    sync.observe_acceptance(placed(accepted=False), 0.0)
    assert sync.state(placed(accepted=False), ACCEPT_SECONDS).trouble is None
    reason, message = trouble_of(sync, placed(accepted=False), ACCEPT_SECONDS + 1)
    assert reason == reasons.ROUTE_NOT_ACCEPTED
    assert "generation 7" in message


def test_a_route_that_a_gateway_refuses_is_said_at_once_in_its_own_words() -> None:
    sync, refused = RouteSync(), placed(accepted=False, refused="not allowed by the listener")
    sync.observe_acceptance(refused, 0.0)
    assert trouble_of(sync, refused, 0.0) == (
        reasons.ROUTE_NOT_ACCEPTED,
        "the gateway refuses the route: not allowed by the listener",
    )


def test_a_route_that_was_accepted_as_it_is_and_is_no_more_is_said_at_once() -> None:
    sync = RouteSync()
    sync.observe_acceptance(placed(), 0.0)
    sync.observe_acceptance(placed(accepted=False), 1.0)
    assert "any more" in trouble_of(sync, placed(accepted=False), 1.0)[1]
    sync.observe_acceptance(placed(), 2.0)
    assert sync.state(placed(), 2.0).trouble is None


def test_what_the_gateway_cannot_resolve_is_said_in_its_own_words() -> None:
    trouble = RouteSync().state(placed(unresolved="no port 81"), 0.0).trouble
    assert trouble == Problem(reasons.BACKEND_UNRESOLVED, "the gateway says: no port 81")


@pytest.mark.parametrize(
    ("requests", "start", "told"),
    [
        ({"a": 500.0, "b": 500.0}, 10.0, True),
        ({"a": 900.0, "b": 100.0}, 10.0, False),
        ({"a": 3.0, "b": 3.0}, 10.0, False),
        ({"a": 500.0, "b": 500.0}, 2.0, False),
    ],
    ids=["otherwise than meant", "as meant", "too few to tell", "before the gateway could follow"],
)
def test_shares_that_do_not_follow_the_weights_are_said_once_they_can_be_told(
    requests: Any, start: float, told: bool
) -> None:
    sync = RouteSync()
    sync.observe_weights(placed(), INTENDED, monotonic=0.0, wall=0.0)
    sync.observe_requests(requests, INTENDED, ("a", "b"), start)
    trouble = sync.state(placed(), 0.0).trouble
    assert (trouble is not None and trouble.reason == reasons.NOT_FOLLOWED) is told


def test_a_small_arm_that_starves_is_noticed_after_a_few_windows_of_little_traffic() -> None:
    intention = Intention({}, {"a": 9500, "b": 500})
    sync = RouteSync()
    sync.observe_weights(placed(a=9500, b=500), intention, monotonic=0.0, wall=0.0)
    noticed = []
    for window in range(8):
        sync.observe_requests({"a": 240.0, "b": 0.0}, intention, ("a", "b"), 10.0 + 30 * window)
        noticed.append(sync.state(placed(a=9500, b=500), 0.0).trouble is not None)
    assert noticed[-1]
    assert not noticed[0]


def test_requests_at_an_arm_without_weight_are_noticed_at_any_traffic() -> None:
    intention = Intention({}, {"a": 10000, "b": 0})
    sync = RouteSync()
    sync.observe_weights(placed(a=10000, b=0), intention, monotonic=0.0, wall=0.0)
    sync.observe_requests({"a": 20.0, "b": 8.0}, intention, ("a", "b"), 10.0)
    assert trouble_of(sync, placed(a=10000, b=0), 0.0)[0] == reasons.NOT_FOLLOWED


@pytest.mark.parametrize("seed", range(5))
def test_shares_that_follow_the_weights_are_not_taken_for_others(seed: int) -> None:
    intention = Intention({}, {"a": 9500, "b": 500})
    sync, generator = RouteSync(), np.random.default_rng(seed)
    sync.observe_weights(placed(a=9500, b=500), intention, monotonic=0.0, wall=0.0)
    for window in range(400):
        small = float(generator.binomial(120, 0.05))
        sync.observe_requests({"a": 120 - small, "b": small}, intention, ("a", "b"), 10.0 + 30 * window)
        assert sync.state(placed(a=9500, b=500), 0.0).trouble is None


async def test_weights_of_another_route_that_the_user_names_are_nobodys_change(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    route = copied(one.api.objects[one.route_path])
    for ref in route["spec"]["rules"][0]["backendRefs"]:
        ref["weight"] = 50
    other = {**route, "metadata": {**route["metadata"], "name": "other", "uid": "other"}}
    one.api.put(one.route_path.replace("income", "other"), other)
    named = one.api.objects[one.path]["spec"]["traffic"]["routeRef"]
    one.update_spec(traffic={"routeRef": {**named, "name": "other"}})
    await one.look()
    refs = one.api.objects[one.route_path.replace("income", "other")]["spec"]["rules"][0]["backendRefs"]
    assert [ref["weight"] for ref in refs] == [10000, 0]
    assert one.status["foreignWeightChanges"] == 0


async def test_whoever_keeps_taking_all_weight_away_is_not_given_way_to(process: Start) -> None:
    one = await learned(process)
    dark = longest = 0
    for second in range(300):
        one.now += 1.0
        if second % 5 == 0:
            one.set_weights(good=0, bad=0)
        one.gateway()
        await one.look(tick=second % 30 == 0)
        dark = 0 if any(one.weights().values()) else dark + 1
        longest = max(longest, dark)
    assert longest <= 1
    assert "or to nothing" in one.condition("Ready")["message"]
