"""What one joined answer is worth, and how that is counted, for served answers and shadows alike."""

from __future__ import annotations

import json
from collections.abc import Iterable

from bandit_serving.collector import counters as names
from bandit_serving.collector.counters import MILLION, Counters, Key, count
from bandit_serving.logs import get_logger
from bandit_serving.rewards import Ratio, RewardType, RouteRewards
from bandit_serving.rewards.base import NeverEqual

log = get_logger(__name__)

_MORE_SUMS = {
    RewardType.GAUSSIAN: (names.LOSSES, names.SQUARES),
    RewardType.RATIO: (
        names.SQUARES,
        names.DENOMINATORS,
        names.DENOMINATOR_SQUARES,
        names.CROSS_PRODUCTS,
    ),
}


def compute(
    rewards: RouteRewards, route: str, arm: str, outputs: str, label: str
) -> tuple[RewardType, float | Ratio] | None:
    """Return the type and the value of a reward, or None where there is none.

    Raises:
        NeverEqual: The outputs and the label are classes, and no right answer could look like this.
    """
    values, truth = json.loads(outputs), json.loads(label)
    function, reward = rewards.find(route), None
    try:
        if function is not None:
            reward = function.reward(values, truth)
    except NeverEqual:
        raise
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        # Both were checked when they came, by the function that the route had then.
        log.warning("no reward: the reward function has changed", route=route, arm=arm, reason=str(error))
    return None if function is None or reward is None else (function.type, reward)


def sums_of(kind: RewardType) -> tuple[str, ...]:
    """Return the names of the counters that rewards of a type are judged by."""
    return (names.TRIALS, names.SUCCESSES, *_MORE_SUMS.get(kind, ()))


def begin(changes: Counters, before: Counters, sums: Iterable[str], route: str, arm: str) -> None:
    """Let sums be there at 0 before anything is added to them.

    Args:
        changes: What is added to.
        before: The counters as they were last committed.
        sums: Names of the counters.
        route: Route of the requests.
        arm: The arm that answered them, or the pair.
    """
    for name in sums:
        if Key(name, route, arm) not in before:
            count(changes, name, route, arm, 0)


def count_trial(
    changes: Counters, route: str, arm: str, kind: RewardType, reward: float | Ratio, prefix: str = ""
) -> None:
    """Count a trial and the sums that rewards of its type are judged by.

    Args:
        changes: What is added to.
        route: Route of the request.
        arm: The arm that answered it.
        kind: Type of the reward.
        reward: Its value.
        prefix: Before the names of the counters.
    """
    over = reward.denominator if isinstance(reward, Ratio) else 0.0
    x, y = round(over * MILLION), millionths(reward)
    values = {
        names.TRIALS: 1,
        names.SUCCESSES: max(y, 0),
        names.LOSSES: max(-y, 0),  # a counter must not fall
        names.SQUARES: y * y,
        names.DENOMINATORS: x,
        names.DENOMINATOR_SQUARES: x * x,
        names.CROSS_PRODUCTS: x * y,
    }
    for name in sums_of(kind):
        count(changes, prefix + name, route, arm, values[name])


def millionths(reward: float | Ratio) -> int:
    """Return a reward, or the numerator of a ratio, in millionths."""
    return round((reward.numerator if isinstance(reward, Ratio) else reward) * MILLION)
