"""The operator with a wall clock that can be set: it is off by the seconds that /clock/offset says.

``set_clock_operator.py ARGUMENTS…``: the process is the operator as it is shipped; only what it
takes for the time of day moves, as on a machine whose clock is set. Without the file it is right.
"""

from __future__ import annotations

import functools
import sys
import time
from pathlib import Path

from bandit_operator import app
from bandit_operator.cli import main
from bandit_operator.runtime.clock import Clock

OFFSET = Path("/clock/offset")


def wall() -> float:
    """Seconds since 1970, by a clock that somebody may have set."""
    try:
        return time.time() + float(OFFSET.read_text())
    except FileNotFoundError:
        return time.time()


vars(app)["Clock"] = functools.partial(Clock, wall)
main(sys.argv[1:])
