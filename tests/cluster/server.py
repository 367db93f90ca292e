"""The program in the tests' Pods: answers its name, and is ready and alive as set."""

from __future__ import annotations

import http.server
import os
import signal
import sys
import threading

STATE = {"/ready": 200, "/alive": 200}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every answer waits for a delayed acknowledgement

    def do_GET(self) -> None:
        if self.path == "/metrics":
            self.answer(200, "# TYPE up_seconds gauge\nserver_answers 42\n")
        else:
            self.answer(STATE.get(self.path, 200), os.environ["NAME"])

    def do_PUT(self) -> None:
        """Set what a path answers from now on, as in ``PUT /alive?500``."""
        path, _, status = self.path.partition("?")
        STATE[path] = int(status)
        self.answer(200, "set")

    def answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None: ...


server = http.server.ThreadingHTTPServer(("", 8000), Handler)
server.daemon_threads = True


def stop(*_: object) -> None:
    sys.stdout.write("stopping\n")
    threading.Thread(target=server.shutdown).start()


signal.signal(signal.SIGTERM, stop)
sys.stdout.write(f"serving as {os.environ['NAME']}\n")
sys.stdout.flush()
server.serve_forever()
