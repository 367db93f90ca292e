"""The operator, sampled: runs it as its image does, and says each few seconds what it was at.

A timer of the process' own processor time (``setitimer(2)``, ITIMER_PROF) interrupts it, and the stack of
that moment is counted by its step and its functions; a process that rests is never interrupted. What another
thread does is counted where the main thread waits. Each line on the standard output that begins with
:data:`MARK` has the counts of the seconds before it. Whole stacks are not said: those of a minute are more
than a log keeps.
"""

from __future__ import annotations

import atexit
import json
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from bench.profile import steps

MARK = "bench.profile "
PERIOD = 0.004
"""Processor seconds from one sample to the next; the kernel's own tick is about as long."""
EVERY = 5.0
"""Seconds from one line to the next, where samples come."""
_DEPTH = 60
"""Frames of a stack that are kept, from the innermost."""


class Sampler:
    """Counts stacks."""

    def __init__(self) -> None:
        self._steps: Counter[str] = Counter()
        self._functions: Counter[str] = Counter()
        self._said = time.time()

    def start(self) -> None:
        """Sample from now on."""
        signal.signal(signal.SIGPROF, self._sample)
        # At its end the interpreter takes its handlers away, and what comes then would kill the process.
        atexit.register(signal.setitimer, signal.ITIMER_PROF, 0.0)
        signal.setitimer(signal.ITIMER_PROF, PERIOD, PERIOD)

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        stack = _stack(frame)
        self._steps[steps.step_of(stack)] += 1
        self._functions.update(steps.functions_of(stack))
        now = time.time()
        if now - self._said > EVERY:
            line = {
                "from": self._said,
                "to": now,
                "steps": dict(self._steps),
                "functions": dict(self._functions),
            }
            self._steps.clear()
            self._functions.clear()
            self._said = now
            print(MARK + json.dumps(line), flush=True)


def _stack(frame: FrameType | None) -> tuple[str, ...]:
    """File and function of each frame, the innermost first."""
    stack: list[str] = []
    while frame is not None and len(stack) < _DEPTH:
        stack.append(f"{'/'.join(Path(frame.f_code.co_filename).parts[-3:])}:{frame.f_code.co_name}")
        frame = frame.f_back
    return tuple(stack)


if __name__ == "__main__":
    from bandit_operator.cli import main

    Sampler().start()
    sys.exit(main())
