"""Events and counters in a SQLite file."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bandit_serving.collector.counters import Counters, Key
from bandit_serving.collector.events import Label, Prediction, RequestKey
from bandit_serving.collector.stores import sqlite_shadows
from bandit_serving.collector.stores.base import (
    EXPIRED,
    SCHEMA_VERSION,
    KnownLabel,
    KnownPrediction,
    Overdue,
    Store,
)
from bandit_serving.errors import BadSetting

LOCK_SECONDS = 5  # the longest wait for an earlier collector to end
# Counters are text: SQLite's own integers end at 2^63, which a sum of squares passes.
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
  name TEXT NOT NULL, route TEXT NOT NULL, arm TEXT NOT NULL, value TEXT NOT NULL,
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
RETURNING label, labelled_at, held
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
ON CONFLICT (name, route, arm) DO UPDATE SET value = exact_sum(value, excluded.value)
"""
_OVERDUE = """
SELECT route, id, arm, outputs, label FROM events
WHERE recorded_at < ? AND (label IS NULL OR outputs IS NULL OR held) ORDER BY recorded_at LIMIT ?
"""
_FORGET = """
DELETE FROM events WHERE (route, id) IN
  (SELECT route, id FROM events
   WHERE recorded_at < ? AND label IS NOT NULL AND outputs IS NOT NULL AND NOT held
   ORDER BY recorded_at LIMIT ?)
"""


class SQLiteStore(Store):
    """A SQLite file; a second process that opens it is refused while the first one lives."""

    def __init__(self, database: str) -> None:
        """Open the file, or make it where there is none.

        Args:
            database: Path of the file, or ``sqlite:///`` and the path; another with the ending -wal appears
                beside it.

        Raises:
            BadSetting: The file cannot be used.
        """
        path = Path(database.removeprefix("sqlite:///"))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.create_function("exact_sum", 2, lambda a, b: str(int(a) + int(b)), deterministic=True)
            self._db.execute(f"PRAGMA busy_timeout = {1000 * LOCK_SECONDS}")
            # Another process would count on beside this one, whose counters are in memory too.
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            # Acknowledged means on disk, power failures included.
            self._db.execute("PRAGMA synchronous = FULL")
            self._create_schema()
            self.shadows = sqlite_shadows.SQLiteShadows(self._db)
        except (OSError, sqlite3.Error) as error:
            fix = "; end the collector that uses it" if "locked" in str(error) else ""
            raise BadSetting(f"--database {path}: cannot be used: {error}{fix}") from error

    def _create_schema(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version < SCHEMA_VERSION:  # 0 where there is nothing, 1 where shadows are lacking
            missing = (_SCHEMA if version == 0 else "") + sqlite_shadows.SCHEMA
            self._db.executescript(f"BEGIN; {missing} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        elif version != SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"it has schema {version}, this version needs {SCHEMA_VERSION}")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is done inside, or nothing of it where it raises."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def put_predictions(
        self, predictions: Sequence[Prediction], now: float
    ) -> Mapping[RequestKey, KnownLabel]:
        """Store each prediction of a request that has none."""
        taken = {}
        for route, request_id, arm, outputs, time in predictions:
            values = (route, request_id, now, arm, outputs, time)
            if (row := self._db.execute(_PUT_PREDICTION, values).fetchone()) is not None:
                label, labelled_at, held = row
                taken[RequestKey(route, request_id)] = KnownLabel(label, labelled_at, bool(held))
        return taken

    def put_labels(
        self, labels: Sequence[tuple[Label, bool]], now: float
    ) -> Mapping[RequestKey, KnownPrediction]:
        """Store each label of a request that has none."""
        taken = {}
        for (route, request_id, label, time), held in labels:
            values = (route, request_id, now, label, time, held)
            if (row := self._db.execute(_PUT_LABEL, values).fetchone()) is not None:
                taken[RequestKey(route, request_id)] = KnownPrediction(*row)
        return taken

    def expired(self, keys: Sequence[RequestKey]) -> set[RequestKey]:
        """Return which of these requests have an expired prediction."""
        query = "SELECT 1 FROM events WHERE route = ? AND id = ? AND label = ?"
        return {key for key in keys if self._db.execute(query, (*key, EXPIRED)).fetchone()}

    def overdue(self, before: float, limit: int) -> list[Overdue]:
        """Return rows recorded before a time that lack a half or are held."""
        rows = self._db.execute(_OVERDUE, (before, limit)).fetchall()
        return [Overdue(RequestKey(route, request_id), *rest) for route, request_id, *rest in rows]

    def drop(self, keys: Sequence[RequestKey]) -> None:
        """Delete rows."""
        self._db.executemany("DELETE FROM events WHERE route = ? AND id = ?", keys)

    def mark_expired(self, keys: Sequence[RequestKey], now: float) -> None:
        """Put ``EXPIRED`` in place of the labels of rows."""
        update = "UPDATE events SET label = ?, labelled_at = ? WHERE route = ? AND id = ?"
        self._db.executemany(update, [(EXPIRED, now, *key) for key in keys])

    def release(self, keys: Sequence[RequestKey]) -> None:
        """Let held rows go."""
        self._db.executemany("UPDATE events SET held = 0 WHERE route = ? AND id = ?", keys)

    def forget(self, before: float, limit: int) -> int:
        """Delete rows recorded before a time."""
        return self._db.execute(_FORGET, (before, limit)).rowcount

    def add(self, changes: Counters) -> None:
        """Add to counters."""
        self._db.executemany(_ADD, [(*key, str(value)) for key, value in changes.items()])

    def read_counters(self) -> Counters:
        """Return all counters."""
        rows = self._db.execute("SELECT name, route, arm, value FROM counters").fetchall()
        return {Key(name, route, arm): int(value) for name, route, arm, value in rows}

    def close(self) -> None:
        """Write the log back into the database file and close it."""
        self._db.close()
