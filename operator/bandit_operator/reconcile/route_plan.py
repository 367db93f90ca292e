"""What is written to the route, and when: at once, or with other resources where it can wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bandit_operator.core import windows
from bandit_operator.core.decision import Decision
from bandit_operator.core.model import SERVING_STATES, Mode
from bandit_operator.core.weights import Unit, unit_of
from bandit_operator.reconcile import former
from bandit_operator.reconcile.placement import Placement
from bandit_operator.reconcile.tracked import Tracked

LARGE_LOSS = 0.2
"""An arm that loses more than this part of the traffic loses it at once."""


@dataclass(frozen=True, slots=True)
class RouteWrite:
    """Weights that the route is to carry and does not carry yet."""

    weights: Mapping[str, int]
    """Of the arms."""
    other_weights: Mapping[int, int]
    """Of the other backends of the rule, by their index."""
    at: float
    """When it is due, seconds since the Unix epoch."""


def unit(tracked: Tracked, placement: Placement) -> Unit:
    """In what the weights are written: of the committed ones while the others' are what they were.

    Where another writer has left the arms nothing they are given back what they had. What a backend has that
    was an arm and is to lose its weight goes to the arms, not to the other backends.
    """
    located, committed = placement.located, tracked.committed.intention
    gone = former.draining(tracked.resource, located, tracked.committed.backends)
    staying = tuple(weight for at, weight in located.other_weights.items() if at not in gone)
    leaving = tuple(weight for at, weight in located.other_weights.items() if at in gone)
    arms = sum(located.weights.values())
    meant = {} if committed is None else committed.weights
    had = sum(meant.get(arm, 0) for arm in located.weights)
    if any(meant.values()) and tracked.route.knows_others(located, gone):
        arms = sum(meant.values()) + sum(located.weights[arm] for arm in located.weights if arm not in meant)
    elif arms == 0 and had > 0:
        arms = had
    else:
        arms += sum(leaving)
    return unit_of(arms, staying, leaving)


def route_write(
    tracked: Tracked,
    placement: Placement,
    decision: Decision,
    unit: Unit,
    gone: frozenset[int],
    *,
    now: float,
    monotonic: float,
    resources: int,
) -> RouteWrite | None:
    """What is to be written to the route, and when.

    None where it carries it, is to be made, is left to others, or has to wait in a contest, and while no
    arm can serve.

    Args:
        tracked: the resource.
        placement: the route as it was looked at.
        decision: what was decided.
        unit: in what the weights are written.
        gone: indices of backends that were arms and lose their weight.
        now: seconds since the Unix epoch.
        monotonic: seconds by the monotonic clock.
        resources: how many each replica has.
    """
    if tracked.experiment.mode is not Mode.ACTIVE or placement.missing:
        return None
    located = placement.located
    weights = {arm: decision.weights[arm] for arm in located.positions}
    drained = any(located.other_weights[at] > 0 for at in gone)
    if not drained and all(located.weights[arm] == weight for arm, weight in weights.items()):
        return None
    if not any(standing.state in SERVING_STATES for standing in decision.standings.values()):
        return None  # whoever gave the requests to something else may know who answers them
    harmful = any(
        located.weights[arm] > 0 and decision.standings[arm].state not in SERVING_STATES for arm in weights
    )
    pin = tracked.experiment.pin
    if pin is not None and pin in weights and decision.standings[pin].state in SERVING_STATES:
        harmful |= any(located.weights[arm] > 0 for arm in weights if arm != pin)  # they are to have none
    staying = {at: weight for at, weight in located.other_weights.items() if at not in gone}
    harmful |= not any(staying.values()) and not any(
        located.weights[arm] > 0 for arm in weights if decision.standings[arm].state in SERVING_STATES
    )
    if not tracked.route.may_assert(monotonic, harmful=harmful):
        return None
    other_weights = unit.of_others(staying, beside=sum(decision.weights.values())) | dict.fromkeys(gone, 0)
    at = now if harmful else write_at(tracked, located.weights, weights, now, resources)
    return RouteWrite(weights, other_weights, at)


def write_at(
    tracked: Tracked, before: Mapping[str, int], after: Mapping[str, int], now: float, resources: int
) -> float:
    """When weights are written, seconds since the Unix epoch; ``now`` for at once.

    Args:
        tracked: the resource.
        before: what its route carries, by arm.
        after: what it shall carry, maybe in another unit.
        now: seconds since the Unix epoch.
        resources: how many each replica has.
    """
    if tracked.experiment.pin is not None:
        return now  # whoever pins an arm does not want to wait
    had, has = (max(sum(weights.values()), 1) for weights in (before, after))
    if max(before[arm] / had - weight / has for arm, weight in after.items()) > LARGE_LOSS:
        return now
    return windows.write_moment(now, tracked.experiment.interval, tracked.settle, resources)
