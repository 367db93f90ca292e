"""Runs a command and shows how long it has been going on."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from .store import BuildError

SHOWN_LINES = 20
"""How much of a failed command's output is shown."""

QUIET_SECONDS = 30.0
"""Without a terminal, a sign of life is printed this often."""


@contextmanager
def step(what: str, expected: float) -> Iterator[None]:
    """Show that something is going on, for how long, and how long it usually takes (seconds, two cores)."""
    start, stop = time.monotonic(), Event()
    terminal = sys.stderr.isatty()

    def show() -> None:
        while not stop.wait(0.2 if terminal else QUIET_SECONDS):
            line = f"{what}: {time.monotonic() - start:.0f} s of about {expected:.0f} s"
            begin, end = ("\r\x1b[K", "") if terminal else ("", "\n")
            print(begin + line, end=end, file=sys.stderr, flush=True)

    if not terminal:
        print(f"{what}: takes about {expected:.0f} s", file=sys.stderr, flush=True)
    clock = Thread(target=show, daemon=True)
    clock.start()
    outcome = "interrupted"
    try:
        yield
        outcome = "done"
    except Exception:
        outcome = "failed"
        raise
    finally:
        stop.set()
        clock.join()
        clear = "\r\x1b[K" if terminal else ""
        print(f"{clear}{what}: {outcome} after {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)


def run(
    command: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> str:
    """Return a command's standard output.

    Args:
        command: The program and its arguments.
        cwd: The folder that it runs in; the current one unless given.
        env: Variables beside those of this process.

    Raises:
        BuildError: With the end of its output, where it fails or does not exist.
    """
    words = [str(word) for word in command]
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        try:
            done = subprocess.run(
                words, cwd=cwd, env={**os.environ, **(env or {})}, check=False,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True, errors="replace",
            )  # fmt: skip
        except FileNotFoundError as missing:
            raise BuildError(f"{words[0]}: no such program") from missing
        if done.returncode == 0:
            return done.stdout
        errors.seek(0)
        output = (done.stdout + errors.read()).splitlines()[-SHOWN_LINES:]
    raise BuildError("\n".join([f"this command failed: {shlex.join(words)}", *output]))
