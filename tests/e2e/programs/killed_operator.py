"""The operator, killed with SIGKILL at set points of its work and started again at once.

``killed_operator.py PLAN ARGUMENTS…``: PLAN is JSON, point → how often to be killed there;
what is left of it is kept in /kills. The parent only starts the operator again, as a kubelet
does, but without its growing pauses; the process that is killed is the operator as it is
shipped, with a call before and after each query and each write.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

LEFT = Path("/kills/left.json")


def die_at(point: str) -> None:
    """End like a process whose machine lost power, where the plan says so."""
    left = json.loads(LEFT.read_text())
    if left.get(point, 0) > 0:
        left[point] -= 1
        LEFT.write_text(json.dumps(left))
        sys.stderr.write(json.dumps({"killed": point}) + "\n")
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGKILL)


def surround(owner: Any, name: str, point: str) -> None:
    """Let an async function be a point of death before and after."""
    inner = getattr(owner, name)

    @functools.wraps(inner)
    async def outer(*arguments: Any, **keywords: Any) -> Any:
        die_at(f"before {point}")
        result = await inner(*arguments, **keywords)
        die_at(f"after {point}")
        return result

    setattr(owner, name, outer)


def run_operator(arguments: list[str]) -> None:
    """Run the real command line with the points of death in place."""
    from bandit_operator.cli import main
    from bandit_operator.reconcile import writes
    from bandit_operator.reconcile.observe import Observer
    from bandit_operator.status import writer

    surround(Observer, "rewards", "query")
    surround(writer, "write", "commit")
    surround(writes, "set_weights", "route")
    surround(writes, "set_replicas", "scale")
    main(arguments)


def supervise(plan: str, arguments: list[str]) -> int:
    """Start the operator again whenever it was killed; pass SIGTERM on."""
    if not LEFT.exists():
        LEFT.write_text(plan)
    while True:
        child = subprocess.Popen([sys.executable, __file__, "--child", *arguments])
        signal.signal(signal.SIGTERM, lambda *_, child=child: child.terminate())
        code = child.wait()
        if code != -signal.SIGKILL:
            return code


if sys.argv[1] == "--child":
    run_operator(sys.argv[2:])
else:
    sys.exit(supervise(sys.argv[1], sys.argv[2:]))
