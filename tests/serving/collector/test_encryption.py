"""A real PostgreSQL server that offers encryption, and clients that ask for more or less of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bandit_serving.collector.stores import open_store
from bandit_serving.errors import BadSetting
from testbed.certificates import Certificate, authority, issued
from testbed.postgresql import PostgreSQL, postgresql

COLLECTORS = """\
SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
WHERE application_name = 'bandit-serving collector' AND datname = '{}'"""


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """The authority that issued the server's certificate."""
    return authority(tmp_path_factory.mktemp("trusted"), "trusted")


@pytest.fixture(scope="module")
def server(trusted: Certificate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    """A server whose certificate is for 127.0.0.1, and not for localhost."""
    certificate = issued(trusted, tmp_path_factory.mktemp("server"), "server", "IP:127.0.0.1")
    with postgresql("fsync=off", certificate=certificate) as one:
        yield one


@pytest.mark.parametrize(
    ("mode", "encrypted"), [("disable", False), ("prefer", True), ("require", True), ("verify-full", True)]
)
def test_the_mode_decides_whether_the_connection_is_encrypted(
    server: PostgreSQL, trusted: Certificate, mode: str, encrypted: bool
) -> None:
    url = server.create_database()
    root = f"&sslrootcert={trusted.file}" if mode == "verify-full" else ""
    store = open_store(f"{url}?sslmode={mode}{root}")
    try:
        assert server.run("postgres", COLLECTORS.format(url.rpartition("/")[2])) == [[encrypted]]
    finally:
        store.close()


def test_a_server_whose_certificate_another_authority_issued_is_refused(
    server: PostgreSQL, tmp_path: Path
) -> None:
    stranger = authority(tmp_path, "stranger")
    url = f"{server.create_database()}?sslmode=verify-full&sslrootcert={stranger.file}"
    with pytest.raises(BadSetting, match=r"cannot be used: .*certificate verify failed"):
        open_store(url)


def test_without_an_authority_of_ones_own_the_systems_are_asked(server: PostgreSQL) -> None:
    with pytest.raises(BadSetting, match=r"cannot be used: .*certificate verify failed"):
        open_store(f"{server.create_database()}?sslmode=verify-full")


def test_a_server_of_another_name_is_refused(server: PostgreSQL, trusted: Certificate) -> None:
    url = server.create_database().replace("@127.0.0.1:", "@localhost:")
    open_store(f"{url}?sslmode=require").close()
    with pytest.raises(BadSetting, match=r"cannot be used: .*certificate is not valid for 'localhost'"):
        open_store(f"{url}?sslmode=verify-full&sslrootcert={trusted.file}")
