"""A Git server that speaks HTTP: ``git_server.py PORT``.

It has one empty repository at ``/models.git``, whose branch is main, to push to and to fetch from. What
answers is Git's own ``git http-backend``; at ``/`` probes are answered.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER = Path(tempfile.mkdtemp())
REPOSITORY = FOLDER / "models.git"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        """What the repository has; to probes that it lives."""
        if self.path == "/":
            self.send_response(200)
            self.end_headers()
            return
        self._pass_on(b"")

    def do_POST(self) -> None:
        """A fetch or a push."""
        self._pass_on(self.rfile.read(int(self.headers["Content-Length"])))

    def _pass_on(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        variables = {
            "GIT_PROJECT_ROOT": str(FOLDER),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        command = ["git", "http-backend"]
        done = subprocess.run(
            command, input=body, env=os.environ | variables, stdout=subprocess.PIPE, check=True
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", REPOSITORY], check=True)
subprocess.run(["git", "-C", REPOSITORY, "config", "http.receivepack", "true"], check=True)
ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
