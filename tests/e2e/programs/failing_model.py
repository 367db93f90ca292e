"""A model that is ready, and answers every request with an error."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        """Only the readiness probe, which asks for no path, is well."""
        self.send_response(200 if self.path == "/" else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
