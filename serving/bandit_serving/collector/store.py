"""Events and counters in SQLite.

One row an id holds the prediction, the label, or both; the counters change in the transaction that changes
the row. So whatever was committed is consistent, and an event that comes again finds its row and counts
nothing.
"""

import json
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from bandit_serving.collector import counters as names
from bandit_serving.collector.counters import MILLION, Counters, Key, delay_bucket
from bandit_serving.collector.events import Event, Label, Prediction
from bandit_serving.errors import BadSetting
from bandit_serving.rewards import RewardFunction

Result = TypeVar("Result")

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE events (
  route TEXT NOT NULL, id TEXT NOT NULL, recorded_at REAL NOT NULL,
  arm TEXT, outputs TEXT, predicted_at REAL,
  label TEXT, labelled_at REAL, held INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (route, id)
) WITHOUT ROWID;
CREATE INDEX events_by_age ON events (recorded_at);
CREATE INDEX events_waiting ON events (recorded_at) WHERE label IS NULL OR outputs IS NULL OR held;
CREATE TABLE counters (
  name TEXT NOT NULL, route TEXT NOT NULL, arm TEXT NOT NULL, value INTEGER NOT NULL,
  PRIMARY KEY (name, route, arm)
) WITHOUT ROWID;
"""
# The first event of a kind wins; RETURNING gives a row only then, with what the other kind had brought
# before.
_PUT_PREDICTION = """
INSERT INTO events (route, id, recorded_at, arm, outputs, predicted_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (route, id) DO UPDATE
  SET arm = excluded.arm, outputs = excluded.outputs, predicted_at = excluded.predicted_at
  WHERE outputs IS NULL
RETURNING label, labelled_at
"""
_PUT_LABEL = """
INSERT INTO events (route, id, recorded_at, label, labelled_at, held) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (route, id) DO UPDATE
  SET label = excluded.label, labelled_at = excluded.labelled_at, held = excluded.held
  WHERE label IS NULL
RETURNING arm, outputs, predicted_at
"""
_ADD = """
INSERT INTO counters (name, route, arm, value) VALUES (?, ?, ?, ?)
ON CONFLICT (name, route, arm) DO UPDATE SET value = value + excluded.value
"""
_OVERDUE = """
SELECT route, id, arm, outputs, label FROM events
WHERE recorded_at < ? AND (label IS NULL OR outputs IS NULL OR held) ORDER BY recorded_at LIMIT ?
"""
_EXPIRE_PREDICTION = "UPDATE events SET label = ?, labelled_at = ? WHERE route = ? AND id = ?"
EXPIRED = ""  # stands in the label column of an expired prediction; no JSON value is the empty text


class SQLiteStore:
    """The database of one collector, for one thread; `CounterReader` reads on a connection of its own."""

    def __init__(self, path: Path, reward: RewardFunction) -> None:
        """Open the database, or make it where there is none.

        Args:
            path: File of the database; two more with the endings -wal and -shm appear beside it.
            reward: Computes the reward of a joined request.

        Raises:
            BadSetting: The file cannot be used.
        """
        self._reward = reward
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute(
                "PRAGMA synchronous = FULL"
            )  # acknowledged means on disk, power failures included
            self._db.execute("PRAGMA busy_timeout = 5000")
            self._create_schema()
        except (OSError, sqlite3.Error) as error:
            raise BadSetting(f"--database {path}: cannot be used: {error}") from error

    def _create_schema(self) -> None:
        found = self._db.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:
            self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        elif found != SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"it has schema {found}, this version needs {SCHEMA_VERSION}")

    def apply(self, events: Sequence[Event], now: float) -> None:
        """Store events and count what they complete, all in one transaction.

        Args:
            events: In any order; those stored before are counted as duplicates only.
            now: Unix time in seconds.
        """
        changes: Counters = {}
        self._transaction(lambda: self._apply(events, now, changes), changes)

    def _apply(self, events: Sequence[Event], now: float, changes: Counters) -> None:
        for event in events:
            if isinstance(event, Prediction):
                self._apply_prediction(event, now, changes)
            else:
                self._apply_label(event, now, changes)

    def _apply_prediction(self, event: Prediction, now: float, changes: Counters) -> None:
        route, request_id, arm, outputs, time = event
        row = self._db.execute(_PUT_PREDICTION, (route, request_id, now, arm, outputs, time)).fetchone()
        if row is None:
            _add(changes, names.DUPLICATE_PREDICTIONS, route, arm)
            return
        _add(changes, names.PREDICTIONS, route, arm)
        label, labelled_at = row
        if label is not None:
            self._join(changes, route, arm, outputs, label, labelled_at - time)

    def _apply_label(self, event: Label, now: float, changes: Counters) -> None:
        route, request_id, label, time = event
        row = self._db.execute(
            _PUT_LABEL, (route, request_id, now, label, time, self._reward.held)
        ).fetchone()
        if row is None:
            found = self._db.execute(
                "SELECT label FROM events WHERE route = ? AND id = ?", (route, request_id)
            )
            late = found.fetchone()[0] == EXPIRED
            _add(changes, names.LATE_LABELS if late else names.DUPLICATE_LABELS, route)
            return
        _add(changes, names.LABELS, route)
        arm, outputs, predicted_at = row
        if outputs is not None:
            self._join(changes, route, arm, outputs, label, time - predicted_at)

    def _join(self, changes: Counters, route: str, arm: str, outputs: str, label: str, delay: float) -> None:
        _add(changes, names.JOINED, route, arm)
        delay = max(delay, 0.0)  # a negative one only says that two clocks disagree
        _add(changes, delay_bucket(delay), route, arm)
        _add(changes, names.DELAY_MILLISECONDS, route, arm, round(delay * 1000))
        if not self._reward.held:
            self._count_reward(
                changes, route, arm, self._reward.reward(json.loads(outputs), json.loads(label))
            )

    @staticmethod
    def _count_reward(changes: Counters, route: str, arm: str, reward: float | None) -> None:
        if reward is not None:
            _add(changes, names.TRIALS, route, arm)
            _add(changes, names.SUCCESSES, route, arm, round(reward * MILLION))

    def expire(self, now: float, age: float, limit: int = 5000) -> int:
        """Give up on halves that waited longer than `age`, and forget rows twice as old.

        An expired prediction keeps its row for as long again, so that its label is recognised if it comes
        late; a finished row is kept to recognise duplicates.

        Args:
            now: Unix time in seconds.
            age: Seconds.
            limit: Most rows looked at in this call, so that no transaction is long.

        Returns:
            The number of rows changed; fewer than `limit` when nothing is left to do.
        """
        changes: Counters = {}
        return self._transaction(lambda: self._expire(now, age, limit, changes), changes)

    def _expire(self, now: float, age: float, limit: int, changes: Counters) -> int:
        overdue = self._db.execute(_OVERDUE, (now - age, limit)).fetchall()
        for route, request_id, arm, outputs, label in overdue:
            key = (route, request_id)
            if outputs is None:
                _add(changes, names.EXPIRED_LABELS, route)
                self._db.execute("DELETE FROM events WHERE route = ? AND id = ?", key)
            elif label is None:
                _add(changes, names.EXPIRED_PREDICTIONS, route, arm)
                self._count_reward(changes, route, arm, self._reward.expired)
                self._db.execute(_EXPIRE_PREDICTION, (EXPIRED, now, *key))
            else:
                reward = self._reward.reward(json.loads(outputs), json.loads(label))
                self._count_reward(changes, route, arm, reward)
                self._db.execute("UPDATE events SET held = 0 WHERE route = ? AND id = ?", key)
        forgotten = self._db.execute(
            "DELETE FROM events WHERE (route, id) IN"
            " (SELECT route, id FROM events WHERE recorded_at < ? ORDER BY recorded_at LIMIT ?)",
            (now - 2 * age, limit),
        )
        return max(len(overdue), forgotten.rowcount)

    def _transaction(self, work: Callable[[], Result], changes: Counters) -> Result:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            result = work()
            self._db.executemany(_ADD, [(*key, value) for key, value in changes.items()])
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return result

    def close(self) -> None:
        """Write the log back into the database file and close it."""
        self._db.close()


class CounterReader:
    """Reads the committed counters, on a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA query_only = ON")
        self._db.execute("PRAGMA busy_timeout = 5000")

    def read(self) -> Counters:
        """Return all counters as they were last committed."""
        rows = self._db.execute("SELECT name, route, arm, value FROM counters").fetchall()
        return {Key(name, route, arm): value for name, route, arm, value in rows}

    def close(self) -> None:
        """Close the connection."""
        self._db.close()


def _add(changes: Counters, name: str, route: str, arm: str = "", value: int = 1) -> None:
    key = Key(name, route, arm)
    changes[key] = changes.get(key, 0) + value
