"""Runs a verb of ``bandit-serving`` as a process of its own, as it does in a Pod."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping


@contextlib.contextmanager
def running(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run it at a port of its own choice and give its address.

    Args:
        arguments: Verb and options.
        environment: What it gets beside the variables of this process.

    Raises:
        RuntimeError: It has ended before it listened.
    """
    command = [sys.executable, "-m", "bandit_serving", *arguments, "--host", "127.0.0.1", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--drain-delay", "0s"],
        stderr=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
    )
    assert process.stderr is not None
    reader = None
    try:
        for line in process.stderr:
            entry = json.loads(line)
            if entry.get("event") == "listening":
                # What it logs from now on is of no interest, and must not fill the pipe.
                reader = threading.Thread(target=process.stderr.read)
                reader.start()
                yield f"http://127.0.0.1:{entry['port']}"
                break
        else:
            raise RuntimeError(f"{arguments[0]} has ended; its message is above")
    finally:
        process.terminate()
        process.wait()
        if reader is not None:
            reader.join()
        process.stderr.close()
