"""Joins predictions with labels and counts what they are worth, whatever the database."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from bandit_serving.collector import counters as names
from bandit_serving.collector.counters import Counters, added, count, delay_bucket
from bandit_serving.collector.events import Event, Label, Prediction, RequestKey, Shadow, first_of_each
from bandit_serving.collector.shadows import ShadowJoiner
from bandit_serving.collector.stores.base import (
    EXPIRED,
    KnownLabel,
    KnownPrediction,
    Overdue,
    Store,
    keys_of,
)
from bandit_serving.collector.trials import begin, compute, count_trial, sums_of
from bandit_serving.errors import BadRequest
from bandit_serving.rewards import RouteRewards
from bandit_serving.rewards.base import NeverEqual


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
        self._shadows = ShadowJoiner(store.shadows, rewards, lambda: self.counters)

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
            BadRequest: A prediction and its label can never be equal, or a request has too many shadows;
                nothing is stored.
        """
        labels = [e for e in events if isinstance(e, Label)]
        with self._counting() as changes:
            self._take_predictions([e for e in events if isinstance(e, Prediction)], now, changes)
            self._shadows.take([e for e in events if isinstance(e, Shadow)], now, changes)
            self._take_labels(labels, now, changes)
            self._shadows.join(labels, changes)

    def _take_predictions(self, events: list[Prediction], now: float, changes: Counters) -> None:
        first, again = first_of_each(events, _request)
        taken = self._store.put_predictions(list(first.values()), now) if first else {}
        for key, event in first.items():
            if key not in taken:
                again.append(event)
                continue
            count(changes, names.PREDICTIONS, event.route, event.arm)
            self._begin_sums(changes, event.route, event.arm)
            self._join(changes, key, KnownPrediction(event.arm, event.outputs, event.time), taken[key])
        for event in again:
            count(changes, names.DUPLICATE_PREDICTIONS, event.route, event.arm)

    def _begin_sums(self, changes: Counters, route: str, arm: str) -> None:
        """Let the sums of an arm be there at 0, where nothing is what most of its requests earn."""
        function = self._rewards.find(route)
        if function is not None and function.trials_are_predictions:
            begin(changes, self.counters, sums_of(function.type), route, arm)

    def _take_labels(self, events: list[Label], now: float, changes: Counters) -> None:
        first, again = first_of_each(events, _request)
        held = [(event, self._held(event.route)) for event in first.values()]
        taken = self._store.put_labels(held, now) if first else {}
        for key, event in first.items():
            if key not in taken:
                again.append(event)
                continue
            count(changes, names.LABELS, event.route)
            label = KnownLabel(event.label, event.time, self._held(event.route))
            self._join(changes, key, taken[key], label)
        late = self._store.expired([RequestKey(e.route, e.id) for e in again]) if again else set()
        for event in again:
            is_late = RequestKey(event.route, event.id) in late
            count(changes, names.LATE_LABELS if is_late else names.DUPLICATE_LABELS, event.route)

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
        count(changes, names.JOINED, route, arm)
        # A negative delay only says that two clocks disagree.
        delay = max(label.labelled_at - predicted_at, 0.0)
        count(changes, delay_bucket(delay), route, arm)
        count(changes, names.DELAY_MILLISECONDS, route, arm, round(delay * 1000))
        if label.held:
            return
        try:
            self._count_reward(changes, route, arm, outputs, label.label)
        except NeverEqual as error:  # whoever sent the later half is still there to be told
            raise BadRequest(
                f"request {key.id!r} of route {route!r}: {error}; none of the batch was taken"
            ) from error

    def _count_reward(self, changes: Counters, route: str, arm: str, outputs: str, label: str) -> None:
        reward = compute(self._rewards, route, arm, outputs, label)
        if reward is None:
            count(changes, names.UNREWARDED, route, arm)
            return
        count_trial(changes, route, arm, *reward)

    def expire(self, now: float, age: float, limit: int = 5000) -> int:
        """Give up on halves that waited longer than ``age``, and forget rows twice as old.

        An expired prediction keeps its row for as long again, so that its label is recognised if it comes
        late; a finished row is kept to recognise duplicates.

        Args:
            now: Unix time in seconds.
            age: Seconds.
            limit: Most rows of each kind looked at in this call, so that no transaction is long.

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
            shadows = self._shadows.expire(now, age, limit, changes)
        return max(len(overdue), forgotten, shadows)

    def _expire_label(self, changes: Counters, row: Overdue) -> None:
        count(changes, names.EXPIRED_LABELS, row.key.route)

    def _expire_prediction(self, changes: Counters, row: Overdue) -> None:
        assert row.arm is not None
        count(changes, names.EXPIRED_PREDICTIONS, row.key.route, row.arm)
        function = self._rewards.find(row.key.route)
        if function is not None and function.expired is not None:
            count_trial(changes, row.key.route, row.arm, function.type, function.expired)

    def _count_held(self, changes: Counters, row: Overdue) -> None:
        assert row.arm is not None
        assert row.outputs is not None
        assert row.label not in (None, EXPIRED)
        try:
            self._count_reward(changes, row.key.route, row.arm, row.outputs, row.label or "")
        except NeverEqual:  # held for an earlier function of the route, and nobody is there to be told
            count(changes, names.UNREWARDED, row.key.route, row.arm)


def _request(event: Prediction | Label) -> RequestKey:
    return RequestKey(event.route, event.id)


def _store_and_count(
    rows: list[Overdue], store: Callable[[list[RequestKey]], None], count: Callable[[Overdue], None]
) -> None:
    if rows:
        store(keys_of(rows))
    for row in rows:
        count(row)
