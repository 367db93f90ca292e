"""Real servers on the loopback address, each a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from testbed.postgresql import PostgreSQL, postgresql

DEADLINE = 120.0  # seconds after which whatever is awaited has failed
FEATURES = ["age", "hours", "wage"]


def until(condition: Callable[[], Any]) -> Any:
    """Wait until the condition holds and return its value."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.01)
    raise AssertionError(f"not so within {DEADLINE} s: {condition}")


class Server:
    """A ``bandit-serving`` process that listens at a port of its own choice."""

    def __init__(self, *arguments: str, port: int = 0) -> None:
        command = [sys.executable, "-m", "bandit_serving", *arguments]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        self.logs: list[dict[str, Any]] = []
        self._ports: queue.Queue[int | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            bound = self._ports.get(timeout=DEADLINE)
            assert bound is not None, self.logs
        except BaseException:
            self.kill()
            raise
        self.port = bound
        self.url = f"http://127.0.0.1:{bound}"

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            try:
                self.logs.append(json.loads(line))
            except ValueError:
                self.logs.append({"event": line.rstrip()})
            if self.logs[-1].get("event") == "listening":
                self._ports.put(self.logs[-1]["port"])
        self._ports.put(None)

    def get(self, path: str) -> Any:
        """Return the JSON at a path."""
        return httpx.get(self.url + path, timeout=DEADLINE).json()

    def metrics(self) -> dict[str, float]:
        """Return the metrics, each under its name with labels."""
        text = httpx.get(self.metrics_url + "/metrics", timeout=DEADLINE).text
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#"]
        return {name: float(value) for name, value in lines}

    @property
    def metrics_url(self) -> str:
        """Where /metrics is: the port that the log names, else that of the rest."""
        ports = [line["port"] for line in self.logs if line.get("event") == "metrics"]
        return f"http://127.0.0.1:{ports[0]}" if ports else self.url

    def kill(self) -> None:
        """End the process by SIGKILL."""
        self.process.kill()
        self.process.wait(DEADLINE)
        self.close()

    def terminate(self) -> int:
        """End the process by SIGTERM and return its exit code."""
        self.process.terminate()
        code = self.process.wait(DEADLINE)
        self.close()
        return code

    def insist(self, number: signal.Signals) -> int:
        """Send a signal again, until the process has ended, and return its exit code."""
        end = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < end:
            self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.2)
        code = self.process.wait(0)
        self.close()
        return code

    def close(self) -> None:
        """Close the pipe of a process that has ended."""
        self._reader.join(DEADLINE)
        assert self.process.stderr is not None
        self.process.stderr.close()


def _starter() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def begin(*arguments: str, port: int = 0) -> Server:
        servers.append(Server(*arguments, port=port))
        return servers[-1]

    yield begin
    for server in servers:
        server.kill()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    """Run a PostgreSQL server; only the clients are ever killed, so it need not wait for the disk."""
    with postgresql("fsync=off") as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return a database of each kind that holds nothing yet, as --database takes it."""
    if request.param == "sqlite":
        return str(tmp_path / "rewards.db")
    server: PostgreSQL = request.getfixturevalue("postgresql_server")
    return server.create_database()


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Start servers that end with the test."""
    yield from _starter()


@pytest.fixture(scope="module")
def start_for_module() -> Iterator[Callable[..., Server]]:
    """Start servers that end with the module."""
    yield from _starter()


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model of three features that predicts 1 for ages above 50, with its card."""
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 100, (500, len(FEATURES)))
    model = LogisticRegression(max_iter=1000).fit(values, values[:, 0] > 50)
    model.classes_ = np.array([0, 1])
    path = tmp_path_factory.mktemp("model") / "model.joblib"
    joblib.dump(model, path)
    path.with_suffix(".json").write_text(json.dumps({"features": FEATURES}))
    return path


@pytest.fixture(scope="session")
def arm(model_file: Path) -> Iterator[Server]:
    """Return an arm of the model ``income`` that reports to no collector."""
    server = Server("arm", "--model", str(model_file), "--name", "income", "--arm", "logistic")
    yield server
    server.kill()
