"""What the recorders of expositions share: what is asked of a server, and what is kept of its answer.

A recorder runs real software on the loopback address, from an environment that has it:
``ENVIRONMENT/bin/python -m tests.sources.recorders.NAME``, in the repository's folder. It needs
nothing but the standard library and that software.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

EXPOSITIONS = Path(__file__).parents[1] / "expositions"
LOADS = {
    ("models", "income-logistic"): {"fast": 90, "slow": 7, "failed": 3},
    ("models", "income-boosting"): {"fast": 33, "slow": 7, "failed": 10},
    ("staging", "income-logistic"): {"fast": 20, "slow": 0, "failed": 1},
}
"""Requests by namespace and Service of a server; the last one is no arm's."""
AGES = {"fast": 50, "slow": 60, "failed": -1}
"""What the model is asked: it takes 0.4 s for the second, and raises for the third."""
SECONDS = 60
"""Longest that a server may take to be ready."""


def request(url: str, body: Any = None, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Status and text of an answer; 0 where there is none."""
    data = None if body is None else json.dumps(body).encode()
    sent = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(sent, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""
    except OSError:
        return 0, ""


@contextmanager
def backend(port: int) -> Iterator[None]:
    """What gateways route to: /slow takes 0.4 s, and /failed is answered with 503, or gRPC's UNAVAILABLE."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(0.4 if self.path == "/slow" else 0)
            failed = self.path == "/failed"
            if self.headers["Content-Type"] == "application/grpc":
                self.send_response(200)
                self.send_header("Content-Type", "application/grpc")
                self.send_header("grpc-status", "14" if failed else "0")
            else:
                self.send_response(503 if failed else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield
    server.shutdown()


def serve(command: Sequence[str], files: Mapping[str, str], ready: str, work: Callable[[], str]) -> str:
    """Run a program of the environment in a folder with these files, and work once ``ready`` answers."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, name).write_text(text)
        program = Path(sys.executable).parent / command[0]
        with Path(folder, "log").open("w") as log:
            server = subprocess.Popen([program, *command[1:]], cwd=folder, stdout=log, stderr=log)
        try:
            end = time.monotonic() + SECONDS
            while request(ready)[0] != 200:
                if server.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{command[0]} does not serve: {Path(folder, 'log').read_text()}")
                time.sleep(0.1)
            return work()
        finally:
            server.terminate()
            server.wait()


def kept(exposition: str, pattern: str, target: Mapping[str, str]) -> list[str]:
    """The samples whose names and labels match, with the labels of their target as Prometheus adds them."""
    labels = ",".join(f'{name}="{value}"' for name, value in target.items())
    lines = (line.rpartition(" ")[::2] for line in exposition.splitlines())
    found = [(series.partition("{"), value) for series, value in lines if re.fullmatch(pattern, series)]
    return [f"{name}{{{labels},{own} {value}" for (name, _, own), value in found]


def record_server(
    software: str,
    command: Sequence[str],
    files: Mapping[str, str],
    urls: Mapping[str, str],
    body: Callable[[int], Any],
    pattern: str,
) -> None:
    """Record a model server that is started afresh for each load; ``urls``: ready, predict, metrics."""
    lines = []
    for (namespace, service), load in LOADS.items():

        def ask(load: Mapping[str, int] = load) -> str:
            for kind, times in load.items():
                for _ in range(times):
                    status, _ = request(urls["predict"], body(AGES[kind]))
                    assert (status == 500) == (kind == "failed"), f"{kind}: {status}"
            return request(urls["metrics"])[1]

        target = {"namespace": namespace, "service": service, "pod": f"{service}-1"}
        lines += kept(serve(command, files, urls["ready"], ask), pattern, target)
    write(software.partition(" ")[0].lower(), software, lines)


def write(name: str, software: str, lines: Sequence[str]) -> None:
    """Write an exposition; ``software`` has its version."""
    head = f"# {software}, recorded by tests/sources/recorders/{name}.py; labels of the target added."
    (EXPOSITIONS / f"{name}.prom").write_text("\n".join([head, *lines, ""]))
