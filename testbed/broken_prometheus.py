"""What a Prometheus that is ill may answer: the first part of the path says how.

Such faults cannot be made with a real one at will.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def vector(value: str) -> str:
    """An instant vector with both parts of both arms."""
    result = [
        {"metric": {"arm": arm, "bandit_part": part}, "value": [0, value]}
        for arm in ("good", "bad")
        for part in ("trials", "rewards")
    ]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})


ANSWERS = {
    "nan": (200, vector("NaN")),
    "nothing": (200, json.dumps({"status": "success", "data": {"resultType": "vector", "result": []}})),
    "text": (200, "<html>It works!</html>"),
    "refusal": (
        400,
        json.dumps({"status": "error", "errorType": "bad_data", "error": "1:5: parse error: no"}),
    ),
    "unavailable": (503, "<html>no upstream</html>"),
    "huge": (200, vector("1" * 15_000_000)),
}


class Handler(BaseHTTPRequestHandler):
    """One query."""

    def do_POST(self) -> None:
        """A query."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def do_GET(self) -> None:
        """Answer as the path says, or after 30 seconds; any other path is the readiness probe's."""
        how = self.path.split("/")[1]
        if how == "hung":
            time.sleep(30)
        status, text = ANSWERS.get(how, (200, "ok"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
