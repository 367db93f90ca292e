"""What says at which step a measurement is, on a terminal and in a log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.progress import Progress


def reporter(progress: Progress, bar: Any) -> Callable[[str], None]:
    """Return what is called at the beginning of each step with its name."""
    begun = False

    def report(what: str) -> None:
        nonlocal begun
        progress.update(bar, description=what, advance=int(begun))
        begun = True
        if not progress.console.is_terminal:
            print(what, flush=True)

    return report
