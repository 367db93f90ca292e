"""Joins shadows with labels: the answers of all arms to a copy of one request, each with the same label.

Nothing here changes what is counted of served answers. A label is joined with each shadow of its request
once, whichever comes first, and it is no matter whether the request has a served answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence

from bandit_serving.collector import counters as names
from bandit_serving.collector.counters import SHADOW, Counters, count
from bandit_serving.collector.events import Label, RequestKey, Shadow, first_of_each
from bandit_serving.collector.stores.base import EXPIRED
from bandit_serving.collector.stores.shadows import KnownShadow, Settled, ShadowKey, ShadowTable
from bandit_serving.collector.trials import begin, compute, count_trial, millionths, sums_of
from bandit_serving.errors import BadRequest
from bandit_serving.logs import get_logger
from bandit_serving.rewards import Ratio, RewardType, RouteRewards
from bandit_serving.rewards.base import NeverEqual

log = get_logger(__name__)

MOST_ARMS = 20  # that may have a shadow of one request
_PAIR_SUMS = (names.PAIR_TRIALS, names.PAIR_GAINS, names.PAIR_LOSSES, names.PAIR_SQUARES)


class ShadowJoiner:
    """Counts each shadow once and each pair of a request once, inside the joiner's transactions."""

    def __init__(self, table: ShadowTable, rewards: RouteRewards, counters: Callable[[], Counters]) -> None:
        """Find out which routes have shadows.

        Args:
            table: Where shadows are kept.
            rewards: Compute the rewards of joined shadows.
            counters: Gives all counters as they were last committed.
        """
        self._table, self._rewards, self._counters = table, rewards, counters
        # A route without shadows costs its labels no look-up.
        self._routes = {key.route for key in counters() if key.name.startswith(SHADOW)}

    def take(self, events: list[Shadow], now: float, changes: Counters) -> None:
        """Store shadows, and count those whose label is known.

        Raises:
            BadRequest: A request has more than ``MOST_ARMS``.
        """
        if not events:
            return
        self._routes.update(event.route for event in events)
        first, again = first_of_each(events, lambda event: ShadowKey(event.route, event.id, event.arm))
        new = self._table.put(list(first.values()), now)
        for key, event in first.items():
            if key in new:
                count(changes, SHADOW + names.PREDICTIONS, key.route, key.arm)
                self._begin_arm(changes, key)
            else:
                again.append(event)
        for event in again:
            count(changes, SHADOW + names.DUPLICATE_PREDICTIONS, event.route, event.arm)
        requests = list(dict.fromkeys(key.request for key in first if key in new))
        groups = self._groups(requests)
        together = set()
        for request, shadows in groups.items():
            _check_arms(request, shadows)
            together.add((request.route, tuple(sorted(shadow.key.arm for shadow in shadows))))
        for route, arms in together:
            self._begin_pairs(changes, route, arms)
        self._join(groups, self._table.labels(requests) if requests else {}, changes)

    def join(self, labels: list[Label], changes: Counters) -> None:
        """Join the shadows that wait for these labels."""
        first, _ = first_of_each(labels, lambda event: RequestKey(event.route, event.id))
        wanted = {key: event.label for key, event in first.items() if key.route in self._routes}
        if wanted:
            self._join(self._groups(list(wanted)), wanted, changes)

    def expire(self, now: float, age: float, limit: int, changes: Counters) -> int:
        """Give up on shadows that waited longer than ``age``, count those held, and forget rows twice as old.

        Returns:
            The number of rows changed; fewer than ``limit`` when nothing is left to do.
        """
        overdue = self._table.overdue(now - age, limit)
        groups = self._groups(list(dict.fromkeys(row.key.request for row in overdue)))
        due = {row.key for row in overdue}
        settled = []
        for group in groups.values():
            rows = [row for row in group if row.key in due]
            settled += self._settle(group, [(row, row.label) for row in rows], changes, over=True)
        if settled:
            self._table.settle(settled)
        return max(len(overdue), self._table.forget(now - 2 * age, limit))

    def _groups(self, requests: Sequence[RequestKey]) -> Mapping[RequestKey, list[KnownShadow]]:
        """Return all shadows of these requests, by request."""
        groups: dict[RequestKey, list[KnownShadow]] = {}
        for row in self._table.of(requests) if requests else ():
            groups.setdefault(row.key.request, []).append(row)
        return groups

    def _join(
        self,
        groups: Mapping[RequestKey, list[KnownShadow]],
        labels: Mapping[RequestKey, str],
        changes: Counters,
    ) -> None:
        """Join those that wait with the labels of their requests."""
        settled = []
        for request, label in labels.items():
            group = groups.get(request, [])
            waiting = [(row, label) for row in group if row.label is None]
            settled += self._settle(group, waiting, changes, over=False)
        if settled:
            self._table.settle(settled)

    def _settle(
        self,
        group: Iterable[KnownShadow],
        rows: Iterable[tuple[KnownShadow, str | None]],
        changes: Counters,
        *,
        over: bool,
    ) -> list[Settled]:
        """Count what becomes of some shadows of a request, and each pair of them that is complete by it.

        Args:
            group: All shadows of the request.
            rows: Those to settle, each with its label or None where it came too late.
            changes: What is added to.
            over: Whether the time for labels is over, so that nothing is held.
        """
        rewarded = {row.key.arm: row.reward for row in group if row.reward is not None}
        settled = []
        for row, label in rows:
            key = row.key
            reward, held = None, False
            if label is None:
                count(changes, SHADOW + names.EXPIRED_PREDICTIONS, key.route, key.arm)
                reward = self._expired(key, changes)
            else:
                if row.label is None:
                    count(changes, SHADOW + names.JOINED, key.route, key.arm)
                held = not over and self._held(key.route)
                reward = None if held else self._reward(key, row.outputs, label, changes)
            settled.append(Settled(key, EXPIRED if label is None else label, held, reward))
            if reward is not None:
                for arm, other in rewarded.items():
                    _count_pair(changes, key.route, (key.arm, reward), (arm, other))
                rewarded[key.arm] = reward
        return settled

    def _held(self, route: str) -> bool:
        function = self._rewards.find(route)
        return function is not None and function.held

    def _expired(self, key: ShadowKey, changes: Counters) -> int | None:
        function = self._rewards.find(key.route)
        if function is None or function.expired is None:
            return None
        return _count_trial(changes, key, function.type, function.expired)

    def _reward(self, key: ShadowKey, outputs: str, label: str, changes: Counters) -> int | None:
        try:
            reward = compute(self._rewards, key.route, key.arm, outputs, label)
        except NeverEqual as error:
            # Refusing the label would keep it from the served answer, refusing the answer from the others.
            log.warning("shadow without a reward", route=key.route, arm=key.arm, reason=str(error))
            reward = None
        if reward is None:
            count(changes, SHADOW + names.UNREWARDED, key.route, key.arm)
            return None
        return _count_trial(changes, key, *reward)

    def _begin_arm(self, changes: Counters, key: ShadowKey) -> None:
        """Let the sums of an arm begin at 0 with its first shadow, before the first reward."""
        function = self._rewards.find(key.route)
        if function is not None:
            sums = (SHADOW + name for name in sums_of(function.type))
            begin(changes, self._counters(), sums, key.route, key.arm)

    def _begin_pairs(self, changes: Counters, route: str, arms: Sequence[str]) -> None:
        """Let the sums of pairs begin at 0 with the first request that both have a shadow of."""
        function = self._rewards.find(route)
        if function is None or function.type is RewardType.RATIO:
            return
        for one, other in itertools.combinations(arms, 2):
            begin(changes, self._counters(), _PAIR_SUMS, route, f"{one}/{other}")


def _check_arms(request: RequestKey, shadows: Sequence[KnownShadow]) -> None:
    if len(shadows) > MOST_ARMS:
        raise BadRequest(
            f"request {request.id!r} of route {request.route!r}: arm: {len(shadows)} arms have a shadow of"
            f" it, at most {MOST_ARMS} are taken; none of the batch was taken"
        )


def _count_trial(changes: Counters, key: ShadowKey, kind: RewardType, reward: float | Ratio) -> int | None:
    """Count a trial and return its reward as pairs are compared by it; ratios are not."""
    count_trial(changes, key.route, key.arm, kind, reward, SHADOW)
    return None if kind is RewardType.RATIO else millionths(reward)


def _count_pair(changes: Counters, route: str, *rewards: tuple[str, int]) -> None:
    (one, y), (other, z) = sorted(rewards)
    pair, difference = f"{one}/{other}", y - z
    count(changes, names.PAIR_TRIALS, route, pair)
    count(changes, names.PAIR_GAINS, route, pair, max(difference, 0))
    count(changes, names.PAIR_LOSSES, route, pair, max(-difference, 0))
    count(changes, names.PAIR_SQUARES, route, pair, difference * difference)
