"""``bandit-operator history``: what was done, apart from what was merely looked at."""

from __future__ import annotations

import click

from bandit_operator.cli.cluster import Cluster, cluster_options
from bandit_operator.cli.names import resource_argument
from bandit_operator.cli.output import output_option, say, written


@click.command()
@resource_argument()
@output_option
@cluster_options()
def history(name: str, output: str | None, cluster: Cluster) -> None:
    """Show what was done to a resource, by the operator and by hand, oldest first.

    The newest 40 acts are kept; moves of weights on end are one. Older ones are in the operator's log.

    \b
      kubectl bandit history income
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    # Imported here, because the Tab key asks for this command's options, and waits.
    from bandit_operator.status.showing.acts import line
    from bandit_operator.status.showing.view import view_of

    acts = view_of(cluster.resource(name)).acts[::-1]
    if output is not None:
        plain = [act.model_dump(mode="json", by_alias=True, exclude_none=True) for act in acts]
        say(written(plain, name, output))
    else:
        say("\n".join(map(line, acts)) or f"nothing was done to {name} yet")
