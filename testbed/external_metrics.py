"""A server of the API external.metrics.k8s.io, whose metrics are what a test says.

``external_metrics.py PORT CERTIFICATE KEY``: certificate and key are PEM texts. In the API group a POST to
``namespaces/NAMESPACE/NAME?value=NUMBER`` sets a metric, and GET returns it, as a HorizontalPodAutoscaler
reads it, with the label ``reads``: how often it was read. A metric that was not set has no value.
"""

from __future__ import annotations

import json
import signal
import ssl
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

GROUP_VERSION = "external.metrics.k8s.io/v1beta1"
values: dict[str, float] = {}
reads: Counter[str] = Counter()


def listed(path: str) -> dict[str, Any]:
    """A metric as the API has it."""
    items = []
    if path in values:
        item = {
            "metricName": path.rpartition("/")[2],
            "metricLabels": {"reads": str(reads[path])},
            "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
            "value": f"{values[path]:g}",
        }
        items.append(item)
    return {
        "kind": "ExternalMetricValueList",
        "apiVersion": GROUP_VERSION,
        "metadata": {},
        "items": items,
    }


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        """A metric, the resources of the group, or to probes that it lives."""
        path = urlsplit(self.path).path
        if path == "/":
            self._answer({})
        elif path == f"/apis/{GROUP_VERSION}":
            empty: list[Any] = []
            resources = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": GROUP_VERSION}
            self._answer({**resources, "resources": empty})
        elif path.startswith(f"/apis/{GROUP_VERSION}/namespaces/"):
            reads[path] += 1
            self._answer(listed(path))
        else:
            self._answer({}, 404)

    def do_POST(self) -> None:
        """Set a metric."""
        address = urlsplit(self.path)
        values[address.path] = float(parse_qs(address.query)["value"][0])
        self._answer(listed(address.path))

    def _answer(self, document: dict[str, Any], code: int = 200) -> None:
        text = json.dumps(document).encode()
        self.send_response(code)
        for header in (("Content-Type", "application/json"), ("Content-Length", str(len(text)))):
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
with tempfile.NamedTemporaryFile("w") as chain:  # Python reads certificates from files only
    chain.write("\n".join(sys.argv[2:4]))
    chain.flush()
    context.load_cert_chain(chain.name)
server = ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
