"""How far a command is that takes more than a moment, on standard error."""

from __future__ import annotations

import contextlib
import importlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import click

from bandit_operator.core.durations import duration

LINE_SECONDS = 10.0
"""Between two lines where standard error is no terminal, which shows no bar."""


@contextlib.contextmanager
def shown(name: str, total: int) -> Iterator[Callable[[int], None]]:
    """Give what is to be called with each part of the whole that is done.

    Args:
        name: What is under way.
        total: The whole.

    Raises:
        ClickException: The library that draws the bar is not installed.
    """
    console = rich("console").Console(stderr=True)
    if not console.is_terminal:
        yield _lines(name, total)
        return
    with rich("progress").Progress(console=console, transient=True) as bar:
        task = bar.add_task(name, total=total)
        yield lambda count: bar.advance(task, count)


def _lines(name: str, total: int) -> Callable[[int], None]:
    began = told = time.monotonic()
    done = 0

    def advance(count: int) -> None:
        nonlocal done, told
        done += count
        now = time.monotonic()
        if now - told >= LINE_SECONDS and 0 < done < total:
            told = now
            left = (now - began) * (total - done) / done
            click.echo(f"{name}: {done / total:.0%}, about {duration(left)} to go", err=True)

    return advance


def rich(part: str) -> Any:
    """Import a part of rich, or say how to get it.

    Raises:
        ClickException: It is not installed.
    """
    try:
        return importlib.import_module(f"rich.{part}")
    except ImportError as error:
        raise click.ClickException(
            "this command needs rich, which is not installed; pip install rich"
        ) from error
