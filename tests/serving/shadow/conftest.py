"""Small models on loopback that answer as a test wants, and a shadow server that asks them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.serving.conftest import DEADLINE, Server, until

INFER = "/v2/models/income/infer"
ROW = {"name": "features", "shape": [1, 3], "datatype": "FP64", "data": [60, 50, 50]}


class Asked(NamedTuple):
    """A request that a model got."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    tags: Sequence[str] = ()
    """Values of the header X-Tag, one by one."""


class Breaks(NamedTuple):
    """Sends this much of an answer and then closes the connection."""

    sent: bytes


class Waits(NamedTuple):
    """Answers once an event is set."""

    event: threading.Event


Reply = int | Breaks | Waits | bytes | dict[str, Any]


def predicting(value: Any, name: str = "predict") -> dict[str, Any]:
    """Return the answer of a model of the Open Inference Protocol v2 for one row."""
    return {"outputs": [{"name": name, "shape": [1], "datatype": "INT64", "data": [value]}]}


class Model:
    """A real HTTP server that keeps what it was asked, and answers as ``reply`` says."""

    def __init__(self, reply: Callable[[Asked], Reply]) -> None:
        model = self
        self.reply = reply
        self.asked: list[Asked] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                tags = self.headers.get_all("X-Tag", [])
                asked = Asked(self.command, self.path, dict(self.headers), body, tags)
                model.asked.append(asked)
                self._send(model.reply(asked))

            do_PUT = do_POST

            def _send(self, reply: Reply) -> None:
                if isinstance(reply, Waits):
                    reply.event.wait(DEADLINE)
                    reply = predicting(1)
                if isinstance(reply, Breaks):
                    self.wfile.write(reply.sent)
                    self.close_connection = True
                    return
                status, data = (reply, b"{}") if isinstance(reply, int) else (200, reply)
                body = data if isinstance(data, bytes) else json.dumps(data).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self._server = _QuietServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that has hung up: that is what deadlines do."""


Make = Callable[..., Model]
Begin = Callable[..., Server]


@pytest.fixture
def model() -> Iterator[Make]:
    """Start models that end with the test."""
    models: list[Model] = []

    def make(reply: Callable[[Asked], Reply] | Reply) -> Model:
        models.append(Model(reply if callable(reply) else lambda _asked: reply))
        return models[-1]

    yield make
    for one in models:
        one.close()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Return an event that models wait for, set at the end whatever happens."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def collector(start: Callable[..., Server], tmp_path: Path) -> Server:
    """Return a collector of accuracy."""
    return start("collector", "--database", str(tmp_path / "rewards.db"), "--drain-delay", "0s")


@pytest.fixture
def begin(start: Callable[..., Server], collector: Server) -> Begin:
    """Start a shadow server for arms by name, which reports to the collector."""

    def shadow(arms: Mapping[str, Model | str], *more: str, port: int = 0) -> Server:
        named = [
            argument
            for name, one in arms.items()
            for argument in ("--arm", f"{name}={one if isinstance(one, str) else one.url}")
        ]
        return start(
            *("shadow", "--route", "income", "--collector", collector.url, "--metrics-port", "0"),
            *("--drain-delay", "0s", *named, *more),
            port=port,
        )

    return shadow


def copy(shadow: Server, request_id: str, path: str = INFER, **more: Any) -> httpx.Response:
    """Send the copy of a request as a gateway would."""
    body = {"id": request_id, "inputs": [ROW]}
    return httpx.post(shadow.url + path, **{"json": body, "timeout": DEADLINE, **more})


def label(collector: Server, request_id: str, value: Any = 1) -> None:
    """Send the label of a request."""
    events = [{"id": request_id, "route": "income", "label": value}]
    assert httpx.post(f"{collector.url}/v1/labels", json=events, timeout=DEADLINE).status_code == 200


def calls(shadow: Server) -> dict[tuple[str, str], float]:
    """Return the calls by arm and outcome, those without any left out."""
    found = {}
    for name, value in shadow.metrics().items():
        if name.startswith("shadow_calls_total") and value:
            arm, outcome = name.split('"')[1::2]
            found[arm, outcome] = value
    return found


def until_calls(shadow: Server, wanted: Mapping[tuple[str, str], float]) -> None:
    """Wait until these are the calls by arm and outcome."""
    until(lambda: calls(shadow) == wanted)


def dropped(shadow: Server, reason: str) -> float:
    """Return the copies that were dropped for a reason."""
    return shadow.metrics()[f'shadow_copies_dropped_total{{reason="{reason}"}}']


def delivered(shadow: Server, arm: str) -> float:
    """Return the predictions of an arm that the collector has acknowledged."""
    return shadow.metrics().get(f'shadow_predictions_total{{arm="{arm}",result="delivered"}}', 0)


def scored(collector: Server, arm: str, name: str = "trials") -> float:
    """Return a counter of the shadows of an arm."""
    return collector.metrics().get(f'model_reward_shadow_{name}_total{{arm="{arm}",route="income"}}', 0)
