"""``bandit-operator explain``: why things are as they are, or why a decision was made."""

from __future__ import annotations

import click

from bandit_operator.cli.cluster import Cluster, cluster_options
from bandit_operator.cli.names import resource_argument
from bandit_operator.cli.output import say


@click.command()
@resource_argument()
@click.option(
    "--tick",
    metavar="TIME",
    help="Explain the newest decision made until then, such as 2026-01-31T03:00:00Z.",
)
@cluster_options()
def explain(name: str, tick: str | None, cluster: Cluster) -> None:
    """Say why the traffic is where it is, or why one decision was made, in words.

    \b
      kubectl bandit explain income
      kubectl bandit explain income --tick 2026-01-31T03:00:00Z
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    # Imported here, because the Tab key asks for this command's options, and waits.
    from bandit_operator.cli import screens
    from bandit_operator.status.document import read_status

    body = cluster.resource(name)
    status, _ = read_status(body)
    say(screens.now(body, status) if tick is None else screens.then(name, status, tick))
