"""The sampler that runs the operator."""

from __future__ import annotations

import json
import subprocess
import sys

from bench.profile import sampled

BUSY = """
import time
from bench.profile import sampled, steps
steps.STEPS = (("work", (":busy",)),)
sampled.EVERY = 0.2
sampled.Sampler().start()
def busy():
    end = time.process_time() + 1.0
    while time.process_time() < end:
        sum(range(1000))
busy()
"""


def test_a_busy_function_is_said_with_its_step() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BUSY], capture_output=True, text=True, check=True, timeout=60
    )
    lines = [one for one in done.stdout.splitlines() if one.startswith(sampled.MARK)]
    said = json.loads(lines[0].removeprefix(sampled.MARK))
    assert said["to"] - said["from"] > 0.2
    assert said["steps"]["work"] > 0
    assert {name.split(":")[-1] for name in said["functions"]} == {"busy"}
