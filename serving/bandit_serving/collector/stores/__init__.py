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
        BadSetting: There is no such scheme, the database cannot be used, or it is not the collector's.
    """
    scheme, separator, _ = database.partition("://")
    kind = STORES.get(scheme) if separator else SQLiteStore
    if kind is None:
        raise BadSetting(
            f"--database {scheme}://…: no database is known by this scheme; take a path or one of"
            f" {', '.join(STORES)}"
        )
    store = kind(database)
    try:
        store.read_counters()
    except Exception as error:  # of any database: another's tables, or counters that are none
        store.close()
        shown = f"{scheme}://…" if separator else database
        raise BadSetting(
            f"--database {shown}: its counters cannot be read: {error}; name a database of the collector's"
        ) from error
    return store


__all__ = ["STORES", "Store", "open_store"]
