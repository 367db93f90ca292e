"""A receiver of webhooks: writes what it is sent to its log, and takes each only at the second attempt."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

seen: set[tuple[str, bytes]] = set()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        """The readiness probe."""
        self._answer(200)

    def do_POST(self) -> None:
        """One delivery."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        attempt = self.path, body
        code = 200 if attempt in seen else 503
        seen.add(attempt)
        line = {"path": self.path, "code": code, "headers": dict(self.headers), "body": json.loads(body)}
        sys.stdout.write(f"{json.dumps(line)}\n")
        sys.stdout.flush()
        self._answer(code)

    def _answer(self, code: int) -> None:
        self.send_response(code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing else."""


ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
