"""What is special to the databases: opening them, URLs, a second collector, and a server that goes away."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pg8000.exceptions import DatabaseError, InterfaceError

from bandit_serving.collector import counters as names
from bandit_serving.collector.counters import Key
from bandit_serving.collector.events import Label
from bandit_serving.collector.joiner import Joiner
from bandit_serving.collector.stores import STORES, open_store, postgresql, sqlite
from bandit_serving.collector.stores.base import SCHEMA_VERSION
from bandit_serving.errors import BadSetting
from bandit_serving.rewards import RouteRewards, make_reward
from testbed.postgresql import PASSWORD, QUOTED_PASSWORD, USER, PostgreSQL


def joiner_of(database: str) -> Joiner:
    return Joiner(open_store(database), RouteRewards({}, make_reward("accuracy", {})))


def label(number: int) -> Label:
    return Label("r", str(number), "1", 1.0)


def test_the_registry_is_sorted() -> None:
    assert list(STORES) == sorted(STORES)


def test_a_scheme_that_is_not_known_is_told_without_the_rest_of_the_url() -> None:
    with pytest.raises(BadSetting, match="--database mysql://…: no database is known") as caught:
        open_store("mysql://me:hush@host/db")
    assert "hush" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database " * 100)
    with pytest.raises(BadSetting, match=r"--database .*notes.txt: cannot be used: file is not a database"):
        open_store(str(path))


@pytest.mark.parametrize(
    "statements",
    [
        f"PRAGMA user_version = {SCHEMA_VERSION}",
        f"PRAGMA user_version = {SCHEMA_VERSION}; CREATE TABLE counters (id INTEGER)",
        f"PRAGMA user_version = {SCHEMA_VERSION};"
        " CREATE TABLE counters (name TEXT, route TEXT, arm TEXT, value TEXT);"
        " INSERT INTO counters VALUES ('trials', 'r', 'a', 'many')",
    ],
    ids=["no tables", "other columns", "no number"],
)
def test_a_database_of_another_program_is_refused_by_name(tmp_path: Path, statements: str) -> None:
    path = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.executescript(statements)
    with pytest.raises(
        BadSetting, match=r"other\.db: its counters cannot be read: .*; name a database of the"
    ):
        open_store(str(path))
    with contextlib.closing(sqlite3.connect(path)) as again:  # it was let go
        again.execute("PRAGMA user_version = 0")


def test_a_second_collector_is_refused_while_the_first_lives(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (postgresql, sqlite):
        monkeypatch.setattr(module, "LOCK_SECONDS", 1)
    first = open_store(database)
    with pytest.raises(BadSetting, match=r"another collector uses this|end the collector that uses it"):
        open_store(database)
    first.close()
    open_store(database).close()


def test_a_database_of_another_schema_is_refused(postgresql_server: PostgreSQL) -> None:
    url = postgresql_server.create_database()
    open_store(url).close()
    postgresql_server.run(url.rpartition("/")[2], "UPDATE reward_schema SET version = 99")
    with pytest.raises(BadSetting, match="it has schema 99, this version needs 2"):
        open_store(url)


def test_a_broken_connection_fails_one_transaction_and_is_made_again(postgresql_server: PostgreSQL) -> None:
    url = postgresql_server.create_database()
    joiner = joiner_of(url)
    joiner.apply([label(1)], now=0)
    postgresql_server.end_sessions(url)
    with pytest.raises((DatabaseError, InterfaceError, OSError)):
        joiner.apply([label(2)], now=0)
    joiner.apply([label(2), label(1)], now=0)
    assert joiner.counters[Key(names.LABELS, "r", "")] == 2
    assert joiner.counters[Key(names.DUPLICATE_LABELS, "r", "")] == 1
    joiner.close()


def test_counters_are_read_again_where_a_commit_was_made_but_not_confirmed(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(database)
    joiner = Joiner(store, RouteRewards({}, make_reward("accuracy", {})))
    with monkeypatch.context() as patch:
        # A connection that breaks between the commit and its confirmation cannot be had on purpose.
        transaction = store.transaction

        class Unconfirmed:
            def __enter__(self) -> None:
                self.inner = transaction()
                self.inner.__enter__()

            def __exit__(self, *error: object) -> None:
                self.inner.__exit__(None, None, None)
                raise ConnectionError("gone")

        patch.setattr(store, "transaction", Unconfirmed)
        with pytest.raises(ConnectionError, match="gone"):
            joiner.apply([label(1)], now=0)
    joiner.apply([label(1), label(2)], now=0)
    assert joiner.counters == {Key(names.LABELS, "r", ""): 2, Key(names.DUPLICATE_LABELS, "r", ""): 1}
    joiner.close()


BAD_URLS = {
    "a slash in the password": ("postgresql://me:hu/sh@host/db", "write characters such as / # ? @"),
    "a # in a password of digits": ("postgresql://me:4711#3@host/db", "write characters such as / # ? @"),
    "no user": ("postgresql://host/db", "not a URL postgresql://USER"),
    "no database": ("postgresql://me:hush@host", "the URL names no database; add it"),
    "no host": ("postgresql://me:hush@/db", "the URL names no host; add it"),
    "an unknown option": (
        "postgresql://me:hush@host/db?ssl=1",
        "ssl is not known; take sslmode, sslrootcert",
    ),
    "an unknown mode": (
        "postgresql://me:hush@host/db?sslmode=allow",
        "sslmode allow is not known; take disable,",
    ),
    "no certificates": (
        "postgresql://me:hush@host/db?sslmode=verify-full&sslrootcert=/none.pem",
        "sslrootcert /none.pem: ",
    ),
    "nobody there": (
        "postgresql://me:hush@127.0.0.1:1/db",
        "postgresql://me@127.0.0.1:1/db: cannot be used:",
    ),
}


@pytest.mark.parametrize(("url", "message"), BAD_URLS.values(), ids=BAD_URLS.keys())
def test_a_url_that_cannot_be_used_is_told_without_its_password(url: str, message: str) -> None:
    with pytest.raises(BadSetting) as caught:
        open_store(url)
    assert message in str(caught.value)
    assert not any(part in str(caught.value) for part in ("hush", ":hu", "sh@", "4711"))


def test_a_wrong_password_is_told_but_not_shown(postgresql_server: PostgreSQL) -> None:
    url = postgresql_server.create_database().replace(QUOTED_PASSWORD, "wr0ng")
    with pytest.raises(BadSetting, match="password authentication failed for user") as caught:
        open_store(url)
    assert "wr0ng" not in str(caught.value)


def test_the_password_may_come_from_the_environment(
    postgresql_server: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql_server.create_database().replace(f"{USER}:{QUOTED_PASSWORD}@", f"{USER}@")
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    open_store(url).close()


def test_encryption_that_the_server_does_not_offer_is_an_error(postgresql_server: PostgreSQL) -> None:
    with pytest.raises(BadSetting, match=r"cannot be used: .*SSL"):
        open_store(postgresql_server.create_database() + "?sslmode=require")


def test_a_collector_whose_server_ends_its_session_logs_it_without_the_password_and_goes_on(
    postgresql_server: PostgreSQL, start: Callable[..., Any]
) -> None:
    url = postgresql_server.create_database()
    collector = start("collector", "--database", url, "--drain-delay", "0s")
    events = [{"id": "1", "route": "r", "label": 1}]
    postgresql_server.end_sessions(url)
    failed = httpx.post(f"{collector.url}/v1/labels", json=events)
    assert (failed.status_code, failed.headers["Retry-After"]) == (503, "1")
    assert httpx.post(f"{collector.url}/v1/labels", json=events).status_code == 200
    assert collector.metrics()['model_reward_labels_total{route="r"}'] == 1
    assert collector.terminate() == 0
    lines = [json.dumps(line) for line in collector.logs]
    assert any("transaction failed" in line for line in lines)
    assert not any(secret in line for line in [*lines, failed.text] for secret in (PASSWORD, QUOTED_PASSWORD))
