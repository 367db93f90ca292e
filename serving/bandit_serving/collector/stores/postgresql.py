"""Events and counters in a PostgreSQL database."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pg8000.exceptions import DatabaseError, InterfaceError
from pg8000.native import Connection

from bandit_serving.collector.counters import Counters, Key
from bandit_serving.collector.events import Label, Prediction, RequestKey
from bandit_serving.collector.stores import postgresql_shadows
from bandit_serving.collector.stores.base import (
    EXPIRED,
    SCHEMA_VERSION,
    KnownLabel,
    KnownPrediction,
    Overdue,
    Store,
)
from bandit_serving.collector.stores.postgresql_shadows import json_rows
from bandit_serving.errors import BadSetting

ANSWER_SECONDS = 30  # a server that is silent for longer is given up
SSL_MODES = ("disable", "prefer", "require", "verify-full")
LOCK_SECONDS = 20  # the longest wait for an earlier collector to end
_LOCK = 0x62616E646974  # names the advisory lock of the one collector of a database; any number would do
_LOCK_NOT_AVAILABLE = "55P03"  # the server's code (PostgreSQL, appendix A) for a lock_timeout that is over

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS reward_events (
      route text NOT NULL, id text NOT NULL, recorded_at double precision NOT NULL,
      arm text, outputs text, predicted_at double precision,
      label text, labelled_at double precision, held boolean NOT NULL DEFAULT false,
      PRIMARY KEY (route, id))""",
    "CREATE INDEX IF NOT EXISTS reward_events_by_age ON reward_events (recorded_at)",
    """CREATE INDEX IF NOT EXISTS reward_events_waiting ON reward_events (recorded_at)
      WHERE label IS NULL OR outputs IS NULL OR held""",
    """CREATE TABLE IF NOT EXISTS reward_counters (
      name text NOT NULL, route text NOT NULL, arm text NOT NULL, value numeric NOT NULL,
      PRIMARY KEY (name, route, arm))""",
    "CREATE TABLE IF NOT EXISTS reward_schema (version integer PRIMARY KEY)",
)
# The first event of a kind
# wins; RETURNING gives a row only then, with what the other kind had brought before.
_PUT_PREDICTIONS = """
INSERT INTO reward_events AS e (recorded_at, route, id, arm, outputs, predicted_at)
SELECT CAST(:now AS double precision), n.* FROM json_to_recordset(CAST(:rows AS json))
  AS n(route text, id text, arm text, outputs text, predicted_at double precision)
ON CONFLICT (route, id) DO UPDATE
  SET arm = excluded.arm, outputs = excluded.outputs, predicted_at = excluded.predicted_at
  WHERE e.outputs IS NULL
RETURNING e.route, e.id, e.label, e.labelled_at, e.held
"""
_PUT_LABELS = """
INSERT INTO reward_events AS e (recorded_at, route, id, label, labelled_at, held)
SELECT CAST(:now AS double precision), n.* FROM json_to_recordset(CAST(:rows AS json))
  AS n(route text, id text, label text, labelled_at double precision, held boolean)
ON CONFLICT (route, id) DO UPDATE
  SET label = excluded.label, labelled_at = excluded.labelled_at, held = excluded.held
  WHERE e.label IS NULL
RETURNING e.route, e.id, e.arm, e.outputs, e.predicted_at
"""
_KEYS = "json_to_recordset(CAST(:rows AS json)) AS n(route text, id text)"
_SAME = "e.route = n.route AND e.id = n.id"
_EXPIRED = f"SELECT e.route, e.id FROM reward_events e, {_KEYS} WHERE {_SAME} AND e.label = '{EXPIRED}'"
_DROP = f"DELETE FROM reward_events e USING {_KEYS} WHERE {_SAME}"
_MARK_EXPIRED = f"""
UPDATE reward_events e SET label = '{EXPIRED}', labelled_at = CAST(:now AS double precision)
FROM {_KEYS} WHERE {_SAME}
"""
_RELEASE = f"UPDATE reward_events e SET held = false FROM {_KEYS} WHERE {_SAME}"
_OVERDUE = """
SELECT route, id, arm, outputs, label FROM reward_events
WHERE recorded_at < CAST(:before AS double precision) AND (label IS NULL OR outputs IS NULL OR held)
ORDER BY recorded_at LIMIT CAST(:most AS bigint)
"""
_FORGET = """
WITH gone AS (
  DELETE FROM reward_events WHERE (route, id) IN (
    SELECT route, id FROM reward_events WHERE recorded_at < CAST(:before AS double precision)
      AND label IS NOT NULL AND outputs IS NOT NULL AND NOT held
    ORDER BY recorded_at LIMIT CAST(:most AS bigint))
  RETURNING 1)
SELECT count(*) FROM gone
"""
_ADD = """
INSERT INTO reward_counters AS c (name, route, arm, value)
SELECT n.* FROM json_to_recordset(CAST(:rows AS json)) AS n(name text, route text, arm text, value numeric)
ON CONFLICT (name, route, arm) DO UPDATE SET value = c.value + excluded.value
"""


