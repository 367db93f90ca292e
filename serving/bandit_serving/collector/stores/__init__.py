"""The databases that the collector may keep its events and counters in, one file each."""

from __future__ import annotations

from bandit_serving.collector.stores.base import Store
from bandit_serving.collector.stores.postgresql import PostgreSQLStore
from bandit_serving.collector.stores.sqlite import SQLiteStore
from bandit_serving.errors import BadSetting

STORES: dict[str, type[SQLiteStore] | type[PostgreSQLStore]] = {
    "postgres": PostgreSQLStore,
    "postgresql": PostgreSQLStore,
    "sqlite": SQLiteStore,
}


def open_store(database: str) -> Store:
    """Open a database by its URL; what has no scheme is the path of a SQLite file.

    Raises:
        BadSetting: There is no such scheme, or the database cannot be used.
    """
    scheme, separator, _ = database.partition("://")
    if not separator:
        return SQLiteStore(database)
    kind = STORES.get(scheme)
    if kind is None:
        raise BadSetting(
            f"--database {scheme}://…: no database is known by this scheme; take a path or one of"
            f" {', '.join(STORES)}"
        )
    return kind(database)


__all__ = ["STORES", "Store", "open_store"]
