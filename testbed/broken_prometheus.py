"""What a Prometheus that is ill, or a proxy before a healthy one, may answer: the path's first part says how.

Such faults cannot be made with a real one at will. Proxies pass on what they do not refuse.
"""

from __future__ import annotations

import base64
import json
import sys
import time
import urllib.error
import urllib.request
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


HEALTHY = "http://prometheus.monitoring:9090"
TENANT, USER, PASSWORD = "shop", "bandit", "not-a-secret"
"""Who may ask where there are tenants."""
LONGEST_LINE = 8192
"""Bytes of a request line that nginx and Linkerd take where nobody has said otherwise."""


def without_a_store(text: str) -> str:
    """An answer as of a server that asks others, of which those with the rewards of "bad" are away."""
    answer = json.loads(text)
    answer["data"]["result"] = [
        one for one in answer["data"]["result"]
        if (one["metric"].get("arm"), one["metric"].get("bandit_part")) != ("bad", "rewards")
    ]  # fmt: skip
    return json.dumps({**answer, "warnings": ["a store does not answer"]})


class Handler(BaseHTTPRequestHandler):
    """One query."""

    def do_POST(self) -> None:
        """A query."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.how == "no-post":
            self.answer(405, "<html>405 Not Allowed</html>")
        else:
            self.do_GET(body)

    def do_GET(self, body: bytes | None = None) -> None:
        """Answer as the path says, or after 30 seconds; any other path is the readiness probe's."""
        if self.how == "hung":
            time.sleep(30)
        if self.how == "tenants" and not self.is_known():
            self.answer(401, "<html>401 Unauthorized</html>")
        elif self.how not in ("short-lines", "no-post", "tenants", "store-away"):
            self.answer(*ANSWERS.get(self.how, (200, "ok")))
        elif len(self.requestline) > LONGEST_LINE:
            self.answer(414, "<html>414 Request-URI Too Large</html>")
        else:
            self.answer(*self.passed_on(body))

    def is_known(self) -> bool:
        """Whether the one who asks names the tenant and the password."""
        asked = (self.headers["X-Scope-OrgID"], self.headers["Authorization"])
        return asked == (TENANT, "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode())

    @property
    def how(self) -> str:
        """What the path says."""
        return self.path.split("/")[1]

    def passed_on(self, body: bytes | None) -> tuple[int, str]:
        """Return what the healthy one answers."""
        kind = {"Content-Type": self.headers["Content-Type"]} if body is not None else {}
        asked = urllib.request.Request(HEALTHY + self.path.removeprefix(f"/{self.how}"), body, kind)
        try:
            with urllib.request.urlopen(asked, timeout=20) as got:
                text = got.read().decode()
                return got.status, without_a_store(text) if self.how == "store-away" else text
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode()

    def answer(self, status: int, text: str) -> None:
        """Send an answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
