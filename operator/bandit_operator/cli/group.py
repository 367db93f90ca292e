"""The group of all verbs, each of which is imported when it is asked for.

What the Tab key gives is waited for, and the operator's own imports alone take seconds.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import io
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import click
from click.shell_completion import CompletionItem


class Verbs(click.Group):
    """A group that knows name, place and summary of each verb before it has imported one.

    Args:
        verbs: Summary of each verb, by the module below ``bandit_operator.cli`` that has it under its own
            name; the summary is the first sentence of its help.
    """

    def __init__(self, *arguments: Any, verbs: Mapping[str, str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._places = {module.rpartition(".")[2]: module for module in verbs}
        self.summaries = {module.rpartition(".")[2]: summary for module, summary in verbs.items()}

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Read the arguments, which prints the help where it is asked for."""
        _replace_what_cannot_be_shown()
        with _full_disk_is_told():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb."""
        with _full_disk_is_told():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of all verbs."""
        return sorted(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Import a verb; None where there is none of that name."""
        if cmd_name not in self._places:
            return None
        module = importlib.import_module(f"bandit_operator.cli.{self._places[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of all verbs."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.summaries[name]) for name in self.list_commands(ctx)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The verbs and options that begin so."""
        verbs = [
            CompletionItem(name, help=self.summaries[name])
            for name in self.list_commands(ctx)
            if name.startswith(incomplete)
        ]
        return [*verbs, *click.Command.shell_complete(self, ctx, incomplete)]


def _replace_what_cannot_be_shown() -> None:
    """Show a question mark for a character that the terminal's encoding lacks, as ISO 8859-1 lacks dashes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextlib.contextmanager
def _full_disk_is_told() -> Iterator[None]:
    """What is printed may go to a disk that is full, which is no fault of this program."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        sys.stdout = None  # or the interpreter would say at its end, in its own words, what is not written
        raise click.ClickException(f"standard output cannot be written: {error.strerror}") from error
