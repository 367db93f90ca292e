"""Shadows in a PostgreSQL database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bandit_serving.collector.events import RequestKey, Shadow
from bandit_serving.collector.stores.base import EXPIRED
from bandit_serving.collector.stores.shadows import KnownShadow, Settled, ShadowKey, ShadowTable

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS reward_shadows (
      route text NOT NULL, id text NOT NULL, arm text NOT NULL, recorded_at double precision NOT NULL,
      outputs text NOT NULL, predicted_at double precision NOT NULL,
      label text, held boolean NOT NULL DEFAULT false, reward bigint,
      PRIMARY KEY (route, id, arm))""",
    "CREATE INDEX IF NOT EXISTS reward_shadows_by_age ON reward_shadows (recorded_at)",
    """CREATE INDEX IF NOT EXISTS reward_shadows_waiting ON reward_shadows (recorded_at)
      WHERE label IS NULL OR held""",
)
_PUT = """
INSERT INTO reward_shadows (recorded_at, route, id, arm, outputs, predicted_at)
SELECT CAST(:now AS double precision), n.* FROM json_to_recordset(CAST(:rows AS json))
  AS n(route text, id text, arm text, outputs text, predicted_at double precision)
ON CONFLICT (route, id, arm) DO NOTHING
RETURNING route, id, arm
"""
_REQUESTS = "json_to_recordset(CAST(:rows AS json)) AS n(route text, id text)"
_SAME = "s.route = n.route AND s.id = n.id"
_COLUMNS = "s.route, s.id, s.arm, s.outputs, s.label, s.reward"
_LABELS = f"""
SELECT s.route, s.id, s.label FROM reward_events s, {_REQUESTS}
WHERE {_SAME} AND s.label <> '{EXPIRED}'
"""
_OF = f"SELECT {_COLUMNS} FROM reward_shadows s, {_REQUESTS} WHERE {_SAME}"
_SETTLE = f"""
UPDATE reward_shadows s SET label = n.label, held = n.held, reward = n.reward
FROM json_to_recordset(CAST(:rows AS json))
  AS n(route text, id text, arm text, label text, held boolean, reward bigint)
WHERE {_SAME} AND s.arm = n.arm
"""
_OVERDUE = f"""
SELECT {_COLUMNS} FROM reward_shadows s
WHERE recorded_at < CAST(:before AS double precision) AND (label IS NULL OR held)
ORDER BY recorded_at LIMIT CAST(:most AS bigint)
"""
_FORGET = """
WITH gone AS (
  DELETE FROM reward_shadows WHERE (route, id, arm) IN (
    SELECT route, id, arm FROM reward_shadows WHERE recorded_at < CAST(:before AS double precision)
      AND label IS NOT NULL AND NOT held
    ORDER BY recorded_at LIMIT CAST(:most AS bigint))
  RETURNING 1)
SELECT count(*) FROM gone
"""


class PostgreSQLShadows(ShadowTable):
    """The table of shadows in a PostgreSQL database."""

    def __init__(self, run: Callable[..., list[list[Any]]]) -> None:
        """Keep how to run a statement with its values in the store's transaction."""
        self._run = run

    def put(self, shadows: Sequence[Shadow], now: float) -> set[ShadowKey]:
        """Store each shadow of an arm that has none of its request."""
        names = ("route", "id", "arm", "outputs", "predicted_at")
        return {ShadowKey(*row) for row in self._run(_PUT, now=now, rows=json_rows(names, shadows))}

    def labels(self, keys: Sequence[RequestKey]) -> Mapping[RequestKey, str]:
        """Return the labels of those of these requests that have one."""
        rows = self._run(_LABELS, rows=json_rows(("route", "id"), keys))
        return {RequestKey(route, request_id): label for route, request_id, label in rows}

    def of(self, keys: Sequence[RequestKey]) -> list[KnownShadow]:
        """Return all shadows of these requests."""
        return _known(self._run(_OF, rows=json_rows(("route", "id"), keys)))

    def settle(self, rows: Sequence[Settled]) -> None:
        """Write what became of shadows into their rows."""
        names = ("route", "id", "arm", "label", "held", "reward")
        values = [(*row.key, row.label, row.held, row.reward) for row in rows]
        self._run(_SETTLE, rows=json_rows(names, values))

    def overdue(self, before: float, limit: int) -> list[KnownShadow]:
        """Return shadows recorded before a time that wait or are held."""
        return _known(self._run(_OVERDUE, before=before, most=limit))

    def forget(self, before: float, limit: int) -> int:
        """Delete shadows recorded before a time."""
        return int(self._run(_FORGET, before=before, most=limit)[0][0])


def json_rows(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as one JSON text, so that a batch costs one round trip."""
    return json.dumps([dict(zip(names, row, strict=True)) for row in rows])


def _known(rows: list[list[Any]]) -> list[KnownShadow]:
    return [KnownShadow(ShadowKey(route, request_id, arm), *rest) for route, request_id, arm, *rest in rows]