class PostgreSQLStore(Store):
    """A PostgreSQL database, through one connection that is made again after it broke.

    A session-level advisory lock keeps a second collector out, whose counters would be doubled in Prometheus:
    so the connection must not go through a pooler that shares sessions between transactions.
    """

    def __init__(self, url: str) -> None:
        """Connect, and make the tables where there are none.

        Args:
            url: ``postgresql://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…&sslrootcert=…``. Without a password
                that of the environment variable PGPASSWORD is taken. sslmode is disable, prefer (the
                default: encrypted where the server offers it), require, or verify-full (and the server's name
                checked, against sslrootcert or the system's certificates).

        Raises:
            BadSetting: The URL is none, or the database cannot be used. The password is in no message.
        """
        self._options, self._shown = connection_options(url)
        self.shadows = postgresql_shadows.PostgreSQLShadows(self._run)
        self._connection: Connection | None = None
        self._link: socket.socket | None = None
        try:
            with self.transaction():
                self._create_schema()
        except (DatabaseError, InterfaceError, OSError) as error:
            self.close()
            raise BadSetting(f"--database {self._shown}: cannot be used: {_reason(error)}") from error

    def _connect(self) -> Connection:
        address = (self._options["host"], self._options["port"])
        link = socket.create_connection(address, timeout=ANSWER_SECONDS)
        try:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection = Connection(**self._options, sock=link, application_name="bandit-serving collector")
        except BaseException:  # refused: pg8000 leaves the socket open then
            link.close()
            raise
        try:
            # A collector whose machine vanished is noticed and its lock released within half a minute.
            connection.run("SET tcp_keepalives_idle = 10")
            connection.run("SET tcp_keepalives_interval = 5")
            connection.run("SET tcp_keepalives_count = 3")
            connection.run(f"SET lock_timeout = '{LOCK_SECONDS}s'")
            connection.run(f"SELECT pg_advisory_lock({_LOCK})")
        except BaseException:
            connection.close()
            raise
        self._link = link
        return connection

    def _create_schema(self) -> None:
        for statement in (*_SCHEMA, *postgresql_shadows.SCHEMA):
            self._run(statement)
        rows = self._run("SELECT version FROM reward_schema")
        if not rows:
            self._run(f"INSERT INTO reward_schema VALUES ({SCHEMA_VERSION})")
        elif rows == [[1]]:  # all that it lacked was shadows
            self._run(f"UPDATE reward_schema SET version = {SCHEMA_VERSION}")
        elif rows != [[SCHEMA_VERSION]]:
            raise InterfaceError(f"it has schema {rows[0][0]}, this version needs {SCHEMA_VERSION}")

    def _run(self, statement: str, **values: Any) -> list[list[Any]]:
        assert self._connection is not None
        return self._connection.run(statement, **values) or []

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is done inside, or nothing of it where it raises; connect first where that is due."""
        if self._connection is None:
            self._connection = self._connect()
        try:
            self._run("BEGIN")
            yield
            self._run("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        """End the transaction, or the connection where that is not possible."""
        try:
            self._run("ROLLBACK")
        except Exception:  # it is broken: the next transaction makes another
            self._abandon()

    def _abandon(self) -> None:
        """Close the socket of a broken connection; pg8000 leaves it open where its goodbye cannot be sent."""
        link, self._link, self._connection = self._link, None, None
        if link is not None and (descriptor := link.detach()) >= 0:
            os.close(descriptor)

    def put_predictions(
        self, predictions: Sequence[Prediction], now: float
    ) -> Mapping[RequestKey, KnownLabel]:
        """Store each prediction of a request that has none."""
        names = ("route", "id", "arm", "outputs", "predicted_at")
        rows = self._run(_PUT_PREDICTIONS, now=now, rows=json_rows(names, predictions))
        return {RequestKey(route, request_id): KnownLabel(*rest) for route, request_id, *rest in rows}

    def put_labels(
        self, labels: Sequence[tuple[Label, bool]], now: float
    ) -> Mapping[RequestKey, KnownPrediction]:
        """Store each label of a request that has none."""
        names = ("route", "id", "label", "labelled_at", "held")
        rows = self._run(
            _PUT_LABELS, now=now, rows=json_rows(names, [(*label, held) for label, held in labels])
        )
        return {RequestKey(route, request_id): KnownPrediction(*rest) for route, request_id, *rest in rows}

    def expired(self, keys: Sequence[RequestKey]) -> set[RequestKey]:
        """Return which of these requests have an expired prediction."""
        return {RequestKey(*row) for row in self._run(_EXPIRED, rows=json_rows(("route", "id"), keys))}

    def overdue(self, before: float, limit: int) -> list[Overdue]:
        """Return rows recorded before a time that lack a half or are held."""
        rows = self._run(_OVERDUE, before=before, most=limit)
        return [Overdue(RequestKey(route, request_id), *rest) for route, request_id, *rest in rows]

    def drop(self, keys: Sequence[RequestKey]) -> None:
        """Delete rows."""
        self._run(_DROP, rows=json_rows(("route", "id"), keys))

    def mark_expired(self, keys: Sequence[RequestKey], now: float) -> None:
        """Put ``EXPIRED`` in place of the labels of rows."""
        self._run(_MARK_EXPIRED, now=now, rows=json_rows(("route", "id"), keys))

    def release(self, keys: Sequence[RequestKey]) -> None:
        """Let held rows go."""
        self._run(_RELEASE, rows=json_rows(("route", "id"), keys))

    def forget(self, before: float, limit: int) -> int:
        """Delete rows recorded before a time."""
        return int(self._run(_FORGET, before=before, most=limit)[0][0])

    def add(self, changes: Counters) -> None:
        """Add to counters."""
        rows = [(*key, value) for key, value in changes.items()]
        self._run(_ADD, rows=json_rows(("name", "route", "arm", "value"), rows))

    def read_counters(self) -> Counters:
        """Return all counters."""
        rows = self._run("SELECT name, route, arm, value FROM reward_counters")
        return {Key(name, route, arm): int(value) for name, route, arm, value in rows}

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(InterfaceError, OSError):
                connection.close()


def connection_options(url: str) -> tuple[dict[str, Any], str]:
    """Return the arguments of a connection, and the URL as it may be shown: without its password.

    Raises:
        BadSetting: The URL is none; no message holds the password.
    """
    malformed = BadSetting(
        "--database: not a URL postgresql://USER:PASSWORD@HOST:PORT/DATABASE; write characters such as"
        " / # ? @ in the password as %2F %23 %3F %40"
    )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 5432
    except ValueError:  # its text quotes a part of the URL, which may be a part of the password
        raise malformed from None
    user, name = unquote(parts.username or ""), unquote(parts.path.removeprefix("/"))
    if not user or parts.fragment:
        raise malformed
    shown = f"postgresql://{user}@{host or ''}:{port}/{name}"
    for part, value in (("host", host), ("database", name)):
        if not value:
            raise BadSetting(f"--database {shown}: the URL names no {part}; add it")
    password = unquote(parts.password) if parts.password else os.environ.get("PGPASSWORD")
    options = {"user": user, "host": host, "port": port, "database": name, "password": password}
    return {**options, "ssl_context": _encryption(dict(parse_qsl(parts.query)), shown)}, shown


def _encryption(query: dict[str, str], shown: str) -> ssl.SSLContext | bool | None:
    """Return what pg8000 takes: False for plain text, None for the server's choice, or a context."""
    unknown = set(query) - {"sslmode", "sslrootcert"}
    if unknown:
        raise BadSetting(
            f"--database {shown}: {', '.join(sorted(unknown))} is not known; take sslmode, sslrootcert"
        )
    mode = query.get("sslmode", "prefer")
    if mode not in SSL_MODES:
        raise BadSetting(f"--database {shown}: sslmode {mode} is not known; take {', '.join(SSL_MODES)}")
    if mode in ("disable", "prefer"):
        return False if mode == "disable" else None
    try:
        context = ssl.create_default_context(cafile=query.get("sslrootcert"))
    except OSError as error:
        raise BadSetting(f"--database {shown}: sslrootcert {query['sslrootcert']}: {error}") from error
    if mode == "require":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _reason(error: Exception) -> str:
    """Return what went wrong in one line; the server's own answers come as a dictionary of fields."""
    fields = error.args[0] if error.args else None
    if not isinstance(fields, dict):
        return str(error)
    if fields.get("C") == _LOCK_NOT_AVAILABLE:
        return "another collector uses this database; run one replica, or give each a database of its own"
    return str(fields.get("M"))
