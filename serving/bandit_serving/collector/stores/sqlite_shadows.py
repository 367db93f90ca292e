"""Shadows in a SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from bandit_serving.collector.events import RequestKey, Shadow
from bandit_serving.collector.stores.base import EXPIRED
from bandit_serving.collector.stores.shadows import KnownShadow, Settled, ShadowKey, ShadowTable

# A reward in millionths fits: amounts end at 10^12.
SCHEMA = """
CREATE TABLE shadows (
  route TEXT NOT NULL, id TEXT NOT NULL, arm TEXT NOT NULL, recorded_at REAL NOT NULL,
  outputs TEXT NOT NULL, predicted_at REAL NOT NULL,
  label TEXT, held INTEGER NOT NULL DEFAULT 0, reward INTEGER,
  PRIMARY KEY (route, id, arm)
) WITHOUT ROWID;
CREATE INDEX shadows_by_age ON shadows (recorded_at);
CREATE INDEX shadows_waiting ON shadows (recorded_at) WHERE label IS NULL OR held;
"""
_PUT = """
INSERT INTO shadows (route, id, arm, recorded_at, outputs, predicted_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (route, id, arm) DO NOTHING
"""
_LABEL = "SELECT label FROM events WHERE route = ? AND id = ? AND label <> ?"
_COLUMNS = "route, id, arm, outputs, label, reward"
_OF = f"SELECT {_COLUMNS} FROM shadows WHERE route = ? AND id = ?"
_SETTLE = "UPDATE shadows SET label = ?, held = ?, reward = ? WHERE route = ? AND id = ? AND arm = ?"
_OVERDUE = f"""
SELECT {_COLUMNS} FROM shadows
WHERE recorded_at < ? AND (label IS NULL OR held) ORDER BY recorded_at LIMIT ?
"""
_FORGET = """
DELETE FROM shadows WHERE (route, id, arm) IN
  (SELECT route, id, arm FROM shadows WHERE recorded_at < ? AND label IS NOT NULL AND NOT held
   ORDER BY recorded_at LIMIT ?)
"""


class SQLiteShadows(ShadowTable):
    """The table of shadows in a SQLite file that its store has open."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def put(self, shadows: Sequence[Shadow], now: float) -> set[ShadowKey]:
        """Store each shadow of an arm that has none of its request."""
        new = set()
        for route, request_id, arm, outputs, time in shadows:
            if self._db.execute(_PUT, (route, request_id, arm, now, outputs, time)).rowcount:
                new.add(ShadowKey(route, request_id, arm))
        return new

    def labels(self, keys: Sequence[RequestKey]) -> Mapping[RequestKey, str]:
        """Return the labels of those of these requests that have one."""
        rows = ((key, self._db.execute(_LABEL, (*key, EXPIRED)).fetchone()) for key in keys)
        return {key: row[0] for key, row in rows if row is not None}

    def of(self, keys: Sequence[RequestKey]) -> list[KnownShadow]:
        """Return all shadows of these requests."""
        return [_row(*row) for key in keys for row in self._db.execute(_OF, key)]

    def settle(self, rows: Sequence[Settled]) -> None:
        """Write what became of shadows into their rows."""
        values = [(row.label, row.held, row.reward, *row.key) for row in rows]
        self._db.executemany(_SETTLE, values)

    def overdue(self, before: float, limit: int) -> list[KnownShadow]:
        """Return shadows recorded before a time that wait or are held."""
        return [_row(*row) for row in self._db.execute(_OVERDUE, (before, limit))]

    def forget(self, before: float, limit: int) -> int:
        """Delete shadows recorded before a time."""
        return self._db.execute(_FORGET, (before, limit)).rowcount


def _row(route: str, request_id: str, arm: str, *rest: Any) -> KnownShadow:
    return KnownShadow(ShadowKey(route, request_id, arm), *rest)
