"""A stand-in for a reader's model: ``spam_model.py BOUND`` calls a message with BOUND marks or more spam.

POST /predict takes ``{"id": …, "exclamation_marks": …}``; the answer names the arm that the environment does.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        """Answer a probe."""
        self._answer({"ready": True})

    def do_POST(self) -> None:
        """Answer a prediction."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        spam = int(asked["exclamation_marks"] >= int(sys.argv[1]))
        self._answer({"id": asked["id"], "arm": os.environ["ARM"], "predict": spam})

    def _answer(self, value: dict[str, object]) -> None:
        text = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
