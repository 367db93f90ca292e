"""A model server that counts its own rewards, at rates that a test sets.

``counting_model.py PORT [JSON]``: GET /metrics has the two reward counters by route and arm,
PUT /rates takes ``{"ROUTE/ARM": [trials a second, mean reward]}`` as the argument does. The
counters live and die with the process, as those of most model servers do.
"""

import json
import random
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

rates: dict[str, list[float]] = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
trials: dict[str, int] = {}
rewards: dict[str, int] = {}
lock = threading.Lock()


def count() -> None:
    """Add what the rates say, twenty times a second."""
    generator = random.Random()
    while True:
        with lock:
            for key, (rate, mean) in rates.items():
                share = rate / 20
                number = int(share) + (generator.random() < share % 1)
                trials[key] = trials.get(key, 0) + number
                rewards[key] = rewards.get(key, 0) + sum(generator.random() < mean for _ in range(number))
        time.sleep(0.05)


def metrics() -> str:
    """The counters in Prometheus' text format."""
    lines = []
    for name, counts in (("trials", trials), ("successes", rewards)):
        lines.append(f"# TYPE model_reward_{name}_total counter")
        for key, value in counts.items():
            route, arm = key.split("/")
            lines.append(f'model_reward_{name}_total{{route="{route}",arm="{arm}"}} {value}')
    return "\n".join(lines) + "\n"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        """Metrics, also to probes."""
        with lock:
            self._answer(metrics())

    def do_PUT(self) -> None:
        """Set rates."""
        changed = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with lock:
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
threading.Thread(target=count, daemon=True).start()
ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
