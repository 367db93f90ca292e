"""A model server that counts its own rewards, at rates that a test sets.

``counting_model.py PORT [JSON]``: GET /metrics has the reward counters by route and arm,
PUT /rates takes ``{"ROUTE/ARM": [trials a second, mean reward]}`` as the argument does. With a
third number, a standard deviation, rewards are normal and their further sums are counted too;
their denominators lie between 0.5 and 1.5, and the mean is that of the ratio. What was
earned is counted when it is read, so that a thousand routes cost next to nothing. The
counters live and die with the process, as those of most model servers do.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

EVERY = (
    "trials",
    "successes",
    "losses",
    "squares",
    "denominators",
    "denominator_squares",
    "cross_products",
)
"""Names of all counters, of which the first two are those of every arm."""
rates: dict[str, list[float]] = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
counters: dict[str, dict[str, float]] = {}
lock = threading.Lock()
generator = random.Random()
counted_at = time.monotonic()


def add(name: str, key: str, value: float) -> None:
    """Add to a counter of one arm."""
    by_key = counters.setdefault(name, {})
    by_key[key] = by_key.get(key, 0) + value


def reward(key: str, mean: float, deviation: float | None) -> None:
    """Count one reward."""
    add("trials", key, 1)
    if deviation is None:
        add("successes", key, generator.random() < mean)
        return
    x = generator.uniform(0.5, 1.5)
    y = mean * x + generator.gauss(0, deviation)
    add("successes", key, max(y, 0))
    add("losses", key, max(-y, 0))
    add("squares", key, y * y)
    add("denominators", key, x)
    add("denominator_squares", key, x * x)
    add("cross_products", key, max(x * y, 0))


def count() -> None:
    """Add what the rates say that was earned since the last time."""
    global counted_at
    now = time.monotonic()
    seconds, counted_at = now - counted_at, now
    for key, (rate, mean, *deviation) in rates.items():
        expected = rate * seconds
        number = int(expected) + (generator.random() < expected % 1)
        for name in EVERY if deviation else EVERY[:2]:
            add(name, key, 0)
        for _ in range(number):
            reward(key, mean, deviation[0] if deviation else None)


def metrics() -> str:
    """The counters in Prometheus' text format."""
    lines = []
    for name, counts in counters.items():
        lines.append(f"# TYPE model_reward_{name}_total counter")
        for key, value in counts.items():
            route, arm = key.split("/")
            lines.append(f'model_reward_{name}_total{{route="{route}",arm="{arm}"}} {value}')
    return "\n".join(lines) + "\n"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        """Metrics; to probes that it lives."""
        if self.path != "/metrics":
            self._answer("ok")
            return
        with lock:
            count()
            text = metrics()
        self._answer(text)

    def do_PUT(self) -> None:
        """Set rates."""
        changed = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with lock:
            count()
            rates.update(changed)
        self._answer("ok")

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
