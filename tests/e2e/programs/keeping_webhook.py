"""An admission webhook that keeps the spec of what is updated as it is, and answers as if nothing were wrong.

``keeping_webhook.py PORT CERTIFICATE KEY``: certificate and key are PEM texts.
"""

from __future__ import annotations

import base64
import json
import ssl
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        """The readiness probe."""
        self._answer({})

    def do_POST(self) -> None:
        """One AdmissionReview."""
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = review["request"]
        patch = [{"op": "replace", "path": "/spec", "value": asked["oldObject"]["spec"]}]
        response = {
            "uid": asked["uid"],
            "allowed": True,
            "patchType": "JSONPatch",
            "patch": base64.b64encode(json.dumps(patch).encode()).decode(),
        }
        self._answer({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response})

    def _answer(self, document: dict[str, Any]) -> None:
        text = json.dumps(document).encode()
        self.send_response(200)
        for header in (("Content-Type", "application/json"), ("Content-Length", str(len(text)))):
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
with tempfile.NamedTemporaryFile("w") as chain:  # Python reads certificates from files only
    chain.write("\n".join(sys.argv[2:4]))
    chain.flush()
    context.load_cert_chain(chain.name)
server = ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
