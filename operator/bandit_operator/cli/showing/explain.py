"""``bandit-operator explain``: why things are as they are, or why a decision was made."""

from __future__ import annotations

import click

from bandit_operator.adapters.kubernetes import Object
from bandit_operator.api.record import RecordedStatus
from bandit_operator.api.timestamps import from_timestamp
from bandit_operator.cli.cluster import Cluster, cluster_options
from bandit_operator.cli.names import resource_argument
from bandit_operator.status.document import read_status
from bandit_operator.status.showing import sentences
from bandit_operator.status.showing.acts import line
from bandit_operator.status.showing.view import view_of


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
    body = cluster.resource(name)
    status, _ = read_status(body)
    click.echo(now(body, status) if tick is None else then(name, status, tick))


def now(body: Object, status: RecordedStatus) -> str:
    """Why things are as they are."""
    view = view_of(body)
    lines = [f"{view.name} is {view.phase or 'not looked at yet'}."]
    for condition in (view.ready, view.progressing):
        if condition is not None:
            lines.append(sentences.condition(condition))
    lines += [sentences.standing(arm) for arm in status.arms or ()]
    if status.history:
        lines += ["", "The newest decision:", *sentences.decision(status.history[0])]
    if view.acts:
        lines += ["", "Before that:", *(f"  {line(act)}" for act in view.acts[:5])]
    return "\n".join(lines)


def then(name: str, status: RecordedStatus, tick: str) -> str:
    """Why the newest decision until some time was made.

    Raises:
        ClickException: ``tick`` is no time, or the status has no decision as old as that.
    """
    try:
        until = from_timestamp(tick)
    except (ValueError, OverflowError) as error:
        raise click.ClickException(f'--tick "{tick}" is no time; write it as 2026-01-31T03:00:00Z') from error
    history = status.history or []
    for record in history:
        if from_timestamp(record.time) <= until:
            return "\n".join(sentences.decision(record))
    oldest = f"the oldest that {name} keeps is of {history[-1].time}" if history else f"{name} has none yet"
    raise click.ClickException(
        f"no decision was made until {tick}: {oldest}; see kubectl bandit history {name}"
    )
