"""Joins predictions with labels and counts what they are worth, whatever the database."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from bandit_serving.collector import counters as names
from bandit_serving.collector.counters import MILLION, Counters, Key, added, delay_bucket
from bandit_serving.collector.events import Event, Label, Prediction
from bandit_serving.collector.stores.base import (
    EXPIRED,
    KnownLabel,
    KnownPrediction,
    Overdue,
    RequestKey,
    Store,
    keys_of,
)
from bandit_serving.errors import BadRequest
from bandit_serving.logs import get_logger
from bandit_serving.rewards import Ratio, RewardType, RouteRewards
from bandit_serving.rewards.base import NeverEqual

log = get_logger(__name__)

Half = TypeVar("Half", Prediction, Label)


class Joiner:
    """Counts each request once, in the transaction that stores its join; for one thread."""

    def __init__(self, store: Store, rewards: RouteRewards) -> None:
        """Read the counters.

        Args:
            store: The database, used and closed by the joiner only.
            rewards: Compute the rewards of joined requests.
        """
        self._store, self._rewards = store, rewards
        self.counters = store.read_counters()
        """All counters as they were last committed, for any thread."""
        self._certain = True

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    @contextlib.contextmanager
    def _counting(self) -> Iterator[Counters]:
        """Give the changes of a transaction to be filled in, and commit them with it."""
        changes: Counters = {}
        try:
            with self._store.transaction():
                before = self.counters if self._certain else self._store.read_counters()
                yield changes
                if changes:
                    self._store.add(changes)
        except BadRequest:  # raised before the commit, so nothing was stored
            raise
        except BaseException:
            # A connection that broke while it committed does not show whether it did.
            self._certain = False
            raise
        self.counters, self._certain = added(before, changes), True

    def apply(self, events: Sequence[Event], now: float) -> None:
        """Store events and count what they complete, all in one transaction.

        Args:
            events: In any order; those stored before are counted as duplicates only.
            now: Unix time in seconds.

        Raises:
            BadRequest: A prediction and its label can never be equal; nothing is stored.
        """
        with self._counting() as changes:
            self._take_predictions([e for e in events if isinstance(e, Prediction)], now, changes)
            self._take_labels([e for e in events if isinstance(e, Label)], now, changes)

    def _take_predictions(self, events: list[Prediction], now: float, changes: Counters) -> None:
        first, again = _first_of_each(events)
        taken = self._store.put_predictions(list(first.values()), now) if first else {}
        for key, event in first.items():
            if key not in taken:
                again.append(event)
                continue
            _add(changes, names.PREDICTIONS, event.route, event.arm)
            self._join(changes, key, KnownPrediction(event.arm, event.outputs, event.time), taken[key])
        for event in again:
            _add(changes, names.DUPLICATE_PREDICTIONS, event.route, event.arm)

    def _take_labels(self, events: list[Label], now: float, changes: Counters) -> None:
        first, again = _first_of_each(events)
        held = [(event, self._held(event.route)) for event in first.values()]
        taken = self._store.put_labels(held, now) if first else {}
        for key, event in first.items():
            if key not in taken:
                again.append(event)
                continue
            _add(changes, names.LABELS, event.route)
            self._join(changes, key, taken[key], KnownLabel(event.label, event.time))
        late = self._store.expired([RequestKey(e.route, e.id) for e in again]) if again else set()
        for event in again:
            is_late = RequestKey(event.route, event.id) in late
            _add(changes, names.LATE_LABELS if is_late else names.DUPLICATE_LABELS, event.route)

    def _held(self, route: str) -> bool:
        function = self._rewards.find(route)
        return function is not None and function.held

    def _join(
        self, changes: Counters, key: RequestKey, prediction: KnownPrediction, label: KnownLabel
    ) -> None:
        """Count a request that has both halves; do nothing for one that lacks one."""
        route = key.route
        arm, outputs, predicted_at = prediction
        if arm is None or outputs is None or predicted_at is None:
            return
        if label.label is None or label.labelled_at is None:
            return
        _add(changes, names.JOINED, route, arm)
        # A negative delay only says that two clocks disagree.
        delay = max(label.labelled_at - predicted_at, 0.0)
        _add(changes, delay_bucket(delay), route, arm)
        _add(changes, names.DELAY_MILLISECONDS, route, arm, round(delay * 1000))
        if self._held(route):
            return
        try:
            self._count_reward(changes, route, arm, outputs, label.label)
        except NeverEqual as error:  # whoever sent the later half is still there to be told
            raise BadRequest(
                f"request {key.id!r} of route {route!r}: {error}; none of the batch was taken"
            ) from error

    def _count_reward(self, changes: Counters, route: str, arm: str, outputs: str, label: str) -> None:
        values, truth = json.loads(outputs), json.loads(label)
        function, reward = self._rewards.find(route), None
        try:
            if function is not None:
                reward = function.reward(values, truth)
        except NeverEqual:
            raise
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            # Both were checked when they came, by the function that the route had then.
            log.warning("no reward: the reward function has changed", route=route, arm=arm, reason=str(error))
        if function is None or reward is None:
            _add(changes, names.UNREWARDED, route, arm)
            return
        _count(changes, route, arm, function.type, reward)

    def expire(self, now: float, age: float, limit: int = 5000) -> int:
        """Give up on halves that waited longer than ``age``, and forget rows twice as old.

        An expired prediction keeps its row for as long again, so that its label is recognised if it comes
        late; a finished row is kept to recognise duplicates.

        Args:
            now: Unix time in seconds.
            age: Seconds.
            limit: Most rows looked at in this call, so that no transaction is long.

        Returns:
            The number of rows changed; fewer than ``limit`` when nothing is left to do.
        """
        with self._counting() as changes:
            overdue = self._store.overdue(now - age, limit)
            labels = [row for row in overdue if row.outputs is None]
            predictions = [row for row in overdue if row.outputs is not None and row.label is None]
            held = [row for row in overdue if row.outputs is not None and row.label is not None]
            _store_and_count(labels, self._store.drop, lambda row: self._expire_label(changes, row))
            _store_and_count(
                predictions,
                lambda keys: self._store.mark_expired(keys, now),
                lambda row: self._expire_prediction(changes, row),
            )
            _store_and_count(held, self._store.release, lambda row: self._count_held(changes, row))
            forgotten = self._store.forget(now - 2 * age, limit)
        return max(len(overdue), forgotten)

    def _expire_label(self, changes: Counters, row: Overdue) -> None:
        _add(changes, names.EXPIRED_LABELS, row.key.route)

    def _expire_prediction(self, changes: Counters, row: Overdue) -> None:
        assert row.arm is not None
        _add(changes, names.EXPIRED_PREDICTIONS, row.key.route, row.arm)
        function = self._rewards.find(row.key.route)
        if function is not None and function.expired is not None:
            _count(changes, row.key.route, row.arm, function.type, function.expired)

    def _count_held(self, changes: Counters, row: Overdue) -> None:
        assert row.arm is not None
        assert row.outputs is not None
        assert row.label not in (None, EXPIRED)
        try:
            self._count_reward(changes, row.key.route, row.arm, row.outputs, row.label or "")
        except NeverEqual:  # held for an earlier function of the route, and nobody is there to be told
            _add(changes, names.UNREWARDED, row.key.route, row.arm)


def _store_and_count(
    rows: list[Overdue], store: Callable[[list[RequestKey]], None], count: Callable[[Overdue], None]
) -> None:
    if rows:
        store(keys_of(rows))
    for row in rows:
        count(row)


def _first_of_each(events: Sequence[Half]) -> tuple[dict[RequestKey, Half], list[Half]]:
    """Return the first event of each request, and the others."""
    first: dict[RequestKey, Half] = {}
    again = []
    for event in events:
        key = RequestKey(event.route, event.id)
        if key in first:
            again.append(event)
        else:
            first[key] = event
    return first, again


def _add(changes: Counters, name: str, route: str, arm: str = "", value: int = 1) -> None:
    key = Key(name, route, arm)
    changes[key] = changes.get(key, 0) + value


def _count(changes: Counters, route: str, arm: str, kind: RewardType, reward: float | Ratio) -> None:
    """Count a trial and the sums that rewards of its type are judged by."""
    over = reward.denominator if isinstance(reward, Ratio) else 0.0
    y = round((reward.numerator if isinstance(reward, Ratio) else reward) * MILLION)
    _add(changes, names.TRIALS, route, arm)
    _add(changes, names.SUCCESSES, route, arm, max(y, 0))
    if kind is RewardType.GAUSSIAN:
        _add(changes, names.LOSSES, route, arm, max(-y, 0))  # a counter must not fall
    if kind in (RewardType.GAUSSIAN, RewardType.RATIO):
        _add(changes, names.SQUARES, route, arm, y * y)
    if kind is RewardType.RATIO:
        x = round(over * MILLION)
        _add(changes, names.DENOMINATORS, route, arm, x)
        _add(changes, names.DENOMINATOR_SQUARES, route, arm, x * x)
        _add(changes, names.CROSS_PRODUCTS, route, arm, x * y)
